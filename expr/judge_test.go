package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// fleet is Facts written as a sentence: "a:success b:? part:[success ? failed] big:[*]"; "?" has not
// finished, [*] is a mapped task of which it is not known yet how many instances it has.
type fleet struct {
	order []string
	state map[string]string
	parts map[string][]string
	walks int // how often Each was called
}

func fleetOf(sentence string) *fleet {
	f := &fleet{state: map[string]string{}, parts: map[string][]string{}}
	sentence = strings.NewReplacer("[ ", "[", " ]", "]").Replace(sentence)
	inside := false
	words := strings.FieldsFunc(sentence, func(r rune) bool {
		inside = r == '[' || inside && r != ']'
		return r == ' ' && !inside
	})
	for _, w := range words {
		name, value, _ := strings.Cut(w, ":")
		f.order = append(f.order, name)
		if list, mapped := strings.CutPrefix(value, "["); mapped {
			list = strings.TrimSuffix(list, "]")
			f.parts[name] = strings.Fields(strings.ReplaceAll(list, "?", "open"))
			f.state[name] = ofInstances(f.parts[name])
			continue
		}
		f.state[name] = strings.Replace(value, "?", "", 1)
	}
	return f
}

// ofInstances is the state of a mapped task (language, section 3).
func ofInstances(parts []string) string {
	seen := map[string]bool{}
	for _, p := range parts {
		seen[p] = true
	}
	switch {
	case seen["open"] || seen["*"]:
		return ""
	case seen["failed"]:
		return "failed"
	case seen["upstream_failed"]:
		return "upstream_failed"
	case seen["success"]:
		return "success"
	}
	return "skipped"
}

func (f *fleet) State(task string) (string, bool) { s, ok := f.state[task]; return s, ok }

func (f *fleet) Upstream() Population {
	states := make([]string, len(f.order))
	for i, name := range f.order {
		states[i] = f.state[name]
	}
	return f.population(states, func(i int) string { return f.order[i] })
}

func (f *fleet) Instances(task string) (Population, bool) {
	parts, ok := f.parts[task]
	if !ok {
		return Population{}, false
	}
	if len(parts) == 1 && parts[0] == "*" {
		return Population{Unsized: true}, true
	}
	states := make([]string, len(parts))
	for i, p := range parts {
		states[i] = strings.Replace(p, "open", "", 1)
	}
	return f.population(states, func(int) string { return task }), true
}

func (f *fleet) population(states []string, id func(int) string) Population {
	p := Population{Counts: map[string]int{}}
	for _, s := range states {
		if s == "" {
			p.Open++
		} else {
			p.Counts[s]++
		}
	}
	p.Each = func(yield func(string, int, string) bool) {
		f.walks++
		for i, s := range states {
			if !yield(id(i), i, s) {
				return
			}
		}
	}
	return p
}

func TestJudge(t *testing.T) {
	for _, c := range []struct{ trigger, facts, want string }{
		// at least 2 of 3: as soon as two are, never any more once two are not
		{`count(upstream, .state == "success") >= 2`, `a:? b:? c:?`, `unknown`},
		{`count(upstream, .state == "success") >= 2`, `a:success b:? c:success`, `true: count(upstream, .state == "success") >= 2`},
		{`count(upstream, .state == "success") >= 2`, `a:failed b:? c:skipped`, `false: count(upstream, .state == "success") >= 2`},
		{`count(upstream, .state == "success") >= 2`, `a:failed b:? c:success`, `unknown`},
		// 1, and 2 or 3
		{`success(a) && (success(b) || success(c))`, `a:success b:? c:success`, `true: success(a) && (success(b) || success(c))`},
		{`success(a) && (success(b) || success(c))`, `a:? b:failed c:failed`, `false: success(b) || success(c)`},
		{`success(a) && (success(b) || success(c))`, `a:failed b:? c:?`, `false: success(a)`},
		{`success(a) && (success(b) || success(c))`, `a:success b:failed c:?`, `unknown`},
		{`success(a) || failed(b)`, `a:? b:failed`, `true: failed(b)`},
		{`success(a) or failed(b) or done(c)`, `a:? b:? c:skipped`, `true: done(c)`},
		// not
		{`!success(a)`, `a:failed`, `true: !success(a)`},
		{`not (success(a) && success(b))`, `a:failed b:?`, `true: success(a)`},
		{`success(a) || !success(a)`, `a:?`, `unknown`}, // nothing cleverer
		// done is never false
		{`done(a)`, `a:?`, `unknown`},
		{`done(a)`, `a:upstream_failed`, `true: done(a)`},
		// names
		{`success("a") && skipped(load-it)`, `a:success load-it:skipped`, `true: success("a") && skipped(load-it)`},
		{`tasks["load-it"].state == "skipped"`, `load-it:skipped`, `true: tasks["load-it"].state == "skipped"`},
		{`"success" != tasks.a.state`, `a:success`, `false: "success" != tasks.a.state`},
		{`tasks.a.state in ["success", "skipped"]`, `a:skipped`, `true: tasks.a.state in ["success", "skipped"]`},
		{`tasks.a.state not in ["success", "skipped"]`, `a:skipped`, `false: tasks.a.state not in ["success", "skipped"]`},
		{`tasks.a.state in ["success", "failed", "skipped", "upstream_failed"]`, `a:?`, `unknown`},
		{`tasks.a.state == tasks.b.state`, `a:failed b:failed`, `true: tasks.a.state == tasks.b.state`},
		{`tasks.a.state == tasks.b.state`, `a:? b:?`, `unknown`},
		// all, any, none
		{`all(upstream, .state == "success")`, `a:success b:?`, `unknown`},
		{`all(upstream, .state == "success")`, `a:? b:skipped`, `false: all(upstream, .state == "success")`},
		{`any(upstream, .state == "failed")`, `a:? b:failed`, `true: any(upstream, .state == "failed")`},
		{`none(upstream, .state == "failed")`, `a:success b:?`, `unknown`},
		{`none(upstream, .state in ["failed", "upstream_failed"])`, `a:success b:skipped`, `true: none(upstream, .state in ["failed", "upstream_failed"])`},
		{`all(upstream, .id != "a" || .state == "success")`, `a:success b:?`, `true: all(upstream, .id != "a" || .state == "success")`},
		{`all(upstream, .id in ["a", "b"])`, `a:? b:?`, `true: all(upstream, .id in ["a", "b"])`},
		// instances
		{`count(tasks.part.instances, .state == "success") >= 2`, `part:[success ? success ?]`, `true: count(tasks.part.instances, .state == "success") >= 2`},
		{`count(tasks.part.instances, .state == "success") >= 1`, `part:[*]`, `unknown`},
		{`count(tasks.part.instances, .state == "success") >= 0`, `part:[*]`, `true: count(tasks.part.instances, .state == "success") >= 0`},
		{`len(tasks.part.instances) >= 0`, `part:[*]`, `true: len(tasks.part.instances) >= 0`},
		{`len(tasks.part.instances) > 3`, `part:[*]`, `unknown`},
		{`any(tasks.part.instances, .index == 1 && .state == "success")`, `part:[failed success ?]`, `true: any(tasks.part.instances, .index == 1 && .state == "success")`},
		{`all(tasks.part.instances, .state == "success")`, `part:[*]`, `unknown`},
		{`all(tasks.part.instances, .state == "success")`, `part:[]`, `true: all(tasks.part.instances, .state == "success")`},
		// arithmetic
		{`count(upstream, .state == "success") * 2 > len(upstream)`, `a:success b:success c:?`, `true: count(upstream, .state == "success") * 2 > len(upstream)`},
		{`count(upstream, .state == "success") / len(upstream) > 1`, `a:?`, `error: cannot read expression: a trigger divides by a number that stands there, and is not 0`},
		{`count(upstream, .state == "success") / 2 >= 0.5`, `a:success b:?`, `true: count(upstream, .state == "success") / 2 >= 0.5`},
		{`len(upstream) - count(upstream, .state == "failed") == 2`, `a:success b:success c:failed`, `true: len(upstream) - count(upstream, .state == "failed") == 2`},
		{`1 <= count(upstream, .state == "failed") <= 2`, `a:failed b:failed c:failed d:?`, `false: count(upstream, .state == "failed") <= 2`},
		// choices, constants
		{`success(a) ? success(b) : failed(b)`, `a:failed b:failed`, `true: failed(b)`},
		{`success(a) ? success(b) : true`, `a:? b:success`, `unknown`},
		{`${{ success(a) }}`, `a:success`, `true: success(a)`},
		{`true`, `a:?`, `true: true`},
		{`success(a) == success(b)`, `a:failed b:skipped`, `true: success(a) == success(b)`},
		// errors
		{`success(nope)`, `a:?`, `error: cannot judge the trigger: task "nope" is not upstream`},
		{`any(tasks.a.instances, .state == "failed")`, `a:?`, `error: cannot judge the trigger: task "a" is not upstream or has no instances`},
		{`tasks.a.state == "running"`, `a:?`, `error: cannot read expression: "running" is no finished state (a trigger sees a state when the task has finished: success, failed, skipped, upstream_failed)`},
		{`params.n > 1`, `a:?`, `error: cannot read expression: "params" is not known in a trigger (a trigger asks for states alone; values belong in when)`},
	} {
		j, err := Judge(c.trigger, fleetOf(c.facts))
		got := j.Truth.String()
		if err != nil {
			got = "error: " + err.Error()
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s: %T", c.trigger, err)
			}
		} else if j.Because != "" {
			got += ": " + j.Because
		}
		if got != c.want {
			t.Errorf("%s\nover %s\n got %s\nwant %s", c.trigger, c.facts, got, c.want)
		}
	}
}

func TestStatesAloneCostNoWalk(t *testing.T) {
	f := fleetOf(`a:success b:? part:[success ? failed]`)
	for trigger, want := range map[string]int{
		`count(upstream, .state == "success") >= 2 || all(tasks.part.instances, .state != "failed")`: 0,
		`any(upstream, .id == "a" && .state == "failed")`:                                            1,
	} {
		f.walks = 0
		if _, err := Judge(trigger, f); err != nil || f.walks != want {
			t.Errorf("%s: %d walks, want %d (%v)", trigger, f.walks, want, err)
		}
	}
}

func TestCheckTrigger(t *testing.T) {
	sc := &Scope{
		Roots: map[string]Type{"params": Of(KindObject)},
		Tasks: map[string]*TaskScope{"a": {}, "b": {}, "part": {Mapped: true}, "load-it": {}},
	}
	for _, c := range [][2]string{
		{`success(a) && failed(load-it) || done("b")`, ``},
		{`count(tasks.part.instances, .state == "success") * 100 >= 80 * len(tasks.part.instances)`, ``},
		{`succes(a)`, `E303 0+6 there is no function "succes" → success`},
		{`tasks.load-it.state == "success"`, `G201 6+4 there is no task "load" (a name with "-" is written tasks["load-it"])`},
		{`success()`, `E304 0+9 success takes the name of one task (write success(X); for all tasks in ` + "`needs` there are rules, such as `trigger: all_success`)"},
		// a state as if it were a member or a name
		{`a.success and (b.failed or part.done)`, `E303 0+9 "a.success" is not known in a trigger ⇒ success(a)` + "\n" + `E303 15+8 "b.failed" is not known in a trigger ⇒ failed(b)` + "\n" + `E303 27+9 "part.done" is not known in a trigger ⇒ done(part)`},
		{`tasks.a.succeeded`, `E303 0+17 "tasks.a.succeeded" is not known in a trigger ⇒ success(a)`},
		{`a.state == 'success'`, `E303 0+20 "a.state" is no state; a task's is tasks.a.state ⇒ success(a)`},
		{`"skipped" == b.state || success(a)`, `E303 0+20 "b.state" is no state; a task's is tasks.b.state ⇒ skipped(b)`},
		{`a.state != "failed"`, `E303 0+7 "a.state" is no state; a task's is tasks.a.state ⇒ tasks.a.state`},
		{`a.state == "upstream_failed"`, `E303 0+7 "a.state" is no state; a task's is tasks.a.state ⇒ tasks.a.state`},
		{`a.state in ["success", "skipped"]`, `E303 0+7 "a.state" is not known in a trigger ⇒ tasks.a.state`},
		{`tasks.a == "success"`, `E303 0+20 "tasks.a" is no state; a task's is tasks.a.state ⇒ success(a)`},
		{`a == "failed"`, `E303 0+13 "a" is no state; a task's is tasks.a.state ⇒ failed(a)`},
		{`a.success()`, `E301 0+11 tasks have no methods ⇒ success(a)`},
		{`count(upstream, state == "success") >= 1`, `E303 16+5 what belongs to an element begins with a dot ⇒ .state`},
		{`any(upstream, id == "a" && .state == "failed")`, `E303 14+2 what belongs to an element begins with a dot ⇒ .id`},
		{`2`, `E305 0+1 this is a number, but truth is asked for (say what is counted: count(upstream, .state == "success") >= 2)`},
		{`>= 2`, `E301 0+2 ">=" cannot stand here (say what is counted: count(upstream, .state == "success") >= 2)`},
		{`upstream.count('success') >= 1`, `E301 0+25 values have no methods (write count(upstream, .state == "success") >= 1)`},
		{`all_success, one_failed`, `E301 11+1 "," cannot stand here (a trigger is one rule, or one expression: success(a) && done(b))`},
		{`success(aa)`, `G201 8+2 there is no task "aa" → a`},
		{`success(tasks.a)`, `E304 8+7 success takes the name of a task alone (write success(a))`},
		{`tasks.a.state == "succes"`, `E303 18+6 "succes" is no finished state → success`},
		{`tasks.a.state == "running"`, `E303 18+7 "running" is no finished state (a trigger sees a state when the task has finished: success, failed, skipped, upstream_failed)`},
		{`tasks.a.state in ["success", "queued"]`, `E303 30+6 "queued" is no finished state (a trigger sees a state when the task has finished: success, failed, skipped, upstream_failed)`},
		{`tasks.a.output > 1`, `E303 8+6 "output" is not known in a trigger (a trigger asks for states alone; values belong in when)`},
		{`tasks.a.instances`, `E305 8+9 task "a" has no instances: it has no for_each (write tasks.a.state)`},
		{`tasks.a`, `E305 0+7 a task is neither true nor false (write tasks.a.state == "success", or success(a))`},
		{`a && b`, `E303 0+1 "a" is a task, not a state → success(a)` + "\n" + `E303 5+1 "b" is a task, not a state → success(b)`},
		{`count(upstream, .state == "success")`, `E305 0+36 this is a number, but truth is asked for (compare it: … >= 1)`},
		{`tasks.a.state`, `E305 0+13 this is a state, but truth is asked for (compare it: … == "success")`},
		{`params.n > 1`, `E303 0+6 "params" is not known in a trigger (values belong in when)`},
		{`any(upstream, .stat == "failed")`, `E303 15+4 an element has no member "stat" in a trigger → state`},
		{`any(upstream, .index == 1)`, `E303 15+5 an element has no member "index" in a trigger (known here: id, state)`},
		{`any(upstream, any(upstream, .state == "failed"))`, `E308 14+33 a predicate cannot stand inside another predicate (give the inner one a task of its own, or name the value outside)`},
		{`filter(upstream, .state == "failed")`, `E303 0+6 filter is no function of triggers (there are count, all, any, none, len, success, failed, skipped, done; values belong in when)`},
		{`len(upstream) > "3"`, `E305 16+3 this is a text, but a number is asked for`},
		{`success(a) AND success(b)`, `E307 11+3 "AND" is another language's (write &&)`},
		{`tasks.a.state == null`, `E305 17+4 a trigger never sees null: a state that is not there yet is unknown (ask done(X))`},
		{`count(upstream) > 1`, `E304 0+15 count asks for a predicate in a trigger (write count(upstream, .state == "success"))`},
		{`success(aa) || tasks.b.stat == "failed"`, `G201 8+2 there is no task "aa" → a` + "\n" + `E303 23+4 "stat" is not known in a trigger → state`},
		{`all_succes`, `E303 0+10 "all_succes" is not known in a trigger (a trigger asks for states alone; values belong in when)`},
	} {
		if _, problems := CheckTrigger(c[0], sc); say(problems) != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], say(problems), c[1])
		}
	}
	sc.Verdict = true
	if _, problems := CheckTrigger(`len(upstream) > 1`, sc); say(problems) != `E303 4+8 a verdict has no upstream (ask tasks by name: tasks.X.state == "success")` {
		t.Errorf("got %s", say(problems))
	}
	info, _ := CheckTrigger(` ${{ success(a) || tasks["load-it"].state == "failed" }}`, sc)
	if got := fmt.Sprint(info.Refs); got != "[{a  13 1} {load-it state 26 7}]" {
		t.Errorf("refs %s", got)
	}
}

func ExampleJudge() {
	facts := fleetOf(`rows:success nulls:? drift:success`)
	j, _ := Judge(`count(upstream, .state == "success") >= 2`, facts)
	fmt.Println(j.Truth, "because", j.Because)
	// Output: true because count(upstream, .state == "success") >= 2
}
