package rehearse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/spec"
)

// A Record is what became of a case.
type Record struct {
	Case    *spec.Case
	Run     *machine.Run
	Summary machine.Summary
	Endless bool          // it was cut off: it goes on for ever
	Lasted  time.Duration // until nothing happened any more

	steps    int
	stage    *Stage
	shelf    *shelf
	attempts map[taskKey][]*Attempt
	samples  map[string]bool // tasks whose output was made up
}

// A taskKey is a task or callback, by machine.CallbackID, and its instance, or -1.
type taskKey struct {
	id    string
	index int
}

// An Attempt is one attempt that was played; times count from the start of the run.
type Attempt struct {
	Key        machine.Key
	Start, End time.Duration
	Ended      bool
	Pokes      int // of a sensor
	Outcome    machine.Outcome

	order  machine.Order
	called bool            // the plugin was; else something could not be rendered
	input  json.RawMessage // rendered
	env    []string        // K=V
}

// since is a moment as its distance from the start of the run.
func (r *Record) since(t time.Time) time.Duration { return t.Sub(r.Case.Run.Start) }

// Attempts are those of a task, or of one instance, in their order; index -1 is a task that is not
// mapped. Of a mapped task it returns nothing then.
func (r *Record) Attempts(id string, index int) []*Attempt { return r.attempts[taskKey{id, index}] }

// index finds an instance by its index or its key; -1 for the task itself.
func (r *Record) index(id, name string) (int, bool) {
	if name == "" {
		return -1, true
	}
	for _, in := range r.Summary.Tasks[id].Instances {
		for _, a := range r.attempts[taskKey{id, in.Index}] {
			if a.order.ItemKey != nil && *a.order.ItemKey == name {
				return in.Index, true
			}
		}
		if strconv.Itoa(in.Index) == name {
			return in.Index, true
		}
	}
	return -1, false
}

// instance is one of a task's; of a callback they have the indexes of those that failed.
func (r *Record) instance(id string, index int) (in machine.InstanceSummary, ok bool) {
	for _, in := range r.Summary.Tasks[id].Instances {
		if in.Index == index {
			return in, true
		}
	}
	return in, false
}

// bounds are when a task's first attempt starts and its last one ends; of a mapped task those of all
// its instances. started is false if there was none.
func (r *Record) bounds(id string, index int) (start, end time.Duration, started, ended bool) {
	ended = true
	take := func(list []*Attempt) {
		for _, a := range list {
			if !started || a.Start < start {
				start = a.Start
			}
			started, end, ended = true, max(end, a.End), ended && a.Ended
		}
	}
	take(r.attempts[taskKey{id, index}])
	if index < 0 {
		for _, in := range r.Summary.Tasks[id].Instances {
			take(r.attempts[taskKey{id, in.Index}])
		}
		if at := r.Summary.Tasks[id].EndedAt; !at.IsZero() {
			return start, r.since(at), started, true
		}
		return start, end, started, false
	}
	return start, end, started, started && ended
}

// Span is when a task's first attempt starts and its last one ends; ok is false if it never started.
func (r *Record) Span(id string) (start, end time.Duration, ok bool) {
	start, end, ok, _ = r.bounds(id, -1)
	return start, end, ok
}

// Tasks are the tasks in file order, then the callbacks that began, in the order of their starts.
func (r *Record) Tasks() []string {
	var ids, calls []string
	for i := range r.Run.Plan().Tasks {
		ids = append(ids, r.Run.Plan().Tasks[i].ID)
	}
	for id := range r.Summary.Tasks {
		if strings.Contains(id, ".") {
			calls = append(calls, id)
		}
	}
	slices.SortFunc(calls, func(a, b string) int {
		at, _, _ := r.Span(a)
		bt, _, _ := r.Span(b)
		return cmp.Or(cmp.Compare(at, bt), strings.Compare(a, b))
	})
	return append(ids, calls...)
}

// mirrorName is the plugin that shows what it is given. No DAG can name it: its name is no plugin's.
const mirrorName = "(mirror)"

// A mirror shows its input.
type mirror struct{}

// Name implements plugins.Plugin.
func (mirror) Name() string { return mirrorName }

// InProcess implements plugins.InProcess.
func (mirror) InProcess() {}

// Schema implements plugins.Plugin.
func (mirror) Schema() plugins.Schema { return plugins.Schema{} }

// Run implements plugins.Plugin.
func (mirror) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	ctx.Value(partKey{}).(*part).input = call.Input
	return plugins.Result{}, nil
}

// Sees evaluates an expression as an attempt sees it: by the executor, as if it stood in its `with`.
func (r *Record) Sees(a *Attempt, src string) (any, error) {
	with, err := expr.EncodeJSON(map[string]any{"value": "${{ " + src + " }}"})
	if err != nil {
		return nil, err
	}
	task := *r.stage.casting(a.order.Task, true)
	task.Uses, task.With, task.ScriptEnv, task.Workdir, task.Asks, task.Places = mirrorName, with, nil, "", nil, nil
	o, pt := a.order, &part{}
	o.Task = &task
	r.stage.play = &play{stage: r.stage, c: r.Case, shelf: r.shelf}
	var out machine.Outcome
	r.stage.exec.Attempt(context.WithValue(context.Background(), partKey{}, pt), o, func(ended machine.Outcome) { out = ended })
	if pt.input == nil {
		return nil, errors.New(out.Error)
	}
	v, err := expr.DecodeJSON(pt.input)
	m, _ := v.(map[string]any)
	return m["value"], err
}

// Output is the output of a task; of a mapped one the list of its instances'.
func (r *Record) Output(id string) json.RawMessage {
	sum := r.Summary.Tasks[id]
	if len(sum.Instances) == 0 {
		return r.valueOf(machine.Outcome{Output: sum.Output, Ref: sum.Ref})
	}
	list := make([]any, len(sum.Instances))
	for i, in := range sum.Instances {
		if attempts := r.Attempts(id, in.Index); len(attempts) > 0 && in.State == machine.Success {
			list[i] = decoded(r.valueOf(attempts[len(attempts)-1].Outcome))
		}
	}
	return encoded(list)
}

// valueOf is the output of an outcome, wherever it is kept.
func (r *Record) valueOf(out machine.Outcome) json.RawMessage {
	if out.Ref != nil {
		return r.shelf.values[out.Ref.URI]
	}
	return out.Output
}
