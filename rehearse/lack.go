package rehearse

import (
	"cmp"
	"slices"
	"strings"

	"weft/machine"
	"weft/plugins"
	"weft/runner"
)

// A Lack is an output that a case does not give and on which its run hangs.
type Lack struct {
	Task string // who reads it
	Of   string // whose output it is
	Key  string // what is decided by it: when, for_each, until …; "" = an attempt cannot be rendered
	At   machine.Pos
	Why  string // of an attempt: what could not be done
}

// Lacks finds where a run hangs on outputs that were made up: a decision by one, and an attempt that
// could not be rendered because of one.
func (r *Record) Lacks() (list []Lack) {
	if len(r.samples) == 0 {
		return nil
	}
	plan := r.Run.Plan()
	for _, id := range r.Tasks() {
		list = append(list, r.undecided(plan, id)...)
	}
	for id, attempts := range r.attempts {
		a := attempts[len(attempts)-1]
		if !a.Ended || a.called || a.Outcome.Kind != string(plugins.BadInput) {
			continue
		}
		t := a.order.Task
		sources := append(envSources(plan, t), string(t.With), t.Workdir)
		for _, v := range t.ScriptEnv {
			sources = append(sources, v.Value)
		}
		for _, of := range r.sampledIn(t, sources) {
			list = append(list, Lack{Task: id.id, Of: of, At: t.Pos, Why: a.Outcome.Error})
		}
	}
	slices.SortFunc(list, func(a, b Lack) int {
		return cmp.Or(strings.Compare(a.Task, b.Task), strings.Compare(a.Key, b.Key), strings.Compare(a.Of, b.Of))
	})
	return slices.Compact(list)
}

// undecided are the lacks of what a task, or a callback that began, decided by.
func (r *Record) undecided(plan *machine.Plan, id string) (list []Lack) {
	t := plan.Task(id)
	if e, _ := r.Run.Explain(id); e.Verdict != "run" {
		return nil
	}
	add := func(key, src string, at machine.Pos) {
		sources := []string{src}
		if strings.Contains(src, "env") {
			sources = append(sources, envSources(plan, t)...)
		}
		for _, of := range r.sampledIn(t, sources) {
			list = append(list, Lack{Task: id, Of: of, Key: key, At: at})
		}
	}
	ask := func(key string, e *machine.Expr) {
		if e != nil {
			add(key, e.Src, e.Pos)
		}
	}
	ask("when", t.When)
	if r.failedOnce(id) {
		ask("retry_if", t.RetryIf)
	}
	if t.Sensor != nil {
		ask("until", t.Sensor.Until)
		ask("fail_when", t.Sensor.FailWhen)
	}
	if f := t.ForEach; f != nil && f.Expr != nil {
		add("for_each", f.Expr.Src, f.Expr.Pos)
	} else if f != nil {
		add("for_each", string(f.List), t.Pos)
	}
	return list
}

// sampledIn are the tasks whose output was made up and which the sources may read.
func (r *Record) sampledIn(t *machine.Task, sources []string) (list []string) {
	for _, of := range t.Reads {
		if r.samples[of] && slices.ContainsFunc(sources, func(src string) bool { return runner.ReadsOutput(src, of) }) {
			list = append(list, of)
		}
	}
	return list
}

func envSources(plan *machine.Plan, t *machine.Task) (list []string) {
	for _, vars := range [][]machine.Var{plan.Env, t.Env} {
		for _, v := range vars {
			list = append(list, v.Value)
		}
	}
	return list
}

func (r *Record) failedOnce(id string) bool {
	for key, attempts := range r.attempts {
		if key.id == id && slices.ContainsFunc(attempts, func(a *Attempt) bool { return a.Outcome.State == machine.Failed }) {
			return true
		}
	}
	return false
}
