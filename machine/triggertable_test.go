package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sectionFive is the table of section 5 of the language, row by row, read from the page and not
// from the code. It gives the state a task gets, None while it waits, Queued when it runs.
func sectionFive(rule string, n, s, k, f, u int) State {
	d := s + k + f + u
	pick := func(upstreamFailed, skipped, runs bool) State {
		switch {
		case upstreamFailed:
			return UpstreamFailed
		case skipped:
			return Skipped
		case runs:
			return Queued
		}
		return None
	}
	if n == 0 {
		return Queued
	}
	switch rule {
	case "all_success":
		return pick(u > 0 || f > 0, k > 0 && d == n, s == n)
	case "all_failed":
		return pick(false, s > 0 || k > 0, f+u == n)
	case "all_done":
		return pick(false, false, d == n)
	case "all_skipped":
		return pick(false, s+f+u > 0, k == n)
	case "one_success":
		return pick(d == n && s == 0 && k != n, k == n, s >= 1)
	case "one_failed":
		return pick(false, d == n && f == 0 && u == 0, f+u >= 1)
	case "one_done":
		return pick(false, d == n && f == 0 && s == 0, f+s >= 1)
	case "none_failed":
		return pick(u > 0 || f > 0, false, s+k == n)
	case "none_failed_min_one_success":
		return pick(u > 0 || f > 0, k == n, s+k == n && s >= 1)
	case "none_skipped":
		return pick(false, k > 0, d == n && k == 0)
	case "always":
		return Queued
	case "all_done_min_one_success":
		return pick(d == n && k == 0 && s == 0, k > 0, d == n && k == 0 && s >= 1)
	}
	panic("no such rule: " + rule)
}

var finishedStates = [...]State{Success, Failed, Skipped, UpstreamFailed}

// fanIn is a DAG of n upstream tasks a, b, … and a task for each trigger that needs them all. Each
// upstream task has one of its own before it, so that it can be upstream_failed too.
func fanIn(t *testing.T, n int, triggers []Trigger) *Plan {
	p := &Plan{Format: PlanFormat, DAG: "fan", Verdict: Verdict{Rule: "leaves"}}
	var ids []string
	for i := range n {
		id := string(rune('a' + i))
		ids = append(ids, id)
		p.Tasks = append(p.Tasks, Task{ID: "before_" + id, Trigger: Trigger{Rule: "all_success"}},
			Task{ID: id, Needs: []string{"before_" + id}, Trigger: Trigger{Rule: "all_success"}})
	}
	for i, tr := range triggers {
		p.Tasks = append(p.Tasks, Task{ID: fmt.Sprintf("t%d", i), Needs: ids, Trigger: tr})
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// arrive plays one order of arrival; after each arrival look is called with what has arrived.
func arrive(p *Plan, states []State, order []int, look func(r *Run, arrived []int)) {
	r := New(func(string) *Plan { return p })
	tell := func(f Fact) { r.Step(Event{At: epoch, Fact: f}) }
	end := func(task string, s State) {
		tell(AttemptEnded{Key: Key{Task: task, Index: -1, Attempt: 1}, Outcome: Outcome{State: s}})
	}
	tell(RunStarted{Rules: Rules, Run: "r", RunType: "manual"})
	for i, s := range states {
		if s != UpstreamFailed {
			end("before_"+string(rune('a'+i)), Success)
		}
	}
	look(r, nil)
	for n, i := range order {
		if id := string(rune('a' + i)); states[i] == UpstreamFailed {
			end("before_"+id, Failed)
		} else {
			end(id, states[i])
		}
		look(r, order[:n+1])
	}
}

// everyFanIn calls visit for every state of n upstream tasks and every order of their arrival.
func everyFanIn(n int, visit func(states []State, order []int)) {
	states := make([]State, n)
	var assign func(i int)
	assign = func(i int) {
		if i == n {
			permute(n, func(order []int) { visit(states, order) })
			return
		}
		for _, s := range finishedStates {
			states[i] = s
			assign(i + 1)
		}
	}
	assign(0)
}

func permute(n int, visit func(order []int)) {
	var grow func(order []int)
	grow = func(order []int) {
		if len(order) == n {
			visit(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				grow(append(slices.Clip(order), i))
			}
		}
	}
	grow(nil)
}

// TestTriggerTable holds every rule against the page: all states of up to four upstream tasks, in
// every order. At each moment a task is in the state of the first row entry that held, so nothing
// is decided late; and the end state depends on the states alone.
func TestTriggerTable(t *testing.T) {
	names := TriggerRules()
	if len(names) != 12 || len(rules) != 12 {
		t.Fatalf("section 5 has 12 rules, the machine %d and names %d", len(rules), len(names))
	}
	triggers := make([]Trigger, len(names))
	for i, name := range names {
		triggers[i] = Trigger{Rule: name}
	}
	for n := range 5 {
		p := fanIn(t, n, triggers)
		ends := map[string]State{} // by rule and states
		everyFanIn(n, func(states []State, order []int) {
			want := make([]State, len(names))
			arrive(p, states, order, func(r *Run, arrived []int) {
				var c [stateCount]int
				for _, i := range arrived {
					c[states[i]]++
				}
				for i, rule := range names {
					if want[i] == None {
						want[i] = sectionFive(rule, n, c[Success], c[Skipped], c[Failed], c[UpstreamFailed])
					}
					if got := r.node(fmt.Sprintf("t%d", i), -1).state; got != want[i] {
						t.Fatalf("%s over %v, arrived %v: %s, the page says %s", rule, states, arrived, got, want[i])
					}
				}
			})
			for i, rule := range names {
				key := fmt.Sprint(rule, states)
				if was, met := ends[key]; met && was != want[i] || want[i] == None {
					t.Fatalf("%s ends %s in the order %v, %s in another", key, want[i], order, was)
				}
				ends[key] = want[i]
			}
		})
	}
}

// TestTriggerExpressions holds expressions against plain Go over the finished states: an early
// decision never contradicts the final one, comes as soon as no arrival can change it, and the end
// state is the same in every order.
func TestTriggerExpressions(t *testing.T) {
	is := func(want State) func(s []State, i int) bool {
		return func(s []State, i int) bool { return s[i] == want }
	}
	ok, bad, skipped := is(Success), is(Failed), is(Skipped)
	count := func(s []State, of ...State) (n int) {
		for _, x := range s {
			if slices.Contains(of, x) {
				n++
			}
		}
		return n
	}
	cases := []struct {
		src     string
		holds   func(s []State) bool
		kleenes bool // decided later than a cleverer logic would
	}{
		{src: `count(upstream, .state == "success") >= 2`, holds: func(s []State) bool { return count(s, Success) >= 2 }},
		{src: `success(a) && (success(b) || success(c))`, holds: func(s []State) bool { return ok(s, 0) && (ok(s, 1) || ok(s, 2)) }},
		{src: `any(upstream, .state == "failed")`, holds: func(s []State) bool { return count(s, Failed) > 0 }},
		{src: `all(upstream, .state == "success" || .state == "skipped")`, holds: func(s []State) bool { return count(s, Success, Skipped) == 3 }},
		{src: `none(upstream, .state in ["failed", "upstream_failed"])`, holds: func(s []State) bool { return count(s, Failed, UpstreamFailed) == 0 }},
		{src: `done(a) && done(b)`, holds: func([]State) bool { return true }, kleenes: true},
		{src: `failed(a) || skipped("b")`, holds: func(s []State) bool { return bad(s, 0) || skipped(s, 1) }},
		{src: `not success(a)`, holds: func(s []State) bool { return !ok(s, 0) }},
		{src: `tasks.a.state != "skipped"`, holds: func(s []State) bool { return !skipped(s, 0) }},
		{src: `tasks.a.state in ["success", "skipped"]`, holds: func(s []State) bool { return ok(s, 0) || skipped(s, 0) }},
		{src: `count(upstream, .state == "success") == 1`, holds: func(s []State) bool { return count(s, Success) == 1 }},
		{src: `len(upstream) == 3`, holds: func([]State) bool { return true }},
		{src: `count(upstream, .state == "failed") < 2 && !skipped(c)`, holds: func(s []State) bool { return count(s, Failed) < 2 && !skipped(s, 2) }},
		{
			src: `count(upstream, .state == "success") > count(upstream, .state == "failed")`, kleenes: true,
			holds: func(s []State) bool { return count(s, Success) > count(s, Failed) },
		},
		{src: `success(a) || !success(a)`, holds: func([]State) bool { return true }, kleenes: true},
		{src: `success(a) ? success(b) : success(c)`, holds: func(s []State) bool { return ok(s, 0) && ok(s, 1) || !ok(s, 0) && ok(s, 2) }, kleenes: true},
		{src: `count(upstream, .id != "a" && .state == "success") >= 1`, holds: func(s []State) bool { return ok(s, 1) || ok(s, 2) }},
	}
	triggers := make([]Trigger, len(cases))
	for i, c := range cases {
		triggers[i] = Trigger{Expr: &Expr{Src: c.src}}
	}
	p := fanIn(t, 3, triggers)
	everyFanIn(3, func(states []State, order []int) {
		arrive(p, states, order, func(r *Run, arrived []int) {
			failed := slices.ContainsFunc(arrived, func(i int) bool { return bad(states, i) || states[i] == UpstreamFailed })
			for i, c := range cases {
				got := r.node(fmt.Sprintf("t%d", i), -1).state
				want := expected(c.holds, states, arrived, failed)
				if got == want || (c.kleenes && got == None && len(arrived) < 3) {
					continue
				}
				t.Fatalf("%s over %v, arrived %v: %s, want %s", c.src, states, arrived, got, want)
			}
		})
	})
}

// expected asks plain logic: what holds whatever those who have not arrived become?
func expected(holds func([]State) bool, states []State, arrived []int, failed bool) State {
	always, never := true, true
	everyFinal(states, arrived, func(final []State) {
		if holds(final) {
			never = false
		} else {
			always = false
		}
	})
	switch {
	case always:
		return Queued
	case never && failed:
		return UpstreamFailed
	case never && len(arrived) == len(states):
		return Skipped
	}
	return None
}

func everyFinal(states []State, arrived []int, visit func(final []State)) {
	final := slices.Clone(states)
	var assign func(i int)
	assign = func(i int) {
		switch {
		case i == len(final):
			visit(final)
		case slices.Contains(arrived, i):
			assign(i + 1)
		default:
			for _, s := range finishedStates {
				final[i] = s
				assign(i + 1)
			}
			final[i] = states[i]
		}
	}
	assign(0)
}

// TestUnknownTrigger fails the task, and says so: a plan of a newer weft must not hang.
func TestUnknownTrigger(t *testing.T) {
	p := fanIn(t, 0, []Trigger{{Rule: "most_success"}, {Expr: &Expr{Src: "success("}}})
	r := New(func(string) *Plan { return p })
	r.Step(Event{At: epoch, Fact: RunStarted{Rules: Rules, Run: "r"}})
	for _, id := range []string{"t0", "t1"} {
		e, _ := r.Explain(id)
		if e.State != Failed || !strings.HasPrefix(e.Reason, "cannot judge the trigger: ") {
			t.Errorf("%s is %s: %s", id, e.State, e.Reason)
		}
	}
}
