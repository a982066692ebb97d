package rehearse

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/spec"
)

// Check holds a record against what its case expects. file is the test file, dag the DAG's; no
// diagnostics is a case that passes.
func (r *Record) Check(file, dag string) (ds []spec.Diagnostic) {
	k := checker{r: r, file: file, dag: dag}
	if lacks := r.Lacks(); len(lacks) > 0 {
		for _, l := range lacks {
			k.lack(l)
		}
		return k.ds // whatever else is not as expected may follow from it
	}
	if r.Endless {
		k.report(spec.CaseEndless, r.Case.At, "the run goes on for ever", fmt.Sprintf("cut off after %d steps, at %s", r.steps, Brief(r.Lasted)))
		return k.ds
	}
	k.givenInstances()
	for _, e := range r.Case.Expect {
		k.e = e
		checks := slices.SortedStableFunc(slices.Values(e.Checks), func(a, b spec.Want) int {
			return cmp.Or(a.At.Line-b.At.Line, a.At.Col-b.At.Col)
		})
		for _, w := range checks {
			k.w = w
			if e.Task == "" {
				k.verdict()
			} else {
				k.task()
			}
		}
	}
	return k.ds
}

// A checker holds one expectation after another against a record.
type checker struct {
	r         *Record
	file, dag string
	e         spec.Expectation
	w         spec.Want
	told      string // of whom it is said what became of it
	ds        []spec.Diagnostic
}

func (k *checker) report(code string, at spec.Span, message, label string) *spec.Diagnostic {
	k.ds = append(k.ds, spec.Diagnostic{
		Code: code, Severity: spec.Error, File: k.file, Line: at.Line, Column: at.Col, EndLine: at.EndLine, EndColumn: at.EndCol,
		Message: message, Label: label,
	})
	return &k.ds[len(k.ds)-1]
}

// point adds a place in the DAG's file.
func (k *checker) point(d *spec.Diagnostic, at machine.Pos, text string) {
	if at.Line > 0 {
		d.Related = append(d.Related, spec.Related{File: k.dag, Line: at.Line, Column: at.Col, Text: text})
	}
}

func (k *checker) lack(l Lack) {
	what := fmt.Sprintf("%s of %q reads the output of %q", l.Key, l.Task, l.Of)
	if l.Key == "" {
		what = fmt.Sprintf("%q reads the output of %q", l.Task, l.Of)
	}
	d := k.report(spec.CaseLacks, k.r.Case.At, what+", which the case does not give", "")
	k.point(d, l.At, "it is read here")
	if l.Why != "" {
		d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: l.Why})
	}
	shape := "…"
	if out := k.r.Output(l.Of); len(out) > 4 && len(out) < 120 { // more than null
		shape = string(out)
	}
	d.Notes = append(d.Notes, spec.Note{Kind: "help", Text: fmt.Sprintf("add `given: {%s: {output: %s}}`, or `output: null` if it has none", l.Of, shape)})
}

// who is the task, or the instance, as messages call it.
func (k *checker) who() string {
	if k.w.Index != "" {
		return fmt.Sprintf("%q[%s]", k.e.Task, k.w.Index)
	}
	return fmt.Sprintf("%q", k.e.Task)
}

// differs reports what is not as expected, with the reason for what is.
func (k *checker) differs(format string, args ...any) {
	d := k.report(spec.CaseFails, k.w.At, fmt.Sprintf(format, args...), "")
	if k.e.Task == "" {
		if why := k.r.Summary.Reason; why != "" && k.w.Key != "reason" {
			d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: why})
		}
		return
	}
	if k.told == k.who() {
		return // what has become of it is said already
	}
	k.told = k.who()
	if why := k.reason(); why != "" && k.w.Key != "reason" && k.state() != machine.Success.String() {
		d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: fmt.Sprintf("%s is %s: %s", k.who(), k.state(), why)})
	}
	if t := k.r.Run.Plan().Task(k.e.Task); t != nil {
		k.point(d, t.Pos, "it is here")
	}
}

// is compares; show writes a value for people.
func (k *checker) is(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		k.differs("%s is %s, not %s", what, show(got), show(want))
	}
}

func (k *checker) verdict() {
	sum := k.r.Summary
	switch k.w.Key {
	case "state":
		state := string(sum.State)
		if state != k.w.Value {
			k.differs("the run is %s, not %s", state, k.w.Value)
			d := &k.ds[len(k.ds)-1]
			d.Label = "it is " + state
			if sum.Reason == "" {
				d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: k.unfinished()})
			}
		}
	case "reason":
		k.contains("the reason of the run", sum.Reason)
	case "takes":
		if sum.FinishedAt.IsZero() {
			k.differs("the run never ends")
			return
		}
		k.is("the time that the run takes", sum.FinishedAt.Sub(sum.StartedAt), k.w.Value)
	}
}

// unfinished says what a run is made of.
func (k *checker) unfinished() string {
	count := map[string]int{}
	for id, t := range k.r.Summary.Tasks {
		if !strings.Contains(id, ".") {
			count[t.State.String()]++
		}
	}
	var parts []string
	for _, s := range []string{"success", "skipped", "failed", "upstream_failed", "none", "scheduled", "queued", "running", "up_for_reschedule", "up_for_retry"} {
		if n := count[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return "its tasks: " + strings.Join(parts, ", ")
}

func (k *checker) contains(what, got string) {
	if want, _ := k.w.Value.(string); !strings.Contains(got, want) {
		k.differs("%s is %q, which does not hold %q", what, got, want)
	}
}

// state is what became of the task or instance: none of a callback that never began.
func (k *checker) state() string {
	t, known := k.r.Summary.Tasks[k.e.Task]
	if !known {
		return machine.None.String()
	}
	if i, _ := k.r.index(k.e.Task, k.w.Index); i >= 0 {
		in, _ := k.r.instance(k.e.Task, i)
		return in.State.String()
	}
	return t.State.String()
}

func (k *checker) reason() string {
	t := k.r.Summary.Tasks[k.e.Task]
	if i, _ := k.r.index(k.e.Task, k.w.Index); i >= 0 {
		in, _ := k.r.instance(k.e.Task, i)
		return in.Reason
	}
	if t.Reason == "" {
		e, _ := k.r.Run.Explain(k.e.Task)
		return cmp.Or(e.Reason, e.Because)
	}
	return t.Reason
}

func (k *checker) task() {
	index, ok := k.r.index(k.e.Task, k.w.Index)
	if !ok {
		k.differs("%q has no instance %s: it has %d", k.e.Task, k.w.Index, len(k.r.Summary.Tasks[k.e.Task].Instances))
		return
	}
	switch k.w.Key {
	case "state":
		if got := k.state(); got != k.w.Value {
			k.differs("%s is %s, not %s", k.who(), got, k.w.Value)
			k.ds[len(k.ds)-1].Label = "it is " + got
		}
	case "reason":
		k.contains("the reason of "+k.who(), k.reason())
	case "size":
		k.is("the number of instances of "+k.who(), len(k.r.Summary.Tasks[k.e.Task].Instances), k.w.Value)
	case "output":
		k.output(index)
	case "starts", "ends", "starts_before", "starts_after":
		k.times(index)
	default:
		k.attempts(index)
	}
}

// times holds moments against each other. What happens at one moment is neither before nor after.
func (k *checker) times(index int) {
	start, end, started, ended := k.r.bounds(k.e.Task, index)
	if k.w.Key == "ends" {
		if !ended {
			k.differs("%s does not end", k.who())
			return
		}
		k.is("the moment at which "+k.who()+" ends", end, k.w.Value)
		return
	}
	if !started {
		k.differs("%s does not start", k.who())
		return
	}
	if k.w.Key == "starts" {
		k.is("the moment at which "+k.who()+" starts", start, k.w.Value)
		return
	}
	_, other, _, over := k.r.bounds(k.w.Name, -1)
	at := fmt.Sprintf("at %s, and %q ends at %s", Brief(start), k.w.Name, Brief(other))
	if !over {
		at = fmt.Sprintf("at %s, and %q does not end", Brief(start), k.w.Name)
	}
	early := !over || start < other
	if early == (k.w.Key == "starts_before") && (!over || start != other || k.w.Key == "starts_after") {
		return
	}
	k.differs("%s starts %s", k.who(), at)
	if d := &k.ds[len(k.ds)-1]; over && start == other {
		d.Notes = append(d.Notes, spec.Note{Kind: "help", Text: "what takes no time ends where it starts: say `takes` of both"})
	}
}

func (k *checker) output(index int) {
	var raw json.RawMessage
	if index < 0 {
		raw = k.r.Output(k.e.Task)
	} else if list := k.r.Attempts(k.e.Task, index); len(list) > 0 {
		raw = k.r.valueOf(list[len(list)-1].Outcome)
	}
	got := decoded(raw)
	k.same("the output of "+k.who(), got, k.w.Value)
}

// attempts holds what single attempts were given against what is expected; the last one counts.
func (k *checker) attempts(index int) {
	list := k.r.Attempts(k.e.Task, index)
	switch k.w.Key {
	case "attempts":
		n := len(list)
		if index < 0 {
			n = k.r.Summary.Tasks[k.e.Task].Attempts
		}
		k.is("the number of attempts of "+k.who(), n, k.w.Value)
		return
	case "attempts_at":
		at := []time.Duration{}
		for _, a := range list {
			at = append(at, a.Start)
		}
		if want, _ := k.w.Value.([]time.Duration); !slices.Equal(at, want) {
			k.differs("the attempts of %s start at %s, not at %s", k.who(), show(at), show(want))
		}
		return
	case "pokes":
		n := 0
		for _, a := range list {
			n += a.Pokes
		}
		k.is("the number of pokes of "+k.who(), n, k.w.Value)
		return
	}
	if len(list) == 0 && index < 0 && len(k.r.Summary.Tasks[k.e.Task].Instances) > 0 {
		k.differs("%s is mapped: each of its instances is given something of its own (say `instances`)", k.who())
		return
	}
	if len(list) == 0 {
		k.differs("%s does not start", k.who())
		return
	}
	k.given(list[len(list)-1])
}

func (k *checker) given(a *Attempt) {
	if k.w.Key == "sees" {
		got, err := k.r.Sees(a, k.w.Name)
		if err != nil {
			k.differs("%s cannot evaluate %s: %s", k.who(), k.w.Name, err)
			return
		}
		k.same(fmt.Sprintf("%s, as %s sees it,", k.w.Name, k.who()), got, k.w.Value)
		return
	}
	if !a.called {
		k.differs("%s was given nothing: %s", k.who(), a.Outcome.Error)
		return
	}
	input, _ := decoded(a.input).(map[string]any)
	switch k.w.Key {
	case "with":
		got, there := input[k.w.Name]
		if !there {
			k.differs("%s was not given the input %q", k.who(), k.w.Name)
			return
		}
		k.same(fmt.Sprintf("the input %q of %s", k.w.Name, k.who()), got, k.w.Value)
	case "run":
		k.same("the command of "+k.who(), input["run"], k.w.Value)
	case "env":
		for _, kv := range a.env {
			if name, value, _ := strings.Cut(kv, "="); name == k.w.Name {
				k.same(fmt.Sprintf("the variable %s of %s", k.w.Name, k.who()), value, k.w.Value)
				return
			}
		}
		k.differs("%s has no variable %s: the file sets none", k.who(), k.w.Name)
	}
}

// same compares JSON values: 1 and 1.0 are one.
func (k *checker) same(what string, got, want any) {
	a, errA := expr.EncodeJSON(got)
	b, errB := expr.EncodeJSON(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		if path, g, w := apart(got, want); path != "" {
			k.differs("%s is not as expected: %s is %s, not %s", what, partWords(path), show(g), show(w))
			return
		}
		k.differs("%s is %s, not %s", what, show(got), show(want))
	}
}

// apart finds the one part of two maps, or lists, in which they differ; "" if it is more than one.
func apart(got, want any) (path string, g, w any) {
	found := 0
	look := func(key string, a, b any) {
		if x, _ := expr.EncodeJSON(a); !bytes.Equal(x, encoded(b)) && (a != nil || b != nil) {
			found, path, g, w = found+1, key, a, b
		}
	}
	switch got := got.(type) {
	case map[string]any:
		other, ok := want.(map[string]any)
		if !ok || len(other) != len(got) {
			return "", nil, nil
		}
		for key, a := range got {
			b, there := other[key]
			if !there {
				return "", nil, nil
			}
			look(key, a, b)
		}
	case []any:
		other, ok := want.([]any)
		if !ok || len(other) != len(got) {
			return "", nil, nil
		}
		for i, a := range got {
			look(fmt.Sprintf("[%d]", i), a, other[i])
		}
	}
	if found != 1 {
		return "", nil, nil
	}
	if deeper, dg, dw := apart(g, w); deeper != "" {
		if deeper[0] != '[' {
			deeper = "." + deeper
		}
		return path + deeper, dg, dw
	}
	return path, g, w
}

// partWords says where in a value a part is: its a.b[1], or, of a list, its element 1.
func partWords(path string) string {
	if index, ok := strings.CutPrefix(path, "["); ok && strings.IndexByte(index, ']') == len(index)-1 {
		return "its element " + index[:len(index)-1] + ", counted from 0,"
	}
	return "its " + path
}

// maxShown bounds a value in a message, in characters.
const maxShown = 300

// show writes a value for people.
func show(v any) string {
	var s string
	switch v := v.(type) {
	case time.Duration:
		return Brief(v)
	case []time.Duration:
		parts := make([]string, len(v))
		for i, d := range v {
			parts[i] = Brief(d)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		b, err := expr.EncodeJSON(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		s = string(b)
	}
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return s
}

// Brief writes a duration as the language does: 1m, not 1m0s.
func Brief(d time.Duration) string {
	s := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, end) {
			s = s[:len(s)-2]
		}
	}
	return s
}
