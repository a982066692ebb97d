package spec

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a zone is known or not on every machine alike

	"weft/cron"
)

// presets are the schedules that have a name.
var presets = sync.OnceValue(func() []string {
	var names []string
	for _, p := range cron.Presets {
		names = append(names, p.Name)
	}
	return names
})

// draftSchedule checks a schedule and keeps it as it is written. What a cron text means package cron knows, for
// the scheduler too: two readings of one text would differ some day.
func (d *DAG) draftSchedule(n *Node) {
	if n == nil || n.Kind == Scalar && n.Quote == Plain && n.Text == "null" {
		return
	}
	if n.Empty() || n.Kind == Sequence && len(n.Items()) == 0 {
		d.neverBySelf(d.top.key("schedule"), "schedule")
		return
	}
	if n.Kind != Mapping {
		list := d.oneOrList(n, "schedule")
		for _, c := range list {
			d.cron(c, "schedule", n.Kind == Scalar)
		}
		d.alone(list)
		d.plan.Schedule = encode(d.value(n))
		return
	}
	f := d.fields(n, scheduleKeys, "`schedule`")
	d.scheduleKind(n, f)
	for _, key := range []string{"cron", "at"} {
		if v := f.get(key); v != nil && v.Kind == Sequence && len(v.Items()) == 0 {
			d.neverBySelf(f.key(key), key)
		}
	}
	zone := d.zone(f.get("timezone"))
	texts := d.oneOrList(f.get("cron"), "cron")
	d.alone(texts)
	for _, c := range texts {
		if e := d.cron(c, "cron", false); e != nil && zone != nil && f.key("dst") == nil {
			d.shifts(c, e, zone, f.get("start"))
		}
	}
	d.duration(f.get("every"), "every", false)
	moments := d.list(f.get("at"), "at")
	read := 0
	for _, at := range moments {
		if _, _, ok := d.moment(at, "at"); ok {
			read++
		}
	}
	d.bounds(f)
	if interval, _ := d.choice(f.get("interval"), "interval", "previous", "none"); interval == "previous" && len(moments) == 1 && read == 1 {
		d.report(tNever, d.span(moments[0]), "this never fires: a single time has none before it that its interval could begin with").
			help("leave `interval` out: a time of `at` then stands for itself")
	}
	d.duration(f.get("jitter"), "jitter", true)
	d.catchup(f.get("catchup"))
	d.noCatchup(f, texts)
	if dst := f.get("dst"); dst != nil {
		g := d.fields(dst, dstKeys, "`dst`")
		d.choice(g.get("gap"), "gap", "next", "skip")
		d.choice(g.get("fold"), "fold", "first", "both")
	}
	raw, _ := d.value(n).(map[string]any)
	for key := range raw {
		if strings.HasPrefix(key, "x-") {
			delete(raw, key)
		}
	}
	d.plan.Schedule = encode(raw)
}

// neverBySelf tells of a schedule that is there and says nothing.
func (d *DAG) neverBySelf(key *Node, name string) {
	if key == nil || key.bad {
		return
	}
	d.reportAs(Warning, sMissing, d.span(key), "`%s` is empty: the DAG never runs by itself", name).
		help("say when, as \"30 2 * * *\"; for a DAG that is started by hand leave `schedule` out")
}

// scheduleKind: a schedule says when in one way. Of several each would be right alone, so the later
// ones are reported, and point at the first.
func (d *DAG) scheduleKind(n *Node, f fields) {
	var first *Node
	for _, k := range []string{"cron", "every", "at"} {
		switch key := f.key(k); {
		case key == nil:
		case first == nil:
			first = key
		default:
			d.report(sExclusive, d.span(key), "`schedule` has both `%s` and `%s`", first.Text, k).related(d.span(first), "`%s` is here", first.Text)
		}
	}
	if first == nil {
		d.report(sMissing, d.span(n), "`schedule` does not say when: it needs `cron`, `every` or `at`")
	}
}

// cron reads a cron text: a preset, `every …` where allowed, or fields. It returns what could be read of them,
// nil for `every` and for presets that are no cron texts.
func (d *DAG) cron(n *Node, key string, every bool) *cron.Expr {
	text := strings.TrimSpace(n.Text)
	switch rest, isEvery := strings.CutPrefix(text, "every "); {
	case strings.HasPrefix(text, "@"):
		return d.preset(n, text)
	case every && isEvery:
		if v, err := ParseDuration(strings.TrimSpace(rest)); err != nil {
			diag := d.report(sDuration, d.span(n), "`every` wants a duration like 15m or 1h30m: %v", err)
			if meant := meantEvery(rest); meant != "" {
				diag.label("write `every %s`", meant)
			}
		} else if v == 0 {
			d.report(sValue, d.span(n), "`every` must be longer than 0")
		}
		return nil
	case isEvery:
		meant := strings.TrimSpace(rest)
		if m := meantEvery(meant); m != "" {
			meant = m
		}
		d.report(tFields, d.span(n), "`%s` holds cron texts, and `every` stands for itself", key).help("write `schedule: {every: %s}`", meant)
		return nil
	}
	if d.scheduleWord(n, text, key, every) || d.awsSchedule(n, text, every) {
		return nil
	}
	e, problems := cron.Parse(n.Text)
	if e == nil {
		problems = d.zoneInCron(n, problems)
	}
	for _, p := range problems {
		code := [...]string{tField, tFields, tNever, tEither, tUneven, tFields}[p.Kind]
		severity, mild := warnings[code]
		switch {
		case p.Kind == cron.YearLast && e != nil:
			severity = Warning
		case !mild:
			severity = Error
		}
		diag := d.reportAs(severity, code, d.within(n, p.Offset, p.Len), "%s", p.Msg)
		if len(p.Suggest) > 0 {
			diag.label("write `%s`", p.Suggest[0])
		}
		if p.Help != "" {
			diag.help("%s", p.Help)
		}
	}
	return e
}

// scheduleWord knows words that are no cron texts, and what they mean: daily, 15m, None.
func (d *DAG) scheduleWord(n *Node, text, key string, every bool) bool {
	word, now := strings.ToLower(text), ""
	_, notDuration := ParseDuration(text)
	switch {
	case slices.Contains(presets(), "@"+word):
		now = "@" + word
	case word == "annually" || word == "midnight":
		now = map[string]string{"annually": "@yearly", "midnight": "@daily"}[word]
	case notDuration == nil && every:
		now = "every " + text
	case notDuration == nil:
		d.report(tFields, d.span(n), "`%s` holds cron texts, and %s is a duration", key, cut(text, 40)).help("write `schedule: {every: %s}`", cut(text, 40))
		return true
	case word == "none" || word == "null" || word == "manual" || word == "never":
		d.report(sValue, d.span(n), "there is no schedule %q", cut(text, 40)).help("for a DAG that is started by hand leave `schedule` out")
		return true
	default:
		return false
	}
	diag := d.report(sValue, d.span(n), "there is no schedule %q", cut(text, 40)).label("write `%s`", now)
	if at, ok := d.bareOf(n); ok {
		if n.Quote == Plain && now[0] == '@' { // no plain value begins so
			now = `"` + now + `"`
		}
		diag.note("fix", "write `%s`", now).edit(at, now)
	}
	return true
}

// preset reads a schedule that has a name.
func (d *DAG) preset(n *Node, name string) *cron.Expr {
	for _, p := range cron.Presets {
		if p.Name == name {
			e, _ := cron.Parse(p.Text)
			return e
		}
	}
	diag := d.report(sValue, d.span(n), "there is no schedule %q", cut(name, 40))
	if rest, ok := strings.CutPrefix(name, "@every "); ok {
		diag.label("write `every %s`", cut(strings.TrimSpace(rest), 40))
		return nil
	}
	diag.suggest(name, presets())
	return nil
}

// alone: a schedule of one run, or of one run after another, names no moments that could be merged with others'.
func (d *DAG) alone(list []*Node) {
	for _, n := range list {
		if name := strings.TrimSpace(n.Text); len(list) > 1 && (name == "@once" || name == "@continuous") {
			d.report(sExclusive, d.span(n), "`%s` stands alone: it names no moments that others could be added to", name)
		}
	}
}

// A timezone is one that was found. There are some 600 in the world, and to load one is to unpack it, so they are
// kept; what is not found is not.
type timezone struct {
	name   string
	where  *time.Location
	shifts func() []cron.Shift // see shiftYears
}

var zones sync.Map

func findZone(name string) *timezone {
	if z, ok := zones.Load(name); ok {
		return z.(*timezone)
	}
	where, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil
	}
	z := &timezone{name: name, where: where}
	z.shifts = sync.OnceValue(func() []cron.Shift { return cron.Shifts(where, shiftYears, shiftYears+9) })
	zones.Store(name, z)
	return z
}

//go:embed zones.txt
var zoneList string

// zoneNames are the zones of the database, for suggestions; a test holds the list to the database.
func zoneNames() []string { return strings.Fields(zoneList) }

// zone checks a time zone against the database that is built in. "Local" is one to Go, and another
// on every machine.
func (d *DAG) zone(n *Node) *timezone {
	if !d.filled(n, "timezone", "a time zone like Europe/Berlin") {
		return nil
	}
	z := findZone(n.Text)
	if z == nil {
		d.report(tZone, d.span(n), "there is no time zone %q", cut(n.Text, 40)).zoneMeant(n.Text)
		return nil
	}
	d.plan.Timezone = n.Text
	return z
}

// catchup reads which missed ticks still run: a word, or {max: N}. `false` is one of the words, as it
// is written; the scheduler reads it from the plan.
func (d *DAG) catchup(n *Node) {
	if n == nil {
		return
	}
	if n.Kind == Mapping {
		f := d.fields(n, catchupKeys, "`catchup`")
		if f.key("max") == nil {
			d.report(sMissing, d.span(n), "`catchup` must say how many: {max: 5}")
		}
		d.integer(f.get("max"), "max", 1)
		return
	}
	words := []string{"false", "last", "all"}
	if !d.filled(n, "catchup", orWords(words)) || slices.Contains(words, n.Text) {
		return
	}
	diag := d.report(sValue, d.span(n), "`catchup` must be %s, or {max: N}", orWords(words))
	if v, err := strconv.Atoi(n.Text); err == nil && v > 0 {
		diag.label("write `{max: %d}`", v)
	} else if b, ok := looseBool(n.Text); !ok {
		diag.suggest(n.Text, words[1:])
	} else if b {
		diag.instead(n.Text, "all")
	} else {
		diag.instead(n.Text, "false")
	}
}

// momentLayouts are how a point in time may be written; the first has its offset.
var momentLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// moment checks that a text is a point in time, or a day; fixed tells that it has an offset.
func (d *DAG) moment(n *Node, key string) (t time.Time, fixed, ok bool) {
	if !d.filled(n, key, "a time") {
		return t, false, false
	}
	for i, layout := range momentLayouts {
		if t, err := time.Parse(layout, n.Text); err == nil {
			return t, i == 0, true
		}
	}
	d.report(sValue, d.span(n), "`%s` must be a time like 2026-01-31 or 2026-01-31T12:00:00Z, not %s", key, n.words())
	return t, false, false
}

// bounds reads `start` and `end`. Which comes first is certain if both or neither have an offset.
func (d *DAG) bounds(f fields) {
	start, fixed, ok := d.moment(f.get("start"), "start")
	end, alsoFixed, both := d.moment(f.get("end"), "end")
	if ok && both && fixed == alsoFixed && !end.After(start) {
		d.report(tNever, d.span(f.get("end")), "this never fires: `end` is not after `start`").related(d.span(f.get("start")), "`start` is here")
	}
}
