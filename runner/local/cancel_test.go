package local

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/store/mem"
)

// A crew of cancel's test: tasks take their time and end a second after they are told to; `flaky` fails.
type slowHands struct {
	hands
}

func (h *slowHands) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	h.mu.Lock()
	h.began = append(h.began, o.Key.Task)
	h.mu.Unlock()
	select {
	case <-time.After(20 * time.Second):
		if o.Key.Task == "flaky" {
			done(machine.Outcome{State: machine.Failed, Kind: "temporary", Error: "not yet"})
			return
		}
		done(machine.Outcome{State: machine.Success})
	case <-ctx.Done():
		time.Sleep(time.Second) // of its grace
		done(machine.Outcome{State: machine.Failed, Kind: "cancelled", Error: context.Cause(ctx).Error()})
	}
}

// TestARunIsCancelledWhateverItDoes is R15: a run is cancelled at a thousand moments while its tasks are queued, running,
// waiting, between two attempts, or just gone on with by another engine. It is over within the grace, nothing begins
// afterwards, and every slot is free.
func TestARunIsCancelledWhateverItDoes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 15))
	met := map[machine.State]int{}
	for range 1000 {
		synctest.Test(t, func(t *testing.T) { cancelOnce(t, rng, met) })
		if t.Failed() {
			return
		}
	}
	for _, s := range []machine.State{machine.None, machine.Queued, machine.Running, machine.UpForRetry, machine.UpForReschedule} {
		if met[s] < 50 {
			t.Errorf("only %d tasks were %s when their run was cancelled", met[s], s)
		}
	}
}

func cancelOnce(t *testing.T, rng *rand.Rand, met map[machine.State]int) {
	p := plan(t, 100,
		machine.Task{ID: "runs"},
		machine.Task{ID: "flaky", Retries: 9, RetryDelay: machine.Duration(30 * time.Second)},
		machine.Task{ID: "queued"}, machine.Task{ID: "also"},
		machine.Task{ID: "waits", Sensor: &machine.Sensor{PokeInterval: machine.Duration(7 * time.Second)}},
		machine.Task{ID: "later", Needs: []string{"runs", "waits"}},
	)
	p.Tasks[2].Pool, p.Tasks[3].Pool = "small", "small"
	st, h, held := mem.New(), &slowHands{}, &locks{held: map[string]bool{}}
	open := func() *Engine {
		return New(Config{
			Store: st, Worker: &Crew{Exec: h, Store: st}, Clock: clock.Real, Locks: held,
			Options: Options{Limits: machine.Limits{Pools: map[string]int{"small": 1, "default": 8}}},
		})
	}
	e := open()
	if _, err := e.Start(t.Context(), request(p, "r", 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rng.IntN(120_000)) * time.Millisecond)
	if rng.IntN(3) == 0 { // another one goes on with it
		if err := e.Drain(t.Context(), time.Duration(rng.IntN(3))*time.Second); err != nil {
			t.Fatal(err)
		}
		e.Close()
		e = open()
		if err := e.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
	}
	e.Look("r", func(r *machine.Run) {
		for _, s := range r.States() {
			met[s]++
		}
	})
	began := time.Now()
	if err := e.Cancel(t.Context(), "r", "ann", "changed her mind"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // what was told to begin before has begun
	at := len(h.started())
	sum, err := e.Wait(t.Context(), "r")
	if err != nil || sum.State != machine.RunCancelled {
		t.Errorf("it is %s, %v", sum.State, err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it takes %s to its end", took)
	}
	time.Sleep(10 * time.Minute)
	if later := h.started()[at:]; len(later) > 0 {
		t.Errorf("begun after the cancel: %v", later)
	}
	free := make(chan []machine.Alive, 1)
	e.post(func() { free <- slices.Clone(e.core.alive) })
	if alive := <-free; len(alive) > 0 {
		t.Errorf("slots are held by %v", alive)
	}
	e.Close()
	_ = st.Close()
}
