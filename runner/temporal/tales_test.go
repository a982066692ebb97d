package temporal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"weft/machine"
)

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
