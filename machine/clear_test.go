package machine

import (
	"fmt"
	"strings"
	"testing"
)

// planOf makes a plan of lines "id", "id<-upstream,upstream", as in "c<-a,b".
func planOf(t *testing.T, tasks string) *Plan {
	t.Helper()
	p := &Plan{Format: PlanFormat, DAG: "d", MaxActiveTasks: 16, Verdict: Verdict{Rule: "leaves"}}
	for _, word := range strings.Fields(tasks) {
		id, needs, _ := strings.Cut(word, "<-")
		task := Task{ID: id, Uses: "noop", Trigger: Trigger{Rule: "all_success"}, Pool: "default", PoolSlots: 1}
		if needs != "" {
			task.Needs = strings.Split(needs, ",")
		}
		p.Tasks = append(p.Tasks, task)
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// ranOf gives a run of a plan in which the tasks named have failed; the others have ended as that
// makes them end.
func ranOf(t *testing.T, p *Plan, failed string) *Run {
	t.Helper()
	_, hash := p.Encode()
	r := New(func(string) *Plan { return p })
	cmds := r.Step(Event{At: epoch, Fact: RunStarted{Rules: Rules, DAG: p.DAG, Run: "r", RunType: "manual", Plan: hash}})
	for len(cmds) > 0 {
		cmd := cmds[0]
		cmds = cmds[1:]
		var f Fact
		switch cmd := cmd.(type) {
		case StartAttempt:
			out := Outcome{State: Success}
			if strings.Contains(" "+failed+" ", " "+cmd.Key.Task+" ") {
				out = Outcome{State: Failed, Final: true}
			}
			f = AttemptEnded{Key: cmd.Key, Outcome: out}
		case Decide:
			f = RunDecided(cmd)
		case Finish:
			f = RunFinished(cmd)
		default:
			t.Fatalf("the run asks for %T", cmd)
		}
		cmds = append(cmds, r.Step(Event{At: epoch, Fact: f})...)
	}
	if !r.State().Terminal() {
		t.Fatalf("the run is %s", r.State())
	}
	return r
}

// TestClearSet says of each order which tasks run again, and why. The DAG is a diamond with a tail
// beside it: a, then b and c, then d; and x, then y.
func TestClearSet(t *testing.T) {
	const diamond = "a b<-a c<-a d<-b,c x y<-x"
	for _, c := range []struct {
		name, failed string
		order        ClearOrder
		now          string // the plan in force afterwards; "" = the same
		want         string
	}{
		{
			name: "everything", want: "a success: every task runs again | b success: every task runs again | c success: every task runs again | " +
				"d success: every task runs again | x success: every task runs again | y success: every task runs again",
		},
		{
			name: "a task takes along what depends on it", order: ClearOrder{Tasks: []string{"b"}},
			want: "b success: it was asked for | d success: it depends on b",
		},
		{
			name: "downstream says the same in other words", order: ClearOrder{Tasks: []string{"a"}, Downstream: true},
			want: "a success: it was asked for | b success: it depends on a | c success: it depends on a | d success: it depends on a",
		},
		{
			name: "upstream, and what depends on that", order: ClearOrder{Tasks: []string{"b"}, Upstream: true},
			want: "a success: b depends on it | b success: it was asked for | c success: it depends on a | d success: it depends on b",
		},
		{
			name: "two tasks", order: ClearOrder{Tasks: []string{"y", "d", "y"}},
			want: "d success: it was asked for | y success: it was asked for",
		},
		{
			name: "what failed", failed: "c x", order: ClearOrder{Failed: true},
			want: "c failed: it failed | d upstream_failed: what it depends on failed | x failed: it failed | y upstream_failed: what it depends on failed",
		},
		{name: "nothing failed", order: ClearOrder{Failed: true}},
		{name: "a task that did not fail", failed: "c", order: ClearOrder{Tasks: []string{"x"}, Failed: true}},
		{
			name: "what failed below a task", failed: "c x", order: ClearOrder{Tasks: []string{"a"}, Downstream: true, Failed: true},
			want: "c failed: it failed | d upstream_failed: what it depends on failed",
		},
		{
			name: "what failed above a task, and what depends on it", failed: "a", order: ClearOrder{Tasks: []string{"b"}, Upstream: true, Failed: true},
			want: "a failed: it failed | b upstream_failed: what it depends on failed | c upstream_failed: it depends on a | d upstream_failed: it depends on b",
		},
		{name: "a name nobody has", order: ClearOrder{Tasks: []string{"z"}}},
		{
			name: "edges are those of the new version", order: ClearOrder{Tasks: []string{"b"}}, now: "a b c<-b d x y<-c",
			want: "b success: it was asked for | c success: it depends on b | y success: it depends on c",
		},
		{
			name: "new tasks run too, and hand the order on", order: ClearOrder{Tasks: []string{"a"}}, now: "a new<-a x y<-new other",
			want: "a success: it was asked for | new none: it is new in this version | y success: it depends on new | other none: it is new in this version",
		},
		{
			name: "a new task can be asked for", order: ClearOrder{Tasks: []string{"new"}}, now: "a new y<-new",
			want: "new none: it is new in this version | y success: it depends on new",
		},
		{name: "new tasks alone are no failure", order: ClearOrder{Failed: true}, now: diamond + " new"},
		{
			name: "a failed task that is gone", failed: "x", order: ClearOrder{Failed: true}, now: "a y",
			want: "y upstream_failed: what it depends on failed",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ranOf(t, planOf(t, diamond), c.failed)
			now := r.Plan()
			if c.now != "" {
				now = planOf(t, c.now)
			}
			var got []string
			for _, x := range r.ClearSet(now, c.order) {
				got = append(got, fmt.Sprintf("%s %s: %s", x.Task, x.State, x.Why))
				if x.New != (r.Plan().Task(x.Task) == nil) {
					t.Errorf("%s: new is %v", x.Task, x.New)
				}
			}
			if got := strings.Join(got, " | "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestRefusal follows a run through the moments at which it takes orders by hand, and does not.
func TestRefusal(t *testing.T) {
	p := planOf(t, "a b<-a")
	p.Timeout = Duration(60e9)
	_, hash := p.Encode()
	r := New(func(string) *Plan { return p })
	order := Reopened{Tasks: []string{"a", "b"}, Plan: hash}
	for _, step := range []struct {
		fact Fact
		want string
	}{
		{RunStarted{Rules: Rules, DAG: "d", Run: "r", RunType: "manual", Plan: hash, Hold: true}, "it has not begun"},
		{RunAdmitted{}, ""},
		{AttemptStarted{Key{"a", -1, 0, 1}}, ""},
		{CancelAsked{}, "it is being cancelled"},
		{AttemptEnded{Key{"a", -1, 0, 1}, Outcome{State: Failed, Kind: "cancelled"}}, "it is being cancelled"},
		{RunDecided{State: RunCancelled}, "it is being cancelled"},
		{RunFinished{State: RunCancelled}, ""},
		{Reopened{Tasks: order.Tasks, Plan: hash, Epoch: 1}, ""},
		{TimerFired{Timer: "run/timeout"}, "it is being ended by its timeout"},
	} {
		ev := Event{At: epoch, Fact: step.fact}
		r.Step(ev)
		if got := r.Refusal(); got != step.want {
			t.Fatalf("after %s: %q, want %q", ev.Name(), got, step.want)
		}
		before := r.Hash()
		if step.want == "" {
			continue
		}
		order.Epoch = r.Info().Epoch + 1
		if r.Step(Event{At: epoch, Fact: order}); r.Hash() != before {
			t.Fatalf("after %s it is refused in words and taken in deeds", ev.Name())
		}
	}
}

// TestReopenedParams: the params of the order are the run's from then on.
func TestReopenedParams(t *testing.T) {
	p := planOf(t, "a")
	_, hash := p.Encode()
	r := ranOf(t, p, "")
	for _, c := range []struct{ params, want string }{{"", ""}, {`{"n":2}`, `{"n":2}`}, {"", `{"n":2}`}} {
		r.Step(Event{At: epoch, Fact: Reopened{Tasks: []string{"a"}, Plan: hash, Epoch: r.Info().Epoch + 1, Params: Raw(c.params)}})
		if got := string(r.Info().Params); got != c.want {
			t.Errorf("params are %s, want %s", got, c.want)
		}
	}
}

// TestPlanDiff compares versions: what counts is what a task says, not where it says it.
func TestPlanDiff(t *testing.T) {
	one := func(change func(p *Plan)) *Plan {
		p := planOf(t, "a b<-a c<-b")
		b := &p.Tasks[1]
		b.Pos, b.When, b.With = Pos{4, 3}, &Expr{Src: "true", Pos: Pos{5, 9}}, Raw(`{"run":"x"}`)
		b.Trigger = Trigger{Expr: &Expr{Src: "done(a)", Pos: Pos{6, 9}}}
		b.Env = []Var{{Name: "V", Value: "1", Pos: Pos{7, 9}}}
		b.Sensor = &Sensor{Until: &Expr{Src: "output.ok", Pos: Pos{8, 9}}}
		b.ForEach = &ForEach{Expr: &Expr{Src: "params.n", Pos: Pos{9, 9}}}
		b.OnFailure = []Task{{ID: "mail", Pos: Pos{10, 5}}}
		b.Asks = []Ask{{Path: "expect.when", Expr: Expr{Src: "output.ok", Pos: Pos{11, 9}}}}
		change(p)
		return p
	}
	for _, c := range []struct {
		name   string
		change func(p *Plan)
		want   PlanDiff
	}{
		{"nothing", func(*Plan) {}, PlanDiff{}},
		{"lines moved", func(p *Plan) {
			b := &p.Tasks[1]
			b.Pos.Line, b.When.Pos.Line, b.Trigger.Expr.Pos.Line, b.Env[0].Pos.Line = 14, 15, 16, 17
			b.Sensor.Until.Pos.Line, b.ForEach.Expr.Pos.Line, b.OnFailure[0].Pos.Line = 18, 19, 20
			b.Asks[0].Expr.Pos.Line = 21
			b.Places = []Place{{"with.run", Pos{21, 3}}}
		}, PlanDiff{}},
		{"a script", func(p *Plan) { p.Tasks[1].With = Raw(`{"run":"y"}`) }, PlanDiff{Changed: []string{"b"}}},
		{"when", func(p *Plan) { p.Tasks[1].When.Src = "false" }, PlanDiff{Changed: []string{"b"}}},
		{"trigger", func(p *Plan) { p.Tasks[1].Trigger.Expr.Src = "failed(a)" }, PlanDiff{Changed: []string{"b"}}},
		{"env", func(p *Plan) { p.Tasks[1].Env[0].Value = "2" }, PlanDiff{Changed: []string{"b"}}},
		{"until", func(p *Plan) { p.Tasks[1].Sensor.Until.Src = "output.no" }, PlanDiff{Changed: []string{"b"}}},
		{"for_each", func(p *Plan) { p.Tasks[1].ForEach.Expr.Src = "params.m" }, PlanDiff{Changed: []string{"b"}}},
		{"what is asked of the output", func(p *Plan) { p.Tasks[1].Asks[0].Expr.Src = "output.no" }, PlanDiff{Changed: []string{"b"}}},
		{"callback", func(p *Plan) { p.Tasks[1].OnFailure[0].ID = "page" }, PlanDiff{Changed: []string{"b"}}},
		{"another", func(p *Plan) { *p = *planOf(t, "z a c") }, PlanDiff{Added: []string{"z"}, Removed: []string{"b"}, Changed: []string{"c"}}},
	} {
		old := one(func(*Plan) {})
		_, hash := old.Encode()
		if got := one(c.change).Diff(old); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if _, after := old.Encode(); after != hash {
			t.Errorf("%s: to compare a plan changes it", c.name)
		}
	}
}
