package spec

import (
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a zone is known or not on every machine alike
)

// presets are the schedules that have a name.
var presets = []string{"@once", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly", "@continuous"}

// draftSchedule checks a schedule's shape and keeps it as it is written: what it means, and whether
// it ever fires, the scheduler knows.
func (d *DAG) draftSchedule(n *Node) {
	if n == nil || n.Kind == Scalar && n.Quote == Plain && (n.Text == "" || n.Text == "null") {
		return
	}
	if n.Kind != Mapping {
		for _, c := range d.oneOrList(n, "schedule") {
			d.cron(c, "schedule", n.Kind == Scalar)
		}
		d.plan.Schedule = encode(d.value(n))
		return
	}
	f := d.fields(n, scheduleKeys, "`schedule`")
	d.scheduleKind(n, f)
	for _, c := range d.oneOrList(f.get("cron"), "cron") {
		d.cron(c, "cron", false)
	}
	d.duration(f.get("every"), "every", false)
	for _, at := range d.list(f.get("at"), "at") {
		d.moment(at, "at")
	}
	d.moment(f.get("start"), "start")
	d.moment(f.get("end"), "end")
	d.choice(f.get("interval"), "interval", "previous", "none")
	d.duration(f.get("jitter"), "jitter", true)
	d.zone(f.get("timezone"))
	d.catchup(f.get("catchup"))
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

// cron checks a cron text's shape: a preset, `every …` where allowed, or five or six fields. What
// stands in the fields is left to the scheduler, which has the grammar; two readings of one text would
// differ some day.
func (d *DAG) cron(n *Node, key string, every bool) {
	text := strings.TrimSpace(n.Text)
	switch {
	case strings.HasPrefix(text, "@"):
		if !slices.Contains(presets, text) {
			d.report(sValue, d.span(n), "there is no schedule %q", text).suggest(text, presets)
		}
	case every && strings.HasPrefix(text, "every "):
		rest := strings.TrimSpace(strings.TrimPrefix(text, "every "))
		if v, err := ParseDuration(rest); err != nil {
			d.report(sDuration, d.span(n), "`every` wants a duration like 15m or 1h30m: %v", err)
		} else if v == 0 {
			d.report(sValue, d.span(n), "`every` must be longer than 0")
		}
	default:
		if got := len(strings.Fields(text)); got != 5 && got != 6 {
			d.report(tFields, d.span(n), "`%s` has %d fields; a cron text has 5, or 6 with seconds first", key, got).
				help("like `30 2 * * *`, a preset like `@daily`, or `every 15m`")
		}
	}
}

// zones are the names that were looked up and found, for to load a zone is to unpack it. There are
// some 600 in the world; what is not found is not kept.
var zones sync.Map

func knownZone(name string) bool {
	if _, ok := zones.Load(name); ok {
		return true
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return false
	}
	zones.Store(name, true)
	return true
}

// zone checks a time zone against the database that is built in. "Local" is one to Go, and another
// on every machine.
func (d *DAG) zone(n *Node) {
	if !d.filled(n, "timezone", "a time zone like Europe/Berlin") {
		return
	}
	if !knownZone(n.Text) {
		d.report(tZone, d.span(n), "there is no time zone %q", cut(n.Text, 40)).help("use a name of the IANA database, like Europe/Berlin or UTC")
		return
	}
	d.plan.Timezone = n.Text
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
	d.choice(n, "catchup", "false", "last", "all")
}

// moment checks that a text is a point in time, or a day.
func (d *DAG) moment(n *Node, key string) {
	if !d.filled(n, key, "a time") {
		return
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if _, err := time.Parse(layout, n.Text); err == nil {
			return
		}
	}
	d.report(sValue, d.span(n), "`%s` must be a time like 2026-01-31 or 2026-01-31T12:00:00Z, not %s", key, n.words())
}
