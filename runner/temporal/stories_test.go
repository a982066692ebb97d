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
	ok  = machine.Success
	ms  = machine.Duration(time.Millisecond)
	sec = machine.Duration(time.Second)
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
