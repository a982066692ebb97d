package sim

import (
	"fmt"
	"strconv"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
)

// A worker carries orders out in virtual time. What a process does is drawn from what it is (its
// run, key and how often that key has been started), never from when it is asked for.
type worker struct {
	s   *Sim
	gen int
}

var _ local.Worker = (*worker)(nil)

// fate is what one process will do.
type fate struct {
	lasts  time.Duration
	hangs  bool
	out    machine.Outcome
	deaf   time.Duration // how long it ignores a stop
	stays  bool          // a stop does not change how it ends
	report time.Duration // from its end to the news of it
	twice  bool          // the news comes twice
	later  time.Duration // of a poke that says "not yet": when to ask again, if it knows
}

// fate draws what a process will do.
func (w *worker) fate(o machine.Order, poke int) fate {
	id := machineKey{o.Run.Key(), o.Key}
	n := w.s.again[id]
	w.s.again[id]++
	r := dice(w.s.seed, "fate", o.Run.Key(), o.Key.String(), strconv.Itoa(poke), strconv.Itoa(n))
	tr := w.s.traits(o)
	f := fate{lasts: draw(r, tr.slow), hangs: r.Float64() < tr.hangs, deaf: draw(r, 8*time.Second), stays: r.Float64() < 0.1}
	if r.Float64() < 0.3 {
		f.report = draw(r, 2*time.Second)
	}
	f.twice = r.Float64() < 0.05
	if poke > 0 && r.Float64() < 0.1 {
		f.later = draw(r, 30*time.Second)
	}
	f.out = machine.Outcome{State: machine.Success}
	if r.Float64() < tr.fails {
		f.out = failure(r.IntN(10))
	}
	if limit := time.Duration(o.Task.Timeout); limit > 0 && (f.hangs || f.lasts > limit) {
		f.lasts, f.hangs = limit, false
		f.out = machine.Outcome{State: machine.Failed, Kind: "timeout", Error: "took longer than its timeout"}
	}
	if f.out.State == machine.Success {
		w.output(o, tr, &f.out)
	}
	return f
}

func failure(kind int) machine.Outcome {
	switch kind {
	case 0:
		return machine.Outcome{State: machine.Failed, Kind: "bad_input", Error: "cannot read its input"}
	case 1:
		code := 100
		return machine.Outcome{State: machine.Failed, Kind: "remote", Error: "exit 100", Exit: &code, Final: true}
	case 2:
		return machine.Outcome{State: machine.Skipped, Error: "exit 99"}
	case 3:
		return machine.Outcome{State: machine.Failed, Kind: "remote", Error: "exit 1"}
	}
	return machine.Outcome{State: machine.Failed, Kind: "temporary", Error: "cannot reach it"}
}

// output gives a success its output, inline or spilled.
func (w *worker) output(o machine.Order, tr *traits, out *machine.Outcome) {
	list := make([]any, tr.length)
	body, err := expr.EncodeJSON(map[string]any{"ok": tr.okValue, "list": list})
	if err != nil {
		panic(err)
	}
	if !tr.spills {
		out.Output = body
		return
	}
	out.Ref = &machine.Ref{URI: fmt.Sprintf("mem://%s/%s", o.Run.Key(), o.Key), Size: int64(len(body)), SHA256: "00"}
	w.s.spilled[out.Ref.URI] = body
}

// Attempt implements local.Worker.
func (w *worker) Attempt(o machine.Order, done func(machine.Outcome)) {
	p := &proc{run: o.Run.Key(), key: o.Key, task: o.Task, gen: w.gen, done: true}
	p.slots = machine.Alive{Run: p.run, Key: p.key, Pool: o.Task.Pool, Slots: o.Task.PoolSlots}
	f := w.fate(o, 0)
	w.start(p, f, func() {
		done(p.out)
		if f.twice {
			w.tell(p, 5*time.Second, func() { done(p.out) })
		}
	})
}

// Poke implements local.Worker.
func (w *worker) Poke(o machine.Order, n int, since time.Time, done func(runner.PokeResult)) {
	p := &proc{run: o.Run.Key(), key: o.Key, task: o.Task, poke: n, gen: w.gen}
	f := w.fate(o, n)
	tr, sensor := w.s.traits(o), o.Task.Sensor
	switch {
	case f.out.State != machine.Success:
		p.done = sensor.OnError != "wait" || f.out.State == machine.Skipped
		if p.done && sensor.OnError == "skip" {
			f.out.State = machine.Skipped
		}
		if p.done && f.out.Final && sensor.SoftFail { // fail_when
			f.out = machine.Outcome{State: machine.Skipped, Error: "fail_when holds"}
		}
	default:
		w.s.held[taskKey{p.run, p.key.Task, p.key.Index}]++
		p.done = tr.pokes > 0 && w.s.held[taskKey{p.run, p.key.Task, p.key.Index}] >= tr.pokes
	}
	w.start(p, f, func() {
		res := runner.PokeResult{Done: p.done, Outcome: p.out}
		if !p.done {
			res.Outcome = machine.Outcome{}
			if f.later > 0 {
				res.NotBefore = w.s.Now().Add(f.later)
			}
		}
		done(res)
		if f.twice {
			w.tell(p, 5*time.Second, func() { done(res) })
		}
	})
}

// start lets a process live as its fate will have it.
func (w *worker) start(p *proc, f fate, news func()) {
	s := w.s
	s.starting(p)
	s.ledger.begin(s.mono, p)
	p.out = f.out
	ends := func() {
		if !p.alive {
			return
		}
		s.ledger.finish(s.mono, p, "end", p.out.State.String())
		w.tell(p, f.report, func() {
			p.told = true
			news()
		})
		s.outside("a process has ended")
	}
	p.end = func(out machine.Outcome) {
		s.after(f.deaf, func() {
			if p.alive && !f.stays {
				p.out, p.done = out, true
			}
			ends()
		})
	}
	p.kill = func(out machine.Outcome) {
		if p.alive {
			p.out, p.done = out, true
			ends()
		}
	}
	if !f.hangs {
		s.after(f.lasts, ends)
	}
	s.point("a process has started")
}

// tell brings news to the weft that started a process, if that still lives.
func (w *worker) tell(p *proc, d time.Duration, news func()) {
	w.s.after(d, func() {
		if w.gen == w.s.gen && w.s.core != nil {
			news()
		}
	})
}

// Stop implements local.Worker.
func (w *worker) Stop(run string, key machine.Key, reason string) {
	p := w.s.ledger.byTask[taskKey{run, key.Task, key.Index}]
	if p == nil || p.key != key {
		return // it has ended; the news is on its way
	}
	p.end(machine.Outcome{State: machine.Failed, Kind: reason, Error: reason})
}

// Evaluate implements local.Worker: it puts spilled outputs in place and asks as the executor does.
func (w *worker) Evaluate(o machine.Order, q machine.Evaluate, done func(machine.Evaluated)) {
	for id, v := range o.Tasks {
		if v.Ref != nil {
			v.Output, v.Ref = w.s.spilled[v.Ref.URI], nil
			o.Tasks[id] = v
		}
	}
	ans := machine.Evaluated{ID: q.ID}
	vars, err := o.Vars(nil)
	var val any
	switch {
	case err != nil:
	case q.What == "for_each":
		val, err = expr.Eval(o.Task.ForEach.Expr.Src, vars)
	default:
		val, err = expr.Eval(o.Task.When.Src, vars)
	}
	if err == nil {
		ans.Value, err = expr.EncodeJSON(val)
	}
	if err != nil {
		ans.Error = err.Error()
	}
	w.later(time.Second, func() { done(ans) })
}

// Past implements local.Worker, by what is durable.
func (w *worker) Past(info machine.RunInfo, task string, done func(bool, string)) {
	ok, run := w.s.past(info, task)
	w.later(time.Second, func() { done(ok, run) })
}

// Asked implements local.Worker. Where nobody asks anything it takes its time.
func (w *worker) Asked(done func(runs []string)) {
	s := w.s
	var look func()
	look = func() {
		if len(s.asking) == 0 && s.chance(0.95) {
			w.later(time.Minute, look)
			return
		}
		runs, err := s.disk.AskedRuns(s.ctx)
		if err != nil {
			s.broken("cannot look for orders: %v", err)
		}
		w.later(100*time.Millisecond, func() { done(runs) })
	}
	w.later(time.Second, look)
}

// Asks implements local.Worker.
func (w *worker) Asks(run string, done func([]store.Ask)) {
	w.later(time.Second, func() {
		asks, err := w.s.disk.TakeAsks(w.s.ctx, run)
		if err != nil {
			w.s.broken("cannot read the orders for run %s: %v", run, err)
		}
		w.later(100*time.Millisecond, func() { done(asks) })
	})
}

// Drop implements local.Worker.
func (w *worker) Drop(ids []int64) {
	if err := w.s.disk.DropAsks(w.s.ctx, ids); err != nil {
		w.s.logf("orders stay: %v", err)
	}
}

// Lane implements local.Worker.
func (w *worker) Lane(o machine.Order) string { return w.s.traits(o).lane }

// later is after, for a weft that may not live to see it.
func (w *worker) later(d time.Duration, do func()) {
	w.s.after(w.s.upTo(d), func() {
		if w.gen == w.s.gen && w.s.core != nil {
			do()
		}
	})
}
