package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
)

// A Question is what is kept of a sensor between two pokes of one attempt, so that the next one costs a
// call of the plugin and little else: the input, rendered and checked, and the output that was "not yet".
// All that a template sees is a snapshot or stands in the order to start or reopen the run, so it says
// the same at each poke; Fits tells when it does not. It is in the hands of one poke at a time.
type Question struct {
	of    *alike
	input json.RawMessage
	no    json.RawMessage // the last output for which the sensor said "not yet", where it would say so again
}

// alike is what the sensors of one task have in common, ten thousand instances of it too.
type alike struct {
	x      *Executor
	plan   *machine.Plan
	task   *machine.Task
	id     string // of the run
	kind   string
	epoch  int
	plugin plugins.Plugin
	env    []string
	dir    string
	reads  readings

	mu sync.Mutex
	no json.RawMessage // that of any of them
}

// How many tasks have something in common, and up to what length an output that was "not yet" is known
// again.
const maxAlike, maxNo = 1000, 256

// Fits tells whether the question is still what the order asks: a run that was reopened may have another
// plan, folder and params.
func (q *Question) Fits(o machine.Order) bool { return q.of.fits(o) }

func (k *alike) fits(o machine.Order) bool {
	return k.task == o.Task && k.plan == o.Plan && k.epoch == o.Run.Epoch && k.id == o.Run.Run && k.kind == o.Run.RunType
}

// Ask is the poke after the first, of a Bare order that fits. It is carried out as Executor.Poke would.
func (q *Question) Ask(ctx context.Context, o machine.Order, poke int, since time.Time) PokeResult {
	a := attempt{x: q.of.x, o: o, poke: poke, since: since, question: q}
	res := a.run(ctx, a.judge)
	a.tidy(res.Done)
	if !res.Done {
		res.Kept = q
		q.of.note(q, a.no)
	}
	return res
}

// call is the call of the next poke.
func (q *Question) call(a *attempt) *plugins.Call {
	a.plugin, a.apart, a.given = q.of.plugin, true, q.input
	return a.callWith(q.input, q.of.env, q.of.dir)
}

// refuses tells of an output that it is "not yet" as it was before. Questions are pure: of the same
// values they say the same.
func (q *Question) refuses(res plugins.Result) bool {
	return q != nil && q.no != nil && res.OutputFile == "" && bytes.Equal(q.no, res.Output)
}

// askedAgain keeps what the attempt has rendered for the next poke; nil where that would be wrong or dear:
// a secret is looked up anew for each poke, inputs are laid out for each, an environment or a folder of
// its own is kilobytes, and what other tasks gave may be megabytes.
func (a *attempt) askedAgain() *Question {
	if !a.prepared || !a.apart || len(secretNames(a.o))+len(a.o.Task.Asks) > 0 || a.o.RunState != "" {
		return nil
	}
	k := a.x.alikes.of(a)
	if k == nil || k.reads.others || k.dir != a.dir || !slices.Equal(k.env, a.env) {
		return nil
	}
	q := &Question{of: k, input: a.given}
	k.note(q, a.no)
	return q
}

// note remembers an output for which the sensor said "not yet", if the number of the poke had no part in
// that. Sensors of a task that get the same share it.
func (k *alike) note(q *Question, no json.RawMessage) {
	if no == nil || k.reads.poke {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !bytes.Equal(k.no, no) {
		k.no = bytes.Clone(no)
	}
	q.no = k.no
}

// note takes an output for which the sensor said "not yet", if it is short.
func (a *attempt) note(res plugins.Result) {
	if res.OutputFile == "" && !res.Text && len(res.Output) <= maxNo {
		a.no = res.Output
	}
}

// readings are what the questions of a sensor read.
type readings struct {
	poke   bool // its number
	own    bool // something of the run or the instance
	others bool // other tasks, the environment, secrets, or nobody knows
}

func readingsOf(s machine.Sensor) (r readings) {
	for _, e := range []*machine.Expr{s.Until, s.FailWhen} {
		if e == nil {
			continue
		}
		names, ok := expr.RootsOf(e.Src)
		r.others = r.others || !ok
		for _, name := range names {
			switch name {
			case "output":
			case "poke":
				r.poke = true
			case "dag", "run", "params", "vars", "item", "index":
				r.own = true
			default:
				r.others = true
			}
		}
	}
	return r
}

// ownVars are what the questions of a kept sensor see beside its output and number.
func (a *attempt) ownVars(ctx context.Context) error {
	if !a.question.of.reads.own {
		return nil
	}
	if a.o.ItemRef != nil && !a.o.HasItem {
		if err := a.x.fetchItem(ctx, &a.o); err != nil {
			return err
		}
	}
	vars, err := a.o.OwnVars()
	if err != nil {
		return &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	a.vars = vars
	return nil
}

// alikes are those of the tasks whose sensors wait.
type alikes struct {
	mu    sync.Mutex
	byKey map[alikeKey]*alike
}

// Two runs may have one plan.
type alikeKey struct {
	run  string // its Key
	task *machine.Task
}

// of returns what the sensors of the attempt's task have in common: what the first of them has.
func (l *alikes) of(a *attempt) *alike {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := alikeKey{a.o.Run.Key(), a.o.Task}
	if k := l.byKey[key]; k != nil && k.fits(a.o) {
		return k
	}
	if l.byKey == nil || len(l.byKey) >= maxAlike {
		l.byKey = map[alikeKey]*alike{}
	}
	k := &alike{
		x: a.x, plan: a.o.Plan, task: a.o.Task, id: a.o.Run.Run, kind: a.o.Run.RunType, epoch: a.o.Run.Epoch,
		plugin: a.plugin, env: slices.Clip(a.env), dir: a.dir, reads: readingsOf(a.sensor()),
	}
	l.byKey[key] = k
	return k
}

// forget lets go of a run that is over.
func (l *alikes) forget(run string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.byKey, func(key alikeKey, _ *alike) bool { return key.run == run })
}
