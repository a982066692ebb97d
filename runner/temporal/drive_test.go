package temporal

import (
	"encoding/json"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/sim"
)

var (
	seeds    = flag.Int("seeds", 300, "how many random runs are driven")
	fromSeed = flag.Uint64("seed", 1, "the first of them")
)

// A ride is a drive in a shop: what a host does with Temporal is done here in virtual time, with batches that vanish,
// attempts that are cut off, and executions that end in the middle.
type ride struct {
	*shop
	d       *drive
	in      RunInput
	plans   *plans
	events  []machine.Event
	rough   bool // things go wrong, and people order things
	here    int
	batches int
	rides   int // executions
	rng     interface{ IntN(int) int }
	told    []news // by batches
	pool    pool
}

// A pool that all workers share, of three slots.
type pool struct {
	queue []machine.Key
	held  map[machine.Key]bool
	lent  int
}

type news struct {
	batch int
	fact  machine.Fact
}

func newRide(seed uint64, p *machine.Plan, rough bool) (*ride, error) {
	r := &ride{shop: newShop(seed), rough: rough}
	r.rng = r.dice("ride")
	r.in = runOf(p)
	r.pool.held = map[machine.Key]bool{}
	if rough && seed%2 == 1 {
		r.in.Pools = []string{"default"}
	}
	var err error
	if r.plans, err = newPlans(r.in.Plans); err != nil {
		return nil, err
	}
	r.take(machine.New(r.plans.find))
	r.d.record(*r.in.Started)
	r.d.record(machine.RunAdmitted{})
	return r, nil
}

// runOf is how a run of a plan begins in both engines.
func runOf(p *machine.Plan) RunInput {
	in := input(p, "r")
	for i := range p.Tasks {
		if p.Tasks[i].Uses == "job" {
			in.Plans[0].Elsewhere = []string{"job"}
		}
	}
	in.Started.RunType, in.Started.Params = "scheduled", machine.Raw(`{"no":false,"yes":true}`)
	return in
}

func (r *ride) take(run *machine.Run) {
	r.rides++
	r.here = 0
	r.d = newDrive("weft/run/r", run, r.plans, r.in)
	r.d.watch = func(ev machine.Event) { r.events = append(r.events, ev) }
}

func (r *ride) goes() error {
	for turns := 0; !r.d.run.State().Terminal() || len(r.d.inbox) > 0; turns++ {
		if turns > 20000 {
			return fmt.Errorf("it does not end: %v, live %d, alive %d", r.d.run.States(), len(r.d.live), len(r.alive))
		}
		r.d.turn(r.now)
		r.carry()
		if len(r.d.inbox) > 0 {
			continue
		}
		if r.rough && r.here == 0 && r.rng.IntN(3) == 0 {
			if err := r.goOn(); err != nil {
				return err
			}
			continue
		}
		if at := r.d.alarms.first(); !at.IsZero() && (r.next().IsZero() || at.Before(r.next())) {
			if at.After(r.now) {
				r.now = at
			}
			r.d.ring(r.now)
			continue
		}
		if len(r.pool.held) > 3 {
			return fmt.Errorf("more slots are lent than there are: %v", r.pool.held)
		}
		if r.next().IsZero() && !r.d.run.State().Terminal() {
			return fmt.Errorf("nothing is under way and the run is %s: %v", r.d.run.State(), r.d.run.States())
		}
		if !r.next().IsZero() {
			r.pop()
		}
		if r.rough {
			r.meddle()
		}
	}
	if len(r.wrong) > 0 {
		return fmt.Errorf("%v", r.wrong)
	}
	return nil
}

// goOn takes the run to a new execution, as its input says.
func (r *ride) goOn() error {
	state, err := r.d.run.Snapshot()
	if err != nil {
		return err
	}
	g := &Going{Snapshot: state, Seq: r.d.seq, Leases: r.d.slots.leases()}
	for n := range r.batches {
		if keys := r.d.inBatch(n + 1); len(keys) > 0 {
			g.Away = append(g.Away, Away{Batch: n + 1, Keys: keys})
		}
	}
	b, err := json.Marshal(RunInput{Plans: r.plans.bodies, Pools: r.in.Pools, Going: g})
	if err != nil {
		return err
	}
	r.in = RunInput{}
	if err := json.Unmarshal(b, &r.in); err != nil {
		return err
	}
	if r.plans, err = newPlans(r.in.Plans); err != nil {
		return err
	}
	run, err := machine.Restore(r.plans.find, r.in.Going.Snapshot)
	if err != nil {
		return err
	}
	r.take(run)
	return nil
}

// carry does what a turn ordered.
func (r *ride) carry() {
	t := r.d.todo
	r.d.todo = todo{}
	for _, key := range t.stop {
		r.stop(key, r.d.live[key].reason)
	}
	batch := 0
	if len(t.begin) > 0 && r.rough && r.rng.IntN(2) == 0 {
		r.batches++
		batch = r.batches
	}
	for _, key := range t.begin {
		l := r.d.live[key]
		if l == nil || l.stage != ready {
			continue
		}
		o, ok := r.d.run.Order(key)
		if !ok && l.work == HaltActivity {
			o, ok = r.d.run.DrainOrder(key)
		}
		if !ok {
			r.d.letGo(key)
			continue
		}
		l.stage, l.batch = inHand, batch
		if batch == 0 {
			r.here++
		}
		r.send(l.work, key, batch, o)
	}
	r.lend(t.want, t.free)
	for _, q := range t.pasts {
		r.after(time.Second, func() {
			if r.d.run.AwaitsPast(q.Task, q.Epoch) {
				r.d.record(machine.PastAnswered{Task: q.Task, Epoch: q.Epoch, OK: true})
			}
		})
	}
	for _, q := range t.asks {
		r.after(time.Second, func() { r.d.record(machine.Evaluated{ID: q.ID, Value: machine.Raw("true")}) })
	}
}

// send has one thing done, and tells the drive what came of it as a doer does.
func (r *ride) send(kind string, key machine.Key, batch int, o machine.Order) {
	drive := r.d
	o, err := sentOrder(o)
	if err != nil {
		r.wrong = append(r.wrong, err.Error())
	}
	if kind == PokeActivity {
		kind = AttemptActivity
	}
	r.begin(kind, o, func(res any) {
		if batch == 0 && drive == r.d {
			r.here--
		}
		var f machine.Fact
		switch res := res.(type) {
		case nil:
			f = machine.AttemptLost{Key: key, Reason: "cut off", Ordered: true}
		case machine.Outcome:
			f = machine.AttemptEnded{Key: key, Outcome: res}
			if kind == CheckActivity && res.Kind == "cancelled" {
				r.send(HaltActivity, key, batch, o)
				if batch == 0 {
					r.here++
				}
				return
			}
		case runner.Intent:
			f = machine.RemoteIntended{Key: key, Token: res.Token}
			if res.Outcome != nil {
				f = machine.AttemptEnded{Key: key, Outcome: *res.Outcome}
			}
		case runner.Submitted:
			if res.Handle == nil {
				r.send(HaltActivity, key, batch, o)
				if batch == 0 {
					r.here++
				}
				return
			}
			f = machine.RemoteSubmitted{Key: key, Handle: res.Handle, Text: res.Text}
		}
		if batch > 0 {
			r.told = append(r.told, news{batch, f})
		}
		r.d.heard(batch, f)
	})
}

// lend is what weft/pools does.
func (r *ride) lend(wants []machine.Want, free []machine.Key) {
	for _, key := range free {
		delete(r.pool.held, key)
		r.pool.queue = slices.DeleteFunc(r.pool.queue, func(k machine.Key) bool { return k == key })
	}
	for _, w := range wants {
		switch {
		case r.pool.held[w.Key]:
			r.grantLater(w.Key)
		case !slices.Contains(r.pool.queue, w.Key):
			r.pool.queue = append(r.pool.queue, w.Key)
		}
	}
	for len(r.pool.queue) > 0 && len(r.pool.held) < 3 {
		key := r.pool.queue[0]
		r.pool.queue, r.pool.held[key] = r.pool.queue[1:], true
		r.pool.lent++
		r.grantLater(key)
	}
}

func (r *ride) grantLater(key machine.Key) {
	r.after(50*time.Millisecond, func() {
		if !r.d.slots.granted(key) {
			r.lend(nil, []machine.Key{key})
		}
	})
}

// sentOrder is an order after its way to a worker.
func sentOrder(o machine.Order) (machine.Order, error) {
	body, err := o.Encode()
	if err != nil {
		return o, err
	}
	return machine.DecodeOrder(body, o.Plan, o.Tasks)
}

// meddle has something go wrong, or somebody order something.
func (r *ride) meddle() {
	run := r.d.run
	switch r.rng.IntN(25) {
	case 0: // a worker goes away with an attempt
		for _, key := range sortedKeys(r.alive) {
			if w := r.alive[key]; w.kind == AttemptActivity && r.rng.IntN(2) == 0 {
				r.finish(w, nil)
			}
		}
	case 1: // a batch is ended
		if r.batches > 0 {
			n := 1 + r.rng.IntN(r.batches)
			for _, key := range r.d.inBatch(n) {
				if w := r.alive[key]; w != nil {
					w.ended = true
					delete(r.alive, key)
				}
			}
			r.d.gone(n)
		}
	case 2:
		if r.rng.IntN(10) == 0 {
			r.d.record(machine.CancelAsked{By: "ann"})
		}
	case 3:
		task := run.Plan().Tasks[r.rng.IntN(len(run.Plan().Tasks))].ID
		r.d.record(machine.Reopened{By: "ann", Tasks: []string{task}, Plan: run.Info().Plan, Epoch: run.Info().Epoch + 1})
	case 4:
		task := run.Plan().Tasks[r.rng.IntN(len(run.Plan().Tasks))].ID
		r.d.record(machine.Marked{By: "ann", Task: task, State: machine.Success})
	case 5: // a batch tells something twice
		if len(r.told) > 0 {
			old := r.told[r.rng.IntN(len(r.told))]
			r.d.heard(old.batch, old.fact)
		}
	}
}

// suited is a random DAG, parts of whose work live elsewhere.
func suited(seed uint64) *machine.Plan {
	p := sim.Plan(seed, "d")
	for i := range p.Tasks {
		if p.Tasks[i].Sensor == nil && i%5 == 2 {
			p.Tasks[i].Uses = "job"
		}
	}
	body, _ := p.Encode()
	p, err := machine.DecodePlan(body)
	if err != nil {
		panic(err)
	}
	return p
}

// TestRandomDrives drives random runs through executions that end in the middle, lost attempts, batches that vanish,
// repeated news, cancels, clears and marks, half of them with a pool that all workers share. Each ends, leaves no slot behind, never does two things of one attempt at once, and its events
// replayed on a fresh machine come to the same state, hash for hash.
func TestRandomDrives(t *testing.T) {
	ends, rides, events, lent := map[machine.RunState]int{}, 0, 0, 0
	for seed := *fromSeed; seed < *fromSeed+uint64(*seeds); seed++ {
		r, err := newRide(seed, suited(seed), true)
		if err == nil {
			err = r.goes()
		}
		if err != nil {
			t.Fatalf("-seed %d -seeds 1: %v", seed, err)
		}
		again := machine.New(r.plans.find)
		for _, ev := range r.events {
			again.Step(ev)
		}
		if again.Hash() != r.d.run.Hash() || !reflect.DeepEqual(again.Summarize(), r.d.run.Summarize()) {
			t.Fatalf("-seed %d -seeds 1: the replay is another run", seed)
		}
		for len(r.heap) > 0 {
			r.pop() // grants that were on their way
		}
		if len(r.pool.held)+len(r.pool.queue) > 0 {
			t.Fatalf("-seed %d -seeds 1: slots are left behind: %v, wanted %v", seed, r.pool.held, r.pool.queue)
		}
		lent += r.pool.lent
		ends[r.d.run.State()]++
		rides, events = rides+r.rides, events+len(r.events)
	}
	t.Logf("%d runs, %d events, %d executions, %d slots lent, ends %v", *seeds, events, rides, lent, ends)
	if *seeds >= 100 && (len(ends) < 3 || rides < 2**seeds) {
		t.Errorf("the rides are too smooth: %v, %d executions", ends, rides)
	}
}
