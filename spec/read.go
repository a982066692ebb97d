package spec

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"weft/expr"
	"weft/machine"
)

// The readers below give a key's value as the type its place wants. What does not fit is reported
// and reads as absent (ok is false); a nil node is absent without a word. So callers ask for a key,
// use it if ok, and need no word about errors.
//
// key is what messages call the value; it stands in backquotes there.

// text reads literal text: no expressions. Any scalar is text, as it is written.
func (d *DAG) text(n *Node, key string) (string, bool) {
	if !d.scalarHere(n, key, "text") || !d.literal(n, key) {
		return "", false
	}
	return n.Text, true
}

// scalarHere tells whether a node is a scalar, whatever is in it; want says what it must be.
func (d *DAG) scalarHere(n *Node, key, want string) bool {
	if n == nil || n.bad {
		return false
	}
	if n.Kind != Scalar {
		d.report(sType, d.span(n), "`%s` must be %s, not %s", key, want, n.words())
		return false
	}
	return true
}

// filled is scalarHere for values that may not be empty.
func (d *DAG) filled(n *Node, key, want string) bool {
	if !d.scalarHere(n, key, want) {
		return false
	}
	if n.Empty() {
		diag := d.report(sType, d.span(n), "`%s` has no value; it must be %s", key, want)
		if d.commented(n) {
			diag.help("a value that begins with # is a comment to YAML: quote it")
		}
		return false
	}
	return d.literal(n, key)
}

// literal refuses ${{ }} where a value is fixed when the file is read: what the scheduler goes by, or
// what decides who waits for whom, cannot depend on a run.
func (d *DAG) literal(n *Node, key string) bool {
	if !expr.HasExpr(n.Text) {
		return true
	}
	off := len([]rune(n.Text[:strings.Index(n.Text, "${{")]))
	diag := d.report(sNoExpression, d.within(n, off, 3), "`%s` takes no ${{ }}: it is fixed when the file is read", key)
	if key == "needs" && d.needsExpression(diag, n) {
		return false
	}
	diag.help("expressions may stand in `run`, `with`, `env`, `workdir`, `for_each`, `inputs` and `artifacts`")
	return false
}

// needsExpression says which task an expression in `needs` names: its id is what stands there.
func (d *DAG) needsExpression(diag *Diagnostic, n *Node) bool {
	m := taskUse().FindStringSubmatch(n.Text)
	if !isWhole(n.Text) || m == nil {
		return false
	}
	diag.label("write `%s`", m[1])
	if at, ok := d.bareOf(n); ok && d.root.At("tasks", m[1]) != nil {
		diag.note("fix", "write `%s`", m[1]).edit(at, m[1])
	}
	return true
}

// taskUse is an expression that names one task, or something of it.
var taskUse = looks(`^\$\{\{\s*(?:tasks\.)?([A-Za-z_][A-Za-z0-9_-]*)(?:\.(?:state|outputs?|artifacts|ref|result)\b[^ ]*)?\s*\}\}$`)

// boolean knows true and false alone: `no` and `on` are text everywhere, so here they are a mistake.
func (d *DAG) boolean(n *Node, key string) bool {
	if !d.filled(n, key, "true or false") {
		return false
	}
	switch {
	case n.Quote == Plain && n.Text == "true":
		return true
	case n.Quote == Plain && n.Text == "false":
		return false
	}
	if b, ok := looseBool(n.Text); ok {
		d.report(yBool, d.span(n), "`%s` must be true or false, not %s", key, n.words()).instead(d.src.text(d.span(n)), strconv.FormatBool(b))
		return false
	}
	d.report(sType, d.span(n), "`%s` must be true or false, not %s", key, n.words())
	return false
}

// looseBool knows what YAML 1.1 and people take for a boolean. It is for messages alone: to accept
// `no` would be to make the country code of Norway false in the next place.
func looseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "on", "true", "y":
		return true, true
	case "no", "off", "false", "n":
		return false, true
	}
	return false, false
}

// integer reads JSON's whole numbers: 010 would be eight to some and ten to others.
func (d *DAG) integer(n *Node, key string, least int) (int, bool) {
	if !d.filled(n, key, "a whole number") {
		return 0, false
	}
	v, err := strconv.Atoi(n.Text)
	if err != nil || n.Quote != Plain || !jsonNumber().MatchString(n.Text) {
		d.notNumber(n, key, "a whole number")
		return 0, false
	}
	if v < least {
		d.report(sValue, d.span(n), "`%s` must be at least %d", key, least)
		return 0, false
	}
	return v, true
}

// decimal reads a number that may have a fraction, in JSON's notation like integer.
func (d *DAG) decimal(n *Node, key string, least float64) (float64, bool) {
	if !d.filled(n, key, "a number") {
		return 0, false
	}
	v, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || n.Quote != Plain || !jsonNumber().MatchString(n.Text) {
		d.notNumber(n, key, "a number")
		return 0, false
	}
	if v < least {
		d.report(sValue, d.span(n), "`%s` must be at least %v", key, least)
		return 0, false
	}
	return v, true
}

// notNumber tells apart what is no number from what is one in another notation.
func (d *DAG) notNumber(n *Node, key, want string) {
	if n.Quote == Plain && d.otherNotation(n, key, want) {
		return
	}
	diag := d.report(sType, d.span(n), "`%s` must be %s, not %s", key, want, n.words())
	if _, err := strconv.Atoi(n.Text); n.Quote != Plain && jsonNumber().MatchString(n.Text) && (err == nil || want == "a number") {
		diag.instead(d.src.text(d.span(n)), n.Text)
	}
}

// otherNotation reports a whole number that is written as no number of JSON: 0022, 1_000.
func (d *DAG) otherNotation(n *Node, key, want string) bool {
	if v, err := strconv.ParseInt(strings.TrimLeft(strings.ReplaceAll(n.Text, "_", ""), "0"), 10, 64); err == nil {
		diag := d.report(yNumber, d.span(n), "`%s` must be %s, not %s", key, want, n.words()).label("write `%d`", v)
		if !strings.HasPrefix(n.Text, "0") { // 0022 may be meant as 18
			diag.instead(n.Text, strconv.FormatInt(v, 10))
		}
		return true
	}
	return false
}

// duration reads a duration; zero is allowed only where it means something. A plain number is the
// mistake to expect, from tools that count seconds; the label says what it would be here.
func (d *DAG) duration(n *Node, key string, zero bool) (machine.Duration, bool) {
	if !d.filled(n, key, "a duration like 90s or 1h30m") {
		return 0, false
	}
	v, err := ParseDuration(n.Text)
	if n.Text == "0" && !zero {
		err = nil
	}
	if err != nil {
		diag := d.report(sDuration, d.span(n), "`%s` must be a duration like 90s or 1h30m: %v", key, err)
		switch meant := meantDuration(n.Text); {
		case index(n.Text) >= 0:
			diag.label("write `%s` for seconds", meant)
		case meant != "":
			diag.label("write `%s`", meant)
		}
		return 0, false
	}
	if v == 0 && !zero {
		d.report(sValue, d.span(n), "`%s` must be longer than 0", key)
		return 0, false
	}
	return machine.Duration(v), true
}

// choice reads one of some words.
func (d *DAG) choice(n *Node, key string, of ...string) (string, bool) {
	if !d.filled(n, key, orWords(quoted(of))) {
		return "", false
	}
	if !slices.Contains(of, n.Text) {
		d.report(sValue, d.span(n), "`%s` must be %s", key, orWords(quoted(of))).suggest(n.Text, of)
		return "", false
	}
	return n.Text, true
}

// list returns the items of a list of literal texts.
func (d *DAG) list(n *Node, key string) []*Node {
	if n == nil || n.bad {
		return nil
	}
	if n.Kind != Sequence {
		d.report(sType, d.span(n), "`%s` must be a list, not %s", key, n.words())
		return nil
	}
	out := make([]*Node, 0, len(n.Items()))
	for _, it := range n.Items() {
		if d.filled(it, key, "a list of texts") {
			out = append(out, it)
		}
	}
	return out
}

// oneOrList returns the texts of a value that is one text or a list of them.
func (d *DAG) oneOrList(n *Node, key string) []*Node {
	if n == nil || n.Kind == Sequence {
		return d.list(n, key)
	}
	if !d.filled(n, key, "text or a list of texts") {
		return nil
	}
	return []*Node{n}
}

// named walks a mapping whose keys are names of the user's.
func (d *DAG) named(n *Node, key string) []Field {
	if n == nil || n.bad {
		return nil
	}
	if n.Kind != Mapping {
		diag := d.report(sType, d.span(n), "`%s` must be a map of names, not %s", key, n.words())
		if help := asMap(key, n); help != "" {
			diag.help("%s", help)
		}
		return nil
	}
	return n.Fields()
}

const day = machine.Duration(24 * time.Hour)

func hours(n int) machine.Duration   { return machine.Duration(n) * machine.Duration(time.Hour) }
func minutes(n int) machine.Duration { return machine.Duration(n) * machine.Duration(time.Minute) }
func seconds(n int) machine.Duration { return machine.Duration(n) * machine.Duration(time.Second) }
