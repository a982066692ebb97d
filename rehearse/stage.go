package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"weft/clock"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/runner/local"
	"weft/spec"
)

// Options are what is known around a DAG.
type Options struct {
	Plugins      *plugins.Registry
	Dir          string         // absolute folder of the DAG's file
	Pools        map[string]int // sizes, as the configuration has them
	Vars         map[string]any // of the configuration; a case's own come over them
	PokeSlots    int
	MaxInstances int
	Steps        int // bound of a case; 0 = longest
}

// A Stage plays cases of one DAG, one at a time. It is not safe for concurrent use.
type Stage struct {
	plan *machine.Plan
	opt  Options
	exec *runner.Executor
	play *play // the one that goes on
	cast map[castKey]*machine.Task
}

// NewStage makes a stage for a plan.
func NewStage(plan *machine.Plan, o Options) *Stage {
	s := &Stage{plan: plan, opt: o, cast: map[castKey]*machine.Task{}}
	s.exec = &runner.Executor{
		Plugins: actors(o.Plugins), Dir: func(string) string { return o.Dir }, Home: "/", Clock: stageClock{s}, Secrets: stageSecrets{s},
		Handoff: func(string) (handoff.Backend, error) { return s.play.shelf, nil },
	}
	return s
}

// longest bounds a case in happenings: what goes on longer goes on for ever.
const longest = 150_000

// patience bounds the pokes of a case: a sensor of 7 days that is asked each minute has 10,000. What
// has not come by then, and hangs on nothing that changes, never comes, and only its timeout ends it.
const patience = 30_000

// Play plays a case to its end: until the run is over, or nothing happens any more.
func (s *Stage) Play(c *spec.Case) (*Record, error) {
	p := newPlay(s, c)
	s.play = p
	core := local.NewCore(local.Options{Limits: machine.Limits{Pools: s.opt.Pools}, PokeSlots: s.opt.PokeSlots}, p.shelf, p, p, p.post)
	p.core = core
	if err := core.Start(context.Background(), p.shelf, s.request(c)); err != nil {
		return nil, fmt.Errorf("cannot play %q: %w", c.Name, err)
	}
	run := machine.RunKey(s.plan.DAG, c.Run.Type, c.Run.ID)
	p.record.Run = core.Run(run)
	if c.Cancel != nil {
		p.after(*c.Cancel, func() { core.Record(run, machine.CancelAsked{By: "the test"}) })
	}
	bound := cmp.Or(s.opt.Steps, longest)
	for p.happens < bound && p.step() {
	}
	p.record.Endless = p.happens >= bound
	p.record.steps = p.happens
	p.record.Lasted = p.mono
	p.record.Summary = p.record.Run.Summarize()
	return p.record, nil
}

func (s *Stage) request(c *spec.Case) runner.Request {
	vars := map[string]any{}
	for _, from := range []map[string]any{s.opt.Vars, c.Vars} {
		for name, v := range from {
			vars[name] = v
		}
	}
	return runner.Request{
		Plan: s.plan, Dir: s.opt.Dir, Run: c.Run.ID, Type: c.Run.Type,
		LogicalDate: c.Run.LogicalDate, IntervalStart: c.Run.IntervalStart, IntervalEnd: c.Run.IntervalEnd,
		Params: c.Params, Vars: vars, By: "weft test", MaxInstances: s.opt.MaxInstances,
	}
}

// A stageClock is the time of the case that is played.
type stageClock struct{ s *Stage }

var _ clock.Clock = stageClock{}

func (c stageClock) Now() time.Time      { return c.s.play.Now() }
func (c stageClock) Mono() time.Duration { return c.s.play.Mono() }

// After never comes: nothing on a stage waits but by the engine's timers.
func (stageClock) After(time.Duration) (<-chan struct{}, func()) { return nil, func() {} }

// stageSecrets gives every secret a value that is none.
type stageSecrets struct{ s *Stage }

// Resolve implements runner.Secrets.
func (x stageSecrets) Resolve(_ context.Context, names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		values[name] = x.s.play.secret(name)
	}
	return values, nil
}
