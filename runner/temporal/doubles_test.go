package temporal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"weft/machine"
	"weft/runner"
)

// A crew is the workers' side in doubles: what attempts come to is up to its fields, and what happened stands in its
// ledger. Real workers have tests of their own.
type crew struct {
	t     *testing.T
	plans map[string]*machine.Plan

	attempt func(ctx context.Context, o machine.Order) (machine.Outcome, error) // nil = success
	poke    func(o machine.Order, n int) (out machine.Outcome, done bool)
	check   func(o machine.Order, n int) (out machine.Outcome, done bool)
	place   func(Arrival) Place
	past    func(Past, int) PastAnswer

	mu     sync.Mutex
	ledger []string
	alive  map[string]int
	most   int
}

func newCrew(t *testing.T, plans ...*machine.Plan) *crew {
	c := &crew{t: t, plans: map[string]*machine.Plan{}, alive: map[string]int{}}
	for _, p := range plans {
		_, hash := p.Encode()
		c.plans[hash] = p
	}
	return c
}

func (c *crew) noteOf(o machine.Order, format string, args ...any) {
	c.noteAs(o.Run.Run, format, args...)
}

func (c *crew) noteAs(run, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger = append(c.ledger, run+" "+fmt.Sprintf(format, args...))
}

// notedOf is what happened to one run.
func (c *crew) notedOf(run string) (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.ledger {
		if rest, mine := strings.CutPrefix(line, run+" "); mine {
			lines = append(lines, rest)
		}
	}
	return lines
}

func (c *crew) order(o Order, v Views) machine.Order {
	ord, err := machine.DecodeOrder(o.Body, c.plans[o.Plan], v)
	if err != nil {
		c.t.Errorf("plan %s: %v", o.Plan, err)
	}
	return ord
}

func (c *crew) enter(o machine.Order) func() {
	key := o.Run.Run + " " + o.Key.String()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive[key]++; c.alive[key] > 1 {
		c.t.Errorf("%s is alive twice", key)
	}
	c.most = max(c.most, len(c.alive))
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.alive[key]--; c.alive[key] <= 0 {
			delete(c.alive, key)
		}
	}
}

func (c *crew) registry(r worker.ActivityRegistry) {
	for name, f := range map[string]any{
		AttemptActivity: c.Attempt, PokeActivity: c.Poke, IntendActivity: c.Intend, SubmitActivity: c.Submit, CheckActivity: c.Check,
		HaltActivity: c.Halt, EvaluateActivity: c.Evaluate, ArriveActivity: c.Arrive, LeaveActivity: c.Leave, PastActivity: c.Past,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

// heartbeats as a worker does, and ends with ctx.
func (c *crew) pulse(ctx context.Context) func() {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}()
	return stop
}

func (c *crew) Attempt(ctx context.Context, w Order, v Views) (machine.Outcome, error) {
	o := c.order(w, v)
	leave := sync.OnceFunc(c.enter(o))
	defer leave()
	c.noteOf(o, "attempt %s", o.Key)
	if c.attempt == nil {
		return machine.Outcome{State: machine.Success}, nil
	}
	end := c.pulse(ctx)
	defer end()
	out, err := c.attempt(ctx, o)
	if errors.Is(err, errSilent) { // it says nothing any more, and hears of nothing
		end()
		leave()
		time.Sleep(mostSilent + mostSilent/2)
	}
	if ctx.Err() != nil && err == nil && out.State == machine.None {
		out = machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: cancelled"}
	}
	return out, err
}

func notYet(d time.Duration) error {
	return temporal.NewApplicationErrorWithOptions("not yet", ErrNotYet, temporal.ApplicationErrorOptions{NextRetryDelay: d})
}

func (c *crew) Poke(ctx context.Context, w Order, v Views) (machine.Outcome, error) {
	o := c.order(w, v)
	defer c.enter(o)()
	n := w.Poke + int(activity.GetInfo(ctx).Attempt)
	if out, done := c.poke(o, n); done {
		c.noteOf(o, "poke %s #%d holds", o.Key, n)
		return out, nil
	}
	return machine.Outcome{}, notYet(time.Duration(o.Task.Sensor.PokeInterval))
}

func (c *crew) Intend(_ context.Context, w Order, v Views) (runner.Intent, error) {
	o := c.order(w, v)
	c.noteOf(o, "intend %s", o.Key)
	return runner.Intent{Token: "token-" + o.Key.String(), Target: machine.Raw(`{"job":"j"}`)}, nil
}

func (c *crew) Submit(_ context.Context, w Order, v Views) (runner.Submitted, error) {
	o := c.order(w, v)
	c.noteOf(o, "submit %s by %s", o.Key, o.Remote.Token)
	return runner.Submitted{Handle: machine.Raw(`{"run":"1"}`), Text: "job run 1"}, nil
}

func (c *crew) Check(ctx context.Context, w Order, v Views) (machine.Outcome, error) {
	o := c.order(w, v)
	out, done := machine.Outcome{State: machine.Success}, true
	if c.check != nil {
		out, done = c.check(o, int(activity.GetInfo(ctx).Attempt))
	}
	if !done {
		return out, notYet(100 * time.Millisecond)
	}
	c.noteOf(o, "check %s holds", o.Key)
	return out, nil
}

func (c *crew) Halt(_ context.Context, w Order, reason string) (machine.Outcome, error) {
	o := c.order(w, nil)
	c.noteOf(o, "halt %s: %s", o.Key, reason)
	return machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: "stopped: " + reason}, nil
}

func (c *crew) Evaluate(_ context.Context, w Order, v Views, q machine.Evaluate) (machine.Evaluated, error) {
	c.noteOf(c.order(w, v), "evaluate %s", q.ID)
	if q.What == "for_each" {
		return machine.Evaluated{ID: q.ID, Value: machine.Raw("[1,2,3]")}, nil
	}
	return machine.Evaluated{ID: q.ID, Value: machine.Raw("true")}, nil
}

func (c *crew) Arrive(_ context.Context, a Arrival) (Place, error) {
	c.noteAs(a.Run, "arrive %s", a.Run)
	if c.place != nil {
		return c.place(a), nil
	}
	return Place{Admitted: true}, nil
}

func (c *crew) Leave(_ context.Context, d Departure) error {
	c.noteAs(d.Run, "leave %s %s", d.Run, d.State)
	return nil
}

func (c *crew) Past(ctx context.Context, p Past) (PastAnswer, error) {
	a := PastAnswer{OK: true}
	if c.past != nil {
		a = c.past(p, int(activity.GetInfo(ctx).Attempt))
	}
	c.noteAs(p.DAG, "past %s until %v: %v", p.Task, p.Until, a.OK)
	if p.Until && !a.OK {
		return a, notYet(100 * time.Millisecond)
	}
	return a, nil
}

var errSilent = errors.New("silent")

// lostIt is how a worker tells that an attempt was cut off.
func lostIt(reason string, ordered bool) error {
	return temporal.NewApplicationErrorWithOptions(reason, ErrLost, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{Lost{Reason: reason, Ordered: ordered}}})
}

// plan compiles tasks: each is a machine.Task, its defaults filled in.
func plan(t *testing.T, change func(*machine.Plan), tasks ...machine.Task) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: machine.PlanFormat, DAG: "d", MaxActiveTasks: 16, Verdict: machine.Verdict{Rule: "leaves"}, Tasks: tasks}
	for i := range p.Tasks {
		fill(&p.Tasks[i])
	}
	if change != nil {
		change(p)
	}
	for _, list := range [][]machine.Task{p.OnSuccess, p.OnFailure, p.OnLate} {
		for i := range list {
			fill(&list[i])
		}
	}
	body, _ := p.Encode()
	p, err := machine.DecodePlan(body)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fill(task *machine.Task) {
	if task.Uses == "" {
		task.Uses = "shell"
	}
	if task.Trigger == (machine.Trigger{}) {
		task.Trigger.Rule = "all_success"
	}
	task.Pool, task.PoolSlots = "default", 1
	for i := range task.OnFailure {
		fill(&task.OnFailure[i])
	}
}

// input is how a run of a plan begins.
func input(p *machine.Plan, run string) RunInput {
	body, hash := p.Encode()
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	return RunInput{
		Plans: []Body{{Hash: hash, Plan: body, Elsewhere: []string{"job"}}}, Source: Source{Dir: "/dags"},
		Started: &machine.RunStarted{
			Rules: machine.Rules, DAG: p.DAG, Run: run, RunType: "manual", LogicalDate: day, IntervalStart: day, IntervalEnd: day, DS: "2026-01-02",
			Plan: hash, Hold: true,
		},
	}
}

// restored is the machine of a snapshot.
func restored(t *testing.T, s Snapshot) *machine.Run {
	t.Helper()
	p, err := newPlans(s.Plans)
	if err != nil {
		t.Fatal(err)
	}
	r, err := machine.Restore(p.find, s.State)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
