package temporal

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/sim"
	"weft/store"
	"weft/store/mem"
)

// A house is the local engine over the same shop.
type house struct {
	*shop
	inbox []func()
	core  *local.Core
	began time.Time
}

var _ local.Worker = (*house)(nil)

func (h *house) Now() time.Time      { return h.now }
func (h *house) Mono() time.Duration { return h.now.Sub(h.began) + time.Hour }

func (h *house) Attempt(o machine.Order, done func(machine.Outcome)) {
	h.begin(AttemptActivity, o, func(res any) { done(res.(machine.Outcome)) })
}

func (h *house) Poke(o machine.Order, _ int, _ time.Time, done func(runner.PokeResult)) {
	h.begin(AttemptActivity, o, func(res any) { done(runner.PokeResult{Done: true, Outcome: res.(machine.Outcome)}) })
}

func (h *house) Evaluate(_ machine.Order, q machine.Evaluate, done func(machine.Evaluated)) {
	h.after(time.Second, func() { done(machine.Evaluated{ID: q.ID, Value: machine.Raw("true")}) })
}

func (h *house) Stop(_ string, key machine.Key, reason string) { h.stop(key, reason) }

func (h *house) Past(_ machine.RunInfo, _ string, done func(bool, string)) {
	h.after(time.Second, func() { done(true, "") })
}

func (h *house) Asked(done func([]string))             { done(nil) }
func (h *house) Asks(_ string, done func([]store.Ask)) { done(nil) }
func (h *house) Drop([]int64)                          {}
func (h *house) Lane(o machine.Order) string           { return o.Key.String() }

// ownEngine runs a plan by the local engine, and returns how it ended.
func ownEngine(t *testing.T, seed uint64, p *machine.Plan) machine.Summary {
	t.Helper()
	h := &house{shop: newShop(seed)}
	h.began = h.now
	st := mem.New()
	wide := machine.Limits{Pools: map[string]int{"default": 1 << 20, "wide": 1 << 20, "one": 1 << 20}}
	h.core = local.NewCore(local.Options{Limits: wide, PokeSlots: 1 << 20}, st, h, h, func(f func()) { h.inbox = append(h.inbox, f) })
	first := *runOf(p).Started
	var params map[string]any
	if err := json.Unmarshal(first.Params, &params); err != nil {
		t.Fatal(err)
	}
	err := h.core.Start(t.Context(), st, runner.Request{
		Plan: p, Dir: "/dags", Run: first.Run, Type: first.RunType, LogicalDate: first.LogicalDate, IntervalStart: first.IntervalStart,
		IntervalEnd: first.IntervalEnd, Params: params,
	})
	if err != nil {
		t.Fatal(err)
	}
	var sum machine.Summary
	for steps := 0; h.core.Run(first.Key()) != nil; steps++ {
		if steps > 200000 {
			t.Fatalf("seed %d does not end", seed)
		}
		sum = h.core.Run(first.Key()).Summarize()
		for len(h.inbox) > 0 {
			f := h.inbox[0]
			h.inbox = h.inbox[1:]
			f()
		}
		h.core.Turn()
		if len(h.inbox) > 0 {
			continue
		}
		due, timer := h.core.Next()
		at := h.began.Add(due - time.Hour)
		switch {
		case timer && (h.next().IsZero() || at.Before(h.next())):
			if at.After(h.now) {
				h.now = at
			}
			h.core.Tick()
		case !h.next().IsZero():
			h.pop()
		}
	}
	if got, err := local.Load(t.Context(), st, first.Key()); err == nil {
		sum = got
	}
	return sum
}

// TestBothEngines: the same DAG with the same outcomes ends the same by both engines: states, attempts, outputs and
// reasons of all its tasks. Two ends a few milliseconds apart may come in another order (the local engine writes records
// in groups); only a trigger that does not wait for all can tell, and few do. (Work elsewhere is asked about at moments
// that the engines choose otherwise; so it is among the tales alone.)
func TestBothEngines(t *testing.T) {
	same, tasks := 0, 0
	for seed := *fromSeed; seed < *fromSeed+uint64(*seeds); seed++ {
		p := sim.Plan(seed, "d")
		r, err := newRide(seed, p, false)
		if err == nil {
			err = r.goes()
		}
		if err != nil {
			t.Fatalf("-seed %d -seeds 1: %v", seed, err)
		}
		want, got := plain(ownEngine(t, seed, p)), plain(r.d.run.Summarize())
		switch {
		case want == got:
			same++
		case !slices.ContainsFunc(p.Tasks, hasty):
			t.Errorf("-seed %d -seeds 1:\nby the local engine %s\nby Temporal        %s", seed, want, got)
		}
		tasks += len(p.Tasks)
	}
	t.Logf("%d of %d runs (%d tasks) ended the same", same, *seeds, tasks)
	if same*100 < *seeds*90 {
		t.Error("too few do")
	}
}

// hasty tells whether a task's trigger may decide before all upstream tasks have finished.
func hasty(task machine.Task) bool {
	switch task.Trigger.Rule {
	case "", "one_success", "one_failed", "one_done", "all_success", "always":
		return len(task.Needs) > 1
	}
	return false
}

// plain is a summary without its times.
func plain(s machine.Summary) string {
	s.StartedAt, s.FinishedAt = time.Time{}, time.Time{}
	for id, task := range s.Tasks {
		task.StartedAt, task.EndedAt, task.Next = time.Time{}, time.Time{}, time.Time{}
		s.Tasks[id] = task
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
