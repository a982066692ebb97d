package spec

import (
	"strconv"
	"time"

	"weft/machine"
)

var (
	stepKeys  = &table{"how a task goes", []string{"state", "exit", "output", "error", "kind", "takes", "pokes", "instances"}}
	givenEnds = []string{"success", "failed", "skipped"}
	// failureKinds are those of the language, section 10.
	failureKinds   = []string{"bad_input", "temporary", "timeout", "cancelled", "remote", "internal"}
	finishedStates = []string{"success", "failed", "skipped", "upstream_failed"}
)

// stateNamed is a state by its text, which has been checked.
func stateNamed(s string) (st machine.State) {
	_ = st.UnmarshalText([]byte(s))
	return st
}

// given reads how a task goes: one way for every attempt, or a list, attempt by attempt.
func (r *caseReader) given(t *task, f Field, whole bool) *Given {
	g := &Given{}
	if f.Value.Kind != Sequence {
		step, fs := r.step(t, f.Value, f.Key.Text)
		g.Attempts = []Step{step}
		r.givenInstances(t, g, fs, whole)
		return g
	}
	if len(f.Value.Items()) == 0 {
		r.report(sType, r.span(f.Value), "the list of %s is empty; it says how each attempt goes", quotedCut(f.Key.Text))
	}
	for _, it := range f.Value.Items() {
		step, fs := r.step(t, it, f.Key.Text)
		if key := fs.key("instances"); key != nil {
			r.report(sWrongPlace, r.span(key), "`instances` cannot stand in a list of attempts").help("each instance may have a list of its own")
		}
		g.Attempts = append(g.Attempts, step)
	}
	return g
}

// givenInstances reads how single instances of a mapped task go.
func (r *caseReader) givenInstances(t *task, g *Given, fs fields, whole bool) {
	n := fs.get("instances")
	switch {
	case n == nil:
		return
	case !whole:
		r.report(sWrongPlace, r.span(fs.key("instances")), "an instance has no instances")
		return
	case !t.mapped():
		r.report(sExclusive, r.span(fs.key("instances")), "%s has no `for_each`, so it has no instances", t.name())
		return
	}
	g.Instances, g.Named = map[string]*Given{}, map[string]Span{}
	for _, f := range r.named(n, "instances") {
		one := r.given(t, f, false)
		for i := range one.Attempts {
			one.Attempts[i] = one.Attempts[i].within(g.Attempts[0])
		}
		g.Instances[f.Key.Text], g.Named[f.Key.Text] = one, r.span(f.Key)
	}
}

// mapped tells whether a task has instances: its own, or, of a task's callback, one for each that failed.
func (t *task) mapped() bool {
	return t.ForEach != nil || t.owner != nil && t.owner.ForEach != nil
}

// step reads a state, or a map that says more.
func (r *caseReader) step(t *task, n *Node, key string) (Step, fields) {
	s := Step{State: machine.Success}
	if n.Kind != Mapping {
		if n.Kind == Scalar && n.Text == "upstream_failed" {
			r.report(sValue, r.span(n), "%s cannot be given as upstream_failed: its trigger decides that", t.name()).
				help("give a failure of a task that it needs")
			return s, fields{}
		}
		if state, ok := r.choice(n, key, givenEnds...); ok {
			s.State = stateNamed(state)
		}
		return s, fields{}
	}
	f := r.caseFields(n, stepKeys, key)
	said := f.get("state") != nil || f.get("exit") != nil || f.get("error") != nil || f.get("kind") != nil || f.field("output").Key != nil
	if code, ok := r.integer(f.get("exit"), key+".exit", 0); ok {
		s.Exit, s.State = &code, stateOfExit(code)
	}
	if f.get("error") != nil || f.get("kind") != nil {
		s.State = machine.Failed
	}
	if state, ok := r.choice(f.get("state"), key+".state", givenEnds...); ok {
		if was := s.State; (s.Exit != nil || f.get("error") != nil) && was != stateNamed(state) {
			r.report(sExclusive, r.span(f.get("state")), "the state is %s by what else is said here", was)
		}
		s.State = stateNamed(state)
	}
	s.Error, _ = r.text(f.get("error"), key+".error")
	s.Kind, _ = r.choice(f.get("kind"), key+".kind", failureKinds...)
	if d, ok := r.duration(f.get("takes"), key+".takes", true); ok {
		s.Takes, s.timed = time.Duration(d), true
	}
	r.stepOutput(t, &s, f)
	r.pokes(t, &s, f, key, said)
	return s, f
}

// stateOfExit is what the end of a process means (section 3).
func stateOfExit(code int) machine.State {
	switch code {
	case 0:
		return machine.Success
	case 99:
		return machine.Skipped
	}
	return machine.Failed
}

// stepOutput reads an output, typed as the task or its plugin declares it.
func (r *caseReader) stepOutput(t *task, s *Step, f fields) {
	out := f.field("output")
	if out.Key == nil {
		return
	}
	if s.State != machine.Success {
		r.report(sExclusive, r.span(out.Key), "what is %s has no output", s.State)
		return
	}
	s.HasOutput, s.Output = true, r.valueAs(out.Value, r.outputOf(t))
}

// pokes reads how a sensor's pokes go, one after another.
func (r *caseReader) pokes(t *task, s *Step, f fields, key string, said bool) {
	n := f.get("pokes")
	switch {
	case n == nil:
		return
	case t.Sensor == nil:
		r.report(sExclusive, r.span(f.key("pokes")), "%s is no sensor: it is not poked", t.name())
		return
	case n.Kind != Sequence || len(n.Items()) == 0:
		r.report(sType, r.span(n), "`%s.pokes` must be a list that says how each poke goes, not %s", key, n.words())
		return
	case said:
		r.report(sExclusive, r.span(f.key("pokes")), "`pokes` say how the attempt goes; nothing else can beside them")
		return
	}
	for _, it := range n.Items() {
		p, fs := r.step(t, it, key)
		for _, no := range []string{"pokes", "instances"} {
			if at := fs.key(no); at != nil {
				r.report(sWrongPlace, r.span(at), "a poke has no `%s`", no)
			}
		}
		s.Pokes = append(s.Pokes, p)
	}
}

// Instance returns how an instance of a mapped task goes; key is "" where it is mapped over a list. nil
// is a task of which nothing is given.
func (g *Given) Instance(index int, key string) *Given {
	if g == nil || index < 0 {
		return g
	}
	for _, name := range []string{key, strconv.Itoa(index)} {
		if one := g.Instances[name]; one != nil && name != "" {
			return one
		}
	}
	return g
}

// Attempt returns how an attempt goes, from 1: a success, if nothing is given of it.
func (g *Given) Attempt(n int) Step {
	if g == nil || len(g.Attempts) == 0 {
		return Step{State: machine.Success}
	}
	return g.Attempts[min(n, len(g.Attempts))-1]
}

// Poke returns how a poke of the attempt goes, from 1.
func (s Step) Poke(n int) Step {
	if len(s.Pokes) == 0 {
		return s
	}
	return s.Pokes[min(n, len(s.Pokes))-1].within(s)
}

// within is a step that takes as long as what it is a part of, unless it says how long.
func (s Step) within(whole Step) Step {
	if !s.timed {
		s.Takes, s.timed = whole.Takes, whole.timed
	}
	return s
}
