package temporal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"weft/machine"
	"weft/tests/temporalserver"
)

const (
	ok   = machine.Success
	ms   = machine.Duration(time.Millisecond)
	sec  = machine.Duration(time.Second)
	none = ""
)

// A tale is one run on a real server: what its tasks do, what people order meanwhile, and what comes of it.
type tale struct {
	name    string
	plan    func(*machine.Plan)
	tasks   []machine.Task
	input   func(*RunInput)
	attempt func(ctx context.Context, o machine.Order, n int) (machine.Outcome, error) // n = how often this key has begun
	poke    func(n int) bool
	check   func(n int) bool
	place   func() Place
	past    func(p Past, n int) bool
	tell    func(s *scene)
	end     machine.RunState
	states  string // task:state, in the order of the plan
	saw     []string
	never   []string
	more    func(t *testing.T, s *scene)
}

// scene is where a tale is told.
type scene struct {
	t    *testing.T
	cl   client.Client
	crew *crew
	id   string
	run  string
	plan *machine.Plan
}

func failing(kind string) machine.Outcome {
	return machine.Outcome{State: machine.Failed, Kind: kind, Error: "exit 1"}
}

// until waits until the run's snapshot says so.
func (s *scene) until(what string, holds func(*machine.Run) bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if snap := look(s.t, s.cl, s.id); snap.State != nil && holds(restored(s.t, snap)) {
			return
		}
	}
	r := restored(s.t, look(s.t, s.cl, s.id))
	s.t.Fatalf("%s does not come to: %s; it stands at %s %v, outstanding %+v, and saw %v", s.run, what, r.State(), r.States(), r.Outstanding(), s.crew.notedOf(s.run))
}

func (s *scene) untilState(task string, want machine.State) {
	s.t.Helper()
	s.until(task+" "+want.String(), func(r *machine.Run) bool { return r.States()[task] == want })
}

func (s *scene) cancel() {
	s.t.Helper()
	if err := s.cl.SignalWorkflow(s.t.Context(), s.id, "", SignalCancel, machine.CancelAsked{By: "ann"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) order(f machine.Fact) OrderTaken {
	s.t.Helper()
	h, err := s.cl.UpdateWorkflow(s.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: s.id, UpdateName: UpdateOrder, Args: []any{OrderUpdate{Event: machine.Event{Fact: f}}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var taken OrderTaken
	if err == nil {
		err = h.Get(s.t.Context(), &taken)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return taken
}

func (s *scene) hash() string { _, h := s.plan.Encode(); return h }

// untilStopped is an attempt that lasts until it is stopped.
func untilStopped(ctx context.Context, _ machine.Order, _ int) (machine.Outcome, error) {
	<-ctx.Done()
	return machine.Outcome{}, nil
}

func success(context.Context, machine.Order, int) (machine.Outcome, error) {
	return machine.Outcome{State: ok}, nil
}

func sensor(change func(*machine.Sensor)) *machine.Sensor {
	s := &machine.Sensor{PokeInterval: 50 * ms, OnError: "retry"}
	if change != nil {
		change(s)
	}
	return s
}

// TestTales tells them all on one server, at the same time.
func TestTales(t *testing.T) {
	impatient(t)
	tellAll(t, allTales())
}

// impatient has what takes a while for good reasons take a moment.
func impatient(t *testing.T) {
	lower(t, &mostSilent, 6*time.Second)
	lower(t, &untilGone, 500*time.Millisecond)
	lower(t, &firstLook, 300*time.Millisecond)
}

// TestTalesInPieces tells them again with bounds so small that runs go on as new executions all the time and batches
// take care of most of the work. They end the same.
func TestTalesInPieces(t *testing.T) {
	impatient(t)
	lower(t, &mostHere, 1)
	lower(t, &leastBatch, 1)
	lower(t, &mostBatch, 2)
	lower(t, &holdBack, 100*time.Millisecond)
	cl := tellAll(t, allTales(), temporalserver.Dynamic("limit.historyCount.suggestContinueAsNew", "14"))
	most := 0
	for _, tl := range allTales() {
		most = max(most, len(executions(t, cl, RunID(tl.key()))))
	}
	if most < 4 {
		t.Errorf("no run went on more often than %d times", most-1)
	}
}

func allTales() []tale {
	return slices.Concat(plainTales(), stoppedTales(), orderedTales(), cutTales())
}

func (tl *tale) run() string { return strings.ReplaceAll(tl.name, " ", "_") }

func (tl *tale) key() string {
	in := RunInput{Started: &machine.RunStarted{RunType: "manual"}}
	if tl.input != nil {
		tl.input(&in)
	}
	return machine.RunKey(tl.run(), in.Started.RunType, tl.run())
}

func tellAll(t *testing.T, tales []tale, options ...temporalserver.Option) client.Client {
	began := time.Now()
	cl := dial(t, options...)
	c := newCrew(t)
	byRun := map[string]*tale{}
	begun := map[string]int{}
	plans := map[string]*machine.Plan{}
	for i := range tales {
		tl := &tales[i]
		run := tl.run()
		byRun[run] = tl
		plans[run] = plan(t, func(p *machine.Plan) {
			p.DAG = run
			if tl.plan != nil {
				tl.plan(p)
			}
		}, tl.tasks...)
		c.plans[hashOf(plans[run])] = plans[run]
	}
	c.attempt = func(ctx context.Context, o machine.Order) (machine.Outcome, error) {
		c.mu.Lock()
		begun[o.Run.Run+o.Key.String()]++
		n := begun[o.Run.Run+o.Key.String()]
		c.mu.Unlock()
		if f := byRun[o.Run.Run].attempt; f != nil {
			return f(ctx, o, n)
		}
		return machine.Outcome{State: ok}, nil
	}
	c.poke = func(o machine.Order, n int) (machine.Outcome, bool) {
		return machine.Outcome{State: ok}, byRun[o.Run.Run].poke(n)
	}
	c.check = func(o machine.Order, n int) (machine.Outcome, bool) {
		f := byRun[o.Run.Run].check
		return machine.Outcome{State: ok}, f == nil || f(n)
	}
	c.place = func(a Arrival) Place {
		if f := byRun[a.DAG].place; f != nil {
			return f()
		}
		return Place{Admitted: true}
	}
	c.past = func(p Past, n int) PastAnswer {
		f := byRun[p.DAG].past
		return PastAnswer{OK: f == nil || f(p, n), Run: "before"}
	}
	c.staff(t, cl)
	var stages []*scene
	for i := range tales {
		stages = append(stages, tales[i].begin(t, cl, c, plans[tales[i].run()]))
	}
	t.Run("each", func(t *testing.T) {
		for i := range tales {
			tl := &tales[i]
			t.Run(tl.name, func(t *testing.T) {
				t.Parallel()
				tl.told(t, stages[i])
			})
		}
	})
	t.Logf("told after %v", time.Since(began))
	return cl
}

func hashOf(p *machine.Plan) string { _, h := p.Encode(); return h }

func lower[T any](t *testing.T, at *T, to T) {
	was := *at
	*at = to
	t.Cleanup(func() { *at = was })
}

func (tl *tale) begin(t *testing.T, cl client.Client, c *crew, p *machine.Plan) *scene {
	in := input(p, tl.run())
	if tl.input != nil {
		tl.input(&in)
	}
	w := start(t, cl, in)
	return &scene{cl: cl, crew: c, id: w.GetID(), run: tl.run(), plan: p}
}

func (tl *tale) told(t *testing.T, s *scene) {
	s.t = t
	if tl.tell != nil {
		tl.tell(s)
	}
	s.until("its end", func(r *machine.Run) bool { return r.State().Terminal() })
	s.ends(tl.end)
	r := restored(t, look(t, s.cl, s.id))
	var got []string
	for i := range 20 { // of a long chain
		tl.states = strings.Replace(tl.states, "t:", fmt.Sprintf("t%02d:", i), 1)
	}
	for _, task := range r.Plan().Tasks {
		got = append(got, task.ID+":"+r.States()[task.ID].String())
	}
	if tl.states != strings.Join(got, " ") {
		t.Errorf("tasks ended %s, not %s; %v", strings.Join(got, " "), tl.states, r.Summarize().Tasks)
	}
	mine := s.crew.notedOf(s.run)
	for _, line := range tl.saw {
		if !slices.Contains(mine, line) {
			t.Errorf("%q did not happen: %v", line, mine)
		}
	}
	for _, line := range tl.never {
		if slices.Contains(mine, line) {
			t.Errorf("%q happened", line)
		}
	}
	if tl.more != nil {
		tl.more(t, s)
	}
}

// ends waits for the workflow, which ends as the run has.
func (s *scene) ends(want machine.RunState) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	err := s.cl.GetWorkflow(ctx, s.id, "").Get(ctx, nil)
	d, derr := s.cl.DescribeWorkflowExecution(ctx, s.id, "")
	if derr != nil {
		s.t.Fatal(derr)
	}
	status := map[machine.RunState]enumspb.WorkflowExecutionStatus{
		machine.RunSuccess: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, machine.RunFailed: enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
		machine.RunCancelled: enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
	}[want]
	if got := d.WorkflowExecutionInfo.Status; got != status {
		s.t.Errorf("the workflow ended %s, not %s: %v", got, status, err)
	}
	if r := restored(s.t, look(s.t, s.cl, s.id)); r.State() != want {
		s.t.Errorf("the run ended %s, not %s", r.State(), want)
	}
}

func plainTales() []tale {
	return []tale{
		{
			name: "tasks run in their order", tasks: []machine.Task{{ID: "a"}, {ID: "b", Needs: []string{"a"}}},
			end: machine.RunSuccess, states: "a:success b:success", saw: []string{"attempt a/-/0/1", "attempt b/-/0/1"},
		},
		{
			name: "a task that fails twice is tried three times", tasks: []machine.Task{{ID: "a", Retries: 2, RetryDelay: 50 * ms}},
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.Attempt < 3 {
					return failing("temporary"), nil
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunSuccess, states: "a:success", saw: []string{"attempt a/-/0/3"},
		},
		{
			name: "trigger rules", tasks: []machine.Task{
				{ID: "a"},
				{ID: "b", Needs: []string{"a"}},
				{ID: "c", Needs: []string{"b"}, Trigger: machine.Trigger{Rule: "all_done"}},
				{ID: "d", Needs: []string{"a"}, Trigger: machine.Trigger{Rule: "one_failed"}},
			},
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.ID == "a" {
					return failing("bad_input"), nil
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunSuccess, states: "a:failed b:upstream_failed c:success d:success",
		},
		{
			name: "one of three instances fails", tasks: []machine.Task{{ID: "m", ForEach: &machine.ForEach{List: machine.Raw(`[1,2.5,{"x":"y"}]`)}}},
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.Item == 2.5 {
					return failing("bad_input"), nil
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunFailed, states: "m:failed",
		},
		{
			name: "callbacks follow a failure", tasks: []machine.Task{{ID: "a", OnFailure: []machine.Task{{ID: "mail"}}}},
			plan: func(p *machine.Plan) { p.OnFailure = []machine.Task{{ID: "tell"}} },
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.ID == "a" {
					return failing("bad_input"), nil
				}
				if o.ID == "a.on_failure.mail" && o.Error.Message != "exit 1" {
					return failing("internal"), nil
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunFailed, states: "a:failed", saw: []string{"attempt a.on_failure.mail/-/0/1", "attempt on_failure.tell/-/0/1"},
		},
		{
			name: "a sensor is asked until it holds", tasks: []machine.Task{{ID: "s", Sensor: sensor(nil)}},
			poke: func(n int) bool { return n == 4 },
			end:  machine.RunSuccess, states: "s:success", saw: []string{"poke s/-/0/1 #4 holds"},
		},
		{
			name: "two sensors share a batch", tasks: []machine.Task{{ID: "s", Sensor: sensor(nil)}, {ID: "u", Sensor: sensor(nil)}},
			poke: func(n int) bool { return n == 2 }, end: machine.RunSuccess, states: "s:success u:success",
		},
		{
			name: "a sensor that never holds ends at its deadline", tasks: []machine.Task{{ID: "s", Sensor: sensor(func(s *machine.Sensor) { s.Timeout = sec })}},
			poke: func(int) bool { return false }, end: machine.RunFailed, states: "s:failed",
		},
		{
			name:  "a sensor that fails softly is skipped",
			tasks: []machine.Task{{ID: "s", Sensor: sensor(func(s *machine.Sensor) { s.Timeout, s.SoftFail = sec, true })}},
			poke:  func(int) bool { return false }, end: machine.RunSuccess, states: "s:skipped",
		},
		{
			name: "work elsewhere is submitted once and watched", tasks: []machine.Task{{ID: "j", Uses: "job"}},
			check: func(n int) bool { return n == 3 },
			end:   machine.RunSuccess, states: "j:success", saw: []string{"intend j/-/0/1", "submit j/-/0/1 by token-j/-/0/1", "check j/-/0/1 holds"},
		},
		{
			name: "work elsewhere that takes too long is stopped and tried again", tasks: []machine.Task{{ID: "j", Uses: "job", Timeout: 3 * sec, Retries: 1}},
			check: func(int) bool { return false },
			end:   machine.RunFailed, states: "j:failed", saw: []string{"halt j/-/0/1: overtime", "intend j/-/0/2"},
		},
		{
			name: "a run waits for its place in the line", tasks: []machine.Task{{ID: "a"}}, place: func() Place { return Place{} },
			tell: func(s *scene) {
				s.until("that it is held", func(r *machine.Run) bool { return r.State() == machine.RunQueued })
				if err := s.cl.SignalWorkflow(s.t.Context(), s.id, "", SignalAdmitted, nil); err != nil {
					s.t.Fatal(err)
				}
			},
			end: machine.RunSuccess, states: "a:success", saw: []string{"leave a_run_waits_for_its_place_in_the_line success"},
		},
		{
			name: "the past says no and then yes", tasks: []machine.Task{{ID: "a", DependsOnPast: true}},
			input: func(in *RunInput) { in.Started.RunType = "scheduled" },
			past:  func(p Past, n int) bool { return p.Until && n >= 3 }, end: machine.RunSuccess, states: "a:success",
			saw: []string{"past a until false: false", "past a until true: true"},
		},
		{
			name: "a list that lies in the handoff is evaluated there", tasks: []machine.Task{
				{ID: "a"}, {ID: "m", Needs: []string{"a"}, Reads: []string{"a"}, ForEach: &machine.ForEach{Expr: &machine.Expr{Src: "tasks.a.output"}}},
			},
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.ID == "a" {
					return machine.Outcome{State: ok, Ref: &machine.Ref{URI: "file:///x", Size: 1 << 20, SHA256: "00"}}, nil
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunSuccess, states: "a:success m:success", saw: []string{"attempt m/2/0/1"},
		},
	}
}

func stoppedTales() []tale {
	cancelled := func(task string, at machine.State) func(*scene) {
		return func(s *scene) { s.untilState(task, at); s.cancel() }
	}
	return []tale{
		{
			name: "a cancel stops what runs", tasks: []machine.Task{{ID: "a"}, {ID: "b", Needs: []string{"a"}}}, attempt: untilStopped,
			tell: cancelled("a", machine.Running), end: machine.RunCancelled, states: "a:failed b:failed",
		},
		{
			name: "a cancel ends what waits for a slot", tasks: []machine.Task{{ID: "a"}, {ID: "b"}}, plan: func(p *machine.Plan) { p.MaxActiveTasks = 1 },
			attempt: untilStopped, tell: cancelled("a", machine.Running), end: machine.RunCancelled, states: "a:failed b:failed", never: []string{"attempt b/-/0/1"},
		},
		{
			name: "a cancel ends what waits for its next try", tasks: []machine.Task{{ID: "a", Retries: 1, RetryDelay: 100 * sec}},
			attempt: func(context.Context, machine.Order, int) (machine.Outcome, error) { return failing("temporary"), nil },
			tell:    cancelled("a", machine.UpForRetry), end: machine.RunCancelled, states: "a:failed",
		},
		{
			name: "a cancel ends a sensor between two pokes", tasks: []machine.Task{{ID: "s", Sensor: sensor(func(s *machine.Sensor) { s.PokeInterval = 100 * sec })}},
			poke: func(int) bool { return false }, tell: cancelled("s", machine.UpForReschedule), end: machine.RunCancelled, states: "s:failed",
		},
		{
			name: "a cancel halts work elsewhere", tasks: []machine.Task{{ID: "j", Uses: "job"}}, check: func(int) bool { return false },
			tell: cancelled("j", machine.Deferred), end: machine.RunCancelled, states: "j:failed", saw: []string{"halt j/-/0/1: cancelled"},
		},
		{
			name: "a cancel ends a run that is held", tasks: []machine.Task{{ID: "a"}}, place: func() Place { return Place{} },
			tell: func(s *scene) {
				s.until("that it is held", func(r *machine.Run) bool { return r.State() == machine.RunQueued })
				s.cancel()
			},
			end: machine.RunCancelled, states: "a:failed", never: []string{"attempt a/-/0/1"},
		},
		{
			name: "a cancel in Temporal is one of the run", tasks: []machine.Task{{ID: "a"}}, attempt: untilStopped,
			tell: func(s *scene) {
				s.untilState("a", machine.Running)
				if err := s.cl.CancelWorkflow(s.t.Context(), s.id, ""); err != nil {
					s.t.Fatal(err)
				}
			},
			end: machine.RunCancelled, states: "a:failed",
			more: func(t *testing.T, s *scene) {
				if why := restored(t, look(t, s.cl, s.id)).Summarize().Reason; why != "cancelled by temporal" {
					t.Errorf("the reason is %q", why)
				}
			},
		},
		{
			name: "a run that takes too long", tasks: []machine.Task{{ID: "a"}}, plan: func(p *machine.Plan) { p.Timeout = sec / 2 }, attempt: untilStopped,
			end: machine.RunFailed, states: "a:failed",
		},
	}
}

func orderedTales() []tale {
	clear := func(s *scene, epoch int, tasks ...string) machine.Reopened {
		return machine.Reopened{By: "ann", Tasks: tasks, Plan: s.hash(), Epoch: epoch}
	}
	return []tale{
		{
			name: "a task that runs is cleared", tasks: []machine.Task{{ID: "a"}},
			attempt: func(ctx context.Context, o machine.Order, n int) (machine.Outcome, error) {
				if o.Key.Epoch == 0 {
					return untilStopped(ctx, o, n)
				}
				return machine.Outcome{State: ok}, nil
			},
			tell: func(s *scene) {
				s.untilState("a", machine.Running)
				if got := s.order(clear(s, 1, "a")); !got.Taken {
					s.t.Error("the order was not taken")
				}
				if got := s.order(clear(s, 1, "a")); got.Taken {
					s.t.Error("the same order was taken twice")
				}
			},
			end: machine.RunSuccess, states: "a:success", saw: []string{"attempt a/-/1/2"},
		},
		{
			name: "a task is marked", tasks: []machine.Task{{ID: "a"}, {ID: "b", Needs: []string{"a"}}},
			attempt: func(ctx context.Context, o machine.Order, n int) (machine.Outcome, error) {
				if o.ID == "b" {
					return untilStopped(ctx, o, n)
				}
				return failing("bad_input"), nil
			},
			plan: func(p *machine.Plan) {
				p.Tasks = append(p.Tasks, machine.Task{ID: "s", Uses: "shell", Sensor: sensor(nil), Trigger: machine.Trigger{Rule: "all_success"}, Pool: "default", PoolSlots: 1})
			},
			poke: func(int) bool { return false },
			tell: func(s *scene) {
				s.untilState("a", machine.Failed)
				if !s.order(machine.Marked{By: "ann", Task: "a", State: ok}).Taken {
					s.t.Error("the order was not taken")
				}
				s.cancel()
			},
			end: machine.RunCancelled, states: "a:success b:upstream_failed s:failed",
		},
		{
			name: "a run that is over is cleared and goes on", tasks: []machine.Task{{ID: "a"}},
			attempt: func(_ context.Context, o machine.Order, _ int) (machine.Outcome, error) {
				if o.Key.Epoch == 0 {
					return failing("bad_input"), nil
				}
				return machine.Outcome{State: ok}, nil
			},
			tell: func(s *scene) {
				s.ends(machine.RunFailed)
				snap := look(s.t, s.cl, s.id)
				in := RunInput{
					Plans: snap.Plans, Source: snap.Source, Going: &Going{Snapshot: snap.State, Seq: snap.Seq},
					Order: &OrderUpdate{Event: machine.Event{Fact: clear(s, 1, "a")}},
				}
				if _, err := s.cl.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: s.id, TaskQueue: Queue}, RunWorkflow, in); err != nil {
					s.t.Fatal(err)
				}
			},
			end: machine.RunSuccess, states: "a:success", saw: []string{"attempt a/-/1/2"},
		},
	}
}

func cutTales() []tale {
	var chain []machine.Task
	for i := range 20 {
		task := machine.Task{ID: fmt.Sprintf("t%02d", i)}
		if i > 0 {
			task.Needs = []string{chain[i-1].ID}
		}
		chain = append(chain, task)
	}
	chain = append(chain, machine.Task{ID: "s", Sensor: sensor(nil)}, machine.Task{ID: "last", Needs: []string{"s", "t19"}})
	return []tale{
		{
			name: "a sensor waits while others come and go", tasks: chain, poke: func(n int) bool { return n >= 8 },
			end: machine.RunSuccess, states: strings.Repeat("t:success ", 20) + "s:success last:success",
			saw: []string{"attempt t19/-/0/1", "attempt last/-/0/1"},
		},
		{
			name: "an attempt that is cut off three times fails", tasks: []machine.Task{{ID: "a"}},
			attempt: func(context.Context, machine.Order, int) (machine.Outcome, error) {
				return machine.Outcome{}, lostIt("the machine went away", false)
			},
			end: machine.RunFailed, states: "a:failed",
			more: func(t *testing.T, s *scene) {
				if why := restored(t, look(t, s.cl, s.id)).Summarize().Tasks["a"].Reason; why != "cut off 3 times in a row: the machine went away" {
					t.Errorf("the reason is %q", why)
				}
			},
		},
		{
			name: "an attempt that a drain cuts off runs again as often as it takes", tasks: []machine.Task{{ID: "a"}},
			attempt: func(_ context.Context, _ machine.Order, n int) (machine.Outcome, error) {
				if n < 5 {
					return machine.Outcome{}, lostIt("weft was stopped", true)
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunSuccess, states: "a:success",
		},
		{
			name: "a worker that is not heard of any more loses its attempt", tasks: []machine.Task{{ID: "a"}},
			attempt: func(_ context.Context, o machine.Order, n int) (machine.Outcome, error) {
				if n == 1 {
					return machine.Outcome{}, errSilent
				}
				return machine.Outcome{State: ok}, nil
			},
			end: machine.RunSuccess, states: "a:success",
		},
		{
			name: "somebody ends the workflow of a batch", tasks: []machine.Task{{ID: "s", Sensor: sensor(nil)}, {ID: "j", Uses: "job"}},
			poke: func(int) bool { return false }, check: func(int) bool { return false },
			tell: func(s *scene) {
				s.untilState("s", machine.UpForReschedule)
				s.untilState("j", machine.Deferred)
				for n := range 2 {
					id := batchID(s.id, n+1)
					for s.cl.TerminateWorkflow(s.t.Context(), id, "", "by ann") != nil {
						time.Sleep(20 * time.Millisecond)
					}
				}
				for n := range 2 { // others take their place
					if err := s.cl.GetWorkflow(s.t.Context(), batchID(s.id, n+3), "").Get(timeout(s.t, time.Second), nil); err == nil {
						s.t.Error("a batch ended by itself")
					}
				}
				s.cancel()
			},
			end: machine.RunCancelled, states: "s:failed j:failed",
		},
		{
			name: "a pool that all workers share lends its slots", tasks: []machine.Task{{ID: "a"}, {ID: "b"}, {ID: "c"}},
			input: func(in *RunInput) { in.Pools = []string{"default"} },
			tell: func(s *scene) {
				_, err := s.cl.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: PoolsID, TaskQueue: Queue}, "test.pools")
				if err != nil {
					s.t.Fatal(err)
				}
			},
			end: machine.RunSuccess, states: "a:success b:success c:success",
		},
	}
}

func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// lender lends the slots of one pool with one slot.
func lender(ctx workflow.Context) error {
	var queue []machine.Key
	run, held := "", machine.Key{}
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(workflow.GetSignalChannel(ctx, SignalWant), func(c workflow.ReceiveChannel, _ bool) {
		var w Wanted
		c.Receive(ctx, &w)
		run = w.Run
		for _, want := range w.Wants {
			if !slices.Contains(queue, want.Key) && want.Key != held {
				queue = append(queue, want.Key)
			}
			if want.Key == held {
				held, queue = machine.Key{}, slices.Insert(queue, 0, held)
			}
		}
	})
	sel.AddReceive(workflow.GetSignalChannel(ctx, SignalFree), func(c workflow.ReceiveChannel, _ bool) {
		var f Freed
		c.Receive(ctx, &f)
		if slices.Contains(f.Keys, held) {
			held = machine.Key{}
		}
		queue = slices.DeleteFunc(queue, func(k machine.Key) bool { return slices.Contains(f.Keys, k) })
	})
	for {
		sel.Select(ctx)
		if held.Task != "" || len(queue) == 0 {
			continue
		}
		held, queue = queue[0], queue[1:]
		if err := workflow.SignalExternalWorkflow(ctx, run, "", SignalGranted, []machine.Key{held}).Get(ctx, nil); err != nil {
			return fmt.Errorf("nobody wants it: %w", err)
		}
	}
}
