package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"weft/machine"
)

// A dag is a plan and what the oracle must know of it beside what the plan says.
type dag struct {
	plan    *machine.Plan
	traits  map[string]*traits
	verdict func(states map[string]machine.State) bool // of an expression; nil = by rule
}

// traits are what a task is like: what its processes do and what its expressions come to.
type traits struct {
	trigger func(o *oracle, id string) bool // of an expression; nil = by rule
	when    func(o *oracle) bool            // nil = none
	list    func(o *oracle) int             // of for_each: how many instances; nil = not mapped

	fails    float64 // of an attempt
	okValue  bool    // output.ok
	length   int     // of output.list
	spills   bool    // its output lies outside the journal
	slow     time.Duration
	hangs    float64
	pokes    int // until a sensor holds; 0 = never
	lane     string
	remote   bool // its work lives elsewhere
	settling bool // its trigger waits for every upstream task to finish
}

// grower makes a random DAG.
type grower struct {
	r, far *rand.Rand
	d      *dag
}

func (g grower) chance(p float64) bool { return g.r.Float64() < p }

func (g grower) span(lo, hi time.Duration) machine.Duration {
	return machine.Duration((lo + time.Duration(g.r.Int64N(int64(hi-lo)))).Truncate(time.Millisecond))
}

// grow makes a DAG of 5 to 50 tasks (small ones more often) out of a seed.
func grow(seed uint64, name string) *dag {
	g := grower{r: dice(seed, "dag", name), far: dice(seed, "far", name), d: &dag{traits: map[string]*traits{}}}
	p := &machine.Plan{
		Format: machine.PlanFormat, DAG: name, File: name + ".yaml",
		MaxActiveRuns: 1 + g.r.IntN(3), MaxActiveTasks: 1 + g.r.IntN(8),
		Verdict: machine.Verdict{Rule: pick(g.r, "leaves", "leaves", "strict")},
	}
	g.d.plan = p
	if g.chance(0.25) {
		p.Timeout = g.span(time.Minute, 15*time.Minute)
	}
	if g.chance(0.15) {
		p.Deadline = g.span(10*time.Second, 5*time.Minute)
		p.OnLate = g.callbacks("late")
	}
	f := g.r.Float64()
	size := 5 + int(f*f*46)
	for i := range size {
		g.task(i)
	}
	if g.chance(0.3) {
		p.OnFailure = g.callbacks("mail", "page")
	}
	if g.chance(0.3) {
		p.OnSuccess = g.callbacks("cheer")
	}
	if g.chance(0.2) {
		g.verdict()
	}
	if err := p.Seal(); err != nil {
		panic("sim: the generator made a plan that does not hold: " + err.Error())
	}
	return g.d
}

// task adds one task whose upstream tasks are among those already there.
func (g grower) task(i int) {
	p := g.d.plan
	t := machine.Task{
		ID: fmt.Sprintf("t%02d", i), Uses: "noop", Pool: pick(g.r, "default", "default", "wide", "one"),
		PoolSlots: 1, Priority: g.r.IntN(3), RetryDelay: g.span(0+time.Millisecond, 20*time.Second),
	}
	tr := &traits{
		okValue: g.chance(0.6), length: g.r.IntN(5), spills: g.chance(0.1),
		fails: []float64{0, 0, 0.05, 0.3, 0.9}[g.r.IntN(5)], slow: []time.Duration{0, time.Second, 20 * time.Second, time.Minute}[g.r.IntN(4)],
		lane: pick(g.r, "a", "b", "c"),
	}
	g.d.traits[t.ID] = tr
	if g.chance(0.2) {
		t.PoolSlots = 2 + g.r.IntN(2)
	}
	if i > 0 && g.chance(0.85) {
		for range 1 + g.r.IntN(3) {
			if up := p.Tasks[max(0, i-1-g.r.IntN(8))].ID; !slices.Contains(t.Needs, up) {
				t.Needs = append(t.Needs, up)
			}
		}
	}
	g.trigger(&t, tr)
	g.when(&t, tr)
	if g.chance(0.5) {
		g.retries(&t)
	}
	switch {
	case g.chance(0.15):
		g.sensor(&t, tr)
	case g.chance(0.2):
		t.Timeout = g.span(time.Second, 30*time.Second)
		tr.hangs = 0.1
	case p.Timeout > 0:
		tr.hangs = 0.02
	}
	if g.chance(0.15) {
		g.forEach(&t, tr)
	}
	if p.Timeout > 0 && g.chance(0.1) { // without a timeout a past that failed would be waited for for ever
		t.DependsOnPast = true
	}
	if g.chance(0.15) {
		t.OnFailure = g.callbacks("tell", "undo")
	}
	if t.Sensor == nil && g.far.Float64() < 0.2 {
		tr.remote = true
	}
	p.Tasks = append(p.Tasks, t)
}

func (g grower) retries(t *machine.Task) {
	t.Retries = 1 + g.r.IntN(3)
	t.RetryBackoff = 1 + float64(g.r.IntN(3))/2
	if g.chance(0.3) {
		t.MaxRetryDelay = g.span(time.Second, 25*time.Second)
	}
	if g.chance(0.3) {
		t.RetryJitter = 0.5
	}
	if g.chance(0.2) {
		t.RetryIf = &machine.Expr{Src: `error.kind == "temporary" && attempt < 3`}
	}
}

func (g grower) sensor(t *machine.Task, tr *traits) {
	t.Sensor = &machine.Sensor{
		PokeInterval: g.span(500*time.Millisecond, 15*time.Second), Timeout: g.span(2*time.Second, 3*time.Minute),
		SoftFail: g.chance(0.3), OnError: pick(g.r, "retry", "wait", "skip"), ExponentialBackoff: g.chance(0.3),
	}
	if g.chance(0.5) {
		t.Sensor.MaxWait = g.span(5*time.Second, 30*time.Second)
	}
	if g.chance(0.8) {
		tr.pokes = 1 + g.r.IntN(8)
	}
	tr.fails /= 4 // of one poke
	tr.slow = min(tr.slow, time.Second)
	if g.chance(0.5) {
		t.Timeout = g.span(time.Second, 10*time.Second)
		tr.hangs = 0.1
	}
}

// forEach maps a task over a list written in the file, or over an upstream task's output.
func (g grower) forEach(t *machine.Task, tr *traits) {
	if g.chance(0.5) {
		t.MaxParallel = 1 + g.r.IntN(3)
	}
	if tr.settling && len(t.Needs) > 0 && g.chance(0.5) {
		if up := t.Needs[0]; g.d.traits[up].list == nil {
			t.ForEach = &machine.ForEach{Expr: &machine.Expr{Src: "tasks." + up + ".output.list"}}
			t.Reads = appendNew(t.Reads, up)
			tr.list = func(o *oracle) int {
				if o.states[up] != machine.Success {
					return 0
				}
				return g.d.traits[up].length
			}
			return
		}
	}
	n := g.r.IntN(7)
	list, err := json.Marshal(make([]int, n))
	if err != nil {
		panic(err)
	}
	t.ForEach = &machine.ForEach{List: list}
	tr.list = func(*oracle) int { return n }
}

// callbacks makes tasks for a hook.
func (g grower) callbacks(ids ...string) []machine.Task {
	var out []machine.Task
	for _, id := range ids {
		t := machine.Task{ID: id, Uses: "noop", Pool: "default", PoolSlots: 1, RetryDelay: g.span(time.Millisecond, 5*time.Second)}
		t.Retries = g.r.IntN(2)
		out = append(out, t)
	}
	return out
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
