package rehearse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/spec"
)

// An actor plays a plugin: it has its name, its schema and its abilities, so that the executor treats
// it as that plugin, and gives what the case says instead of doing anything. It counts as one that
// works in this process: it gets no scratch folder and no log.
type actor struct{ plugins.Plugin }

var (
	_ plugins.InProcess  = actor{}
	_ plugins.Teller     = actor{}
	_ plugins.NamesFiles = actor{}
)

// actors has every plugin of a registry played, and the one that shows what expressions give.
func actors(real *plugins.Registry) *plugins.Registry {
	list := []plugins.Plugin{mirror{}}
	for _, name := range real.Names() {
		list = append(list, actor{real.Get(name)})
	}
	return plugins.NewRegistry(list...)
}

// InProcess implements plugins.InProcess.
func (actor) InProcess() {}

// Tell implements plugins.Teller.
func (a actor) Tell(input, output json.RawMessage) string {
	if t, ok := a.Plugin.(plugins.Teller); ok {
		return t.Tell(input, output)
	}
	return ""
}

// PathInputs implements plugins.NamesFiles.
func (a actor) PathInputs() (below, anywhere []string) {
	if p, ok := a.Plugin.(plugins.NamesFiles); ok {
		return p.PathInputs()
	}
	return nil, nil
}

// A part is what one call has to play; the executor carries it to the plugin in the call's context.
type part struct {
	step   spec.Step
	real   bool            // the plugin does no harm: it is carried out
	sample json.RawMessage // the output of a success of which nothing more is given
	late   *plugins.Error  // the call takes longer than it may
	called bool
	input  json.RawMessage
	env    []string
}

type partKey struct{}

// Run implements plugins.Plugin.
func (a actor) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	p := ctx.Value(partKey{}).(*part)
	p.called, p.input, p.env = true, call.Input, call.Env
	if p.late != nil {
		return plugins.Result{}, p.late
	}
	if p.real {
		return a.Plugin.Run(ctx, call)
	}
	if err := failureOf(ctx, p.step, a.Name()); err != nil {
		return plugins.Result{}, err
	}
	res := plugins.Result{Exit: p.step.Exit, Output: p.sample}
	if p.step.HasOutput {
		out, err := expr.EncodeJSON(p.step.Output)
		if err != nil {
			return res, plugins.Errorf(plugins.BadInput, "cannot give the output: %w", err)
		}
		res.Output = out
	}
	return res, nil
}

// processes are the plugins whose failures are mostly those of a process: exit 1.
var processes = map[string]bool{"shell": true, "python": true}

// failureOf is the failure that a step says, nil for a success.
func failureOf(ctx context.Context, s spec.Step, plugin string) error {
	ending := func(code int) *plugins.Error {
		return plugins.Ending{Code: code, Said: fmt.Sprintf("exited with status %d", code)}.Failure(ctx)
	}
	var failed *plugins.Error
	switch {
	case s.Exit != nil:
		failed = ending(*s.Exit)
	case s.State == machine.Skipped:
		failed = plugins.Errorf(plugins.Temporary, "the task asked to be skipped")
		failed.Skip = true
	case s.State == machine.Failed && processes[plugin] && s.Kind == "":
		failed = ending(1)
	case s.State == machine.Failed:
		failed = plugins.Errorf(plugins.Temporary, "failed, as the test has it")
	}
	if failed == nil {
		return nil
	}
	if s.Error != "" {
		failed.Err = plugins.Errorf(failed.Kind, "%s", s.Error)
	}
	if s.Kind != "" {
		failed.Kind = plugins.Kind(s.Kind)
	}
	return failed
}

// castKey names a task as it is played.
type castKey struct {
	task    *machine.Task
	sampled bool
}

// casting is a task as it is played: what would touch the world, or measure the world's time, is taken
// off it. Where its output is a sample, so is what asks about the output.
func (s *Stage) casting(t *machine.Task, sampled bool) *machine.Task {
	key := castKey{t, sampled}
	if done := s.cast[key]; done != nil {
		return done
	}
	played := *t
	played.Timeout, played.Artifacts, played.Inputs = 0, nil, nil
	if sampled {
		played.Outputs, played.Asks = nil, nil
		if t.Sensor != nil {
			sensor := *t.Sensor
			sensor.Until, sensor.FailWhen = unlessOutput(sensor.Until), unlessOutput(sensor.FailWhen)
			played.Sensor = &sensor
		}
	}
	s.cast[key] = &played
	return &played
}

// unlessOutput drops an expression that may ask about the output.
func unlessOutput(e *machine.Expr) *machine.Expr {
	if e == nil || strings.Contains(e.Src, "output") {
		return nil
	}
	return e
}

// perform has the executor carry out a call, with a part to play in it. It returns how long the call
// takes: no longer than the task's timeout allows, and no time at all if the plugin is never called.
func (p *play) perform(a *attempt, o machine.Order, step spec.Step, call func(context.Context, machine.Order)) (takes time.Duration) {
	plugin := p.stage.opt.Plugins.Get(o.Task.Uses)
	_, harmless := plugin.(plugins.Harmless)
	pt := &part{step: step}
	plain := step.State == machine.Success && !step.HasOutput
	pt.real = plain && harmless && step.Exit == nil
	sampled := plain && !pt.real
	if sampled {
		pt.sample = p.stage.sample(plugin, o.Task)
		p.record.samples[o.ID] = true
	}
	takes = step.Takes
	if limit := time.Duration(o.Task.Timeout); limit > 0 && takes > limit {
		takes, pt.late = limit, plugins.Errorf(plugins.Timeout, "timed out after %s", limit)
	}
	o.Task = p.stage.casting(o.Task, sampled)
	call(context.WithValue(context.Background(), partKey{}, pt), o)
	a.trace.input, a.trace.env, a.trace.called = pt.input, pt.env, pt.called
	if !pt.called {
		return 0
	}
	return takes
}

// stepOf is how an attempt of an order goes by the case.
func (p *play) stepOf(o machine.Order) spec.Step {
	key := ""
	if o.ItemKey != nil {
		key = *o.ItemKey
	}
	return p.c.Given[o.ID].Instance(o.Key.Index, key).Attempt(o.Attempt)
}

func (p *play) attempt(a *attempt, o machine.Order) (out machine.Outcome, takes time.Duration) {
	takes = p.perform(a, o, p.stepOf(o), func(ctx context.Context, o machine.Order) {
		p.stage.exec.Attempt(ctx, o, func(ended machine.Outcome) { out = ended })
	})
	out.Elapsed = int64(takes)
	if out.State == machine.Success {
		out.Artifacts = p.artifacts(o)
	}
	return out, takes
}

func (p *play) poke(a *attempt, o machine.Order, n int, since time.Time) (res runner.PokeResult, takes time.Duration) {
	takes = p.perform(a, o, p.stepOf(o).Poke(n), func(ctx context.Context, o machine.Order) {
		res = p.stage.exec.Poke(ctx, o, n, since)
	})
	p.pokes++
	if !res.Done && p.pokes > patience && n > len(p.stepOf(o).Pokes) && !asksNumber(o.Task.Sensor) && res.NotBefore.IsZero() {
		res.NotBefore = p.Now().AddDate(100, 0, 0)
	}
	if res.Done {
		res.Outcome.Elapsed = int64(takes)
		if res.Outcome.State == machine.Success {
			res.Outcome.Artifacts = p.artifacts(o)
		}
	}
	return res, takes
}

// asksNumber tells whether a sensor may ask for the number of its poke.
func asksNumber(s *machine.Sensor) bool {
	for _, e := range []*machine.Expr{s.Until, s.FailWhen} {
		if e != nil && strings.Contains(e.Src, "poke") {
			return true
		}
	}
	return false
}

// artifacts are what a success leaves: each that the task declares, empty.
func (p *play) artifacts(o machine.Order) (list []machine.Artifact) {
	for _, v := range o.Task.Artifacts {
		ref, err := p.shelf.Put(context.Background(), o.Key.String()+"/"+v.Name, strings.NewReader(""), 0)
		if err == nil {
			list = append(list, machine.Artifact{Name: v.Name, Ref: ref})
		}
	}
	return list
}
