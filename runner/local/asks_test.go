package local

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/store"
	"weft/store/mem"
)

// A counting worker counts how often it looks for orders.
type counting struct {
	*Crew
	mu          sync.Mutex
	looks, read int
}

func (w *counting) Asked(done func([]string)) {
	w.mu.Lock()
	w.looks++
	w.mu.Unlock()
	w.Crew.Asked(done)
}

func (w *counting) Asks(run string, done func([]store.Ask)) {
	w.mu.Lock()
	w.read++
	w.mu.Unlock()
	w.Crew.Asks(run, done)
}

func (w *counting) since(t *testing.T, d time.Duration) (looks, read int) {
	t.Helper()
	w.mu.Lock()
	looks, read = w.looks, w.read
	w.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looks - looks, w.read - read
}

// However many runs wait, what other processes order is looked for by one look each half second, and
// by none while there is no run.
func TestOneLookForTheOrdersOfAllRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		w := &counting{Crew: &Crew{Exec: &hands{takes: map[string]time.Duration{"a": time.Hour}}, Store: st}}
		first, other := houseOf(t, st, l, w), newHouse(t, st, l)
		other.hands.takes["a"] = time.Hour
		if looks, _ := w.since(t, time.Minute); looks != 0 {
			t.Errorf("%d looks with no run", looks)
		}
		p := plan(t, 500, machine.Task{ID: "a"})
		for i := range 100 {
			first.start(t, request(p, fmt.Sprint("r", i), 1))
		}
		other.start(t, request(p, "another's", 1))
		if looks, read := w.since(t, time.Minute); looks > 121 || looks < 110 || read != 0 {
			t.Errorf("%d looks in a minute, %d orders read, want 120 and none", looks, read)
		}
		for _, run := range []string{"r7", "another's"} {
			if err := st.PutAsk(context.Background(), run, machine.Event{At: time.Now(), Fact: machine.CancelAsked{By: "ann"}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, read := w.since(t, time.Second); read != 1 {
			t.Errorf("%d orders read, want that of r7 alone, once", read)
		}
		first.wait(t, "r7", machine.RunCancelled)
		other.wait(t, "another's", machine.RunCancelled)
		if asked, err := st.AskedRuns(t.Context()); err != nil || len(asked) > 0 {
			t.Errorf("orders of %v stay (%v)", asked, err)
		}
		time.Sleep(8 * time.Hour) // 16 at once
		synctest.Wait()
		if looks, _ := w.since(t, time.Minute); looks != 0 {
			t.Errorf("%d looks once all runs are over", looks)
		}
	})
}

// An order that was left while nobody drove its run is heard at once by whoever goes on with it.
func TestAnOrderThatWaitedIsHeardAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, l := mem.New(), &locks{held: map[string]bool{}}
		first := newHouse(t, st, l)
		first.hands.takes["a"] = time.Hour
		first.start(t, request(plan(t, 16, machine.Task{ID: "a"}), "r", 1))
		synctest.Wait()
		first.Close()
		delete(l.held, "r") // as the kernel does
		if err := st.PutAsk(t.Context(), "r", machine.Event{At: time.Now(), Fact: machine.CancelAsked{By: "ann"}}); err != nil {
			t.Fatal(err)
		}
		second := newHouse(t, st, l)
		second.hands.takes["a"] = time.Hour
		begin := time.Now()
		if err := second.Resume(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		second.wait(t, "r", machine.RunCancelled)
		if d := time.Since(begin); d > 100*time.Millisecond {
			t.Errorf("it was heard after %s", d)
		}
		time.Sleep(2 * time.Hour)
	})
}
