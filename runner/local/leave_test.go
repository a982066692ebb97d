package local

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/store/mem"
)

// A keeper is an executor that notes, whenever it is told to leave, how its run's journal ends.
type keeper struct {
	Executor
	st    *mem.Store
	slow  time.Duration
	ended []string
}

func (k *keeper) Attempt(_ context.Context, _ machine.Order, done func(machine.Outcome)) {
	done(machine.Outcome{State: machine.Success})
}

func (k *keeper) Leave(run string) error {
	time.Sleep(k.slow)
	recs, err := k.st.Read(context.Background(), run)
	if err == nil {
		k.ended = append(k.ended, recs[len(recs)-1].Event.Name())
	}
	return errors.Join(err, errors.New("the folder is not empty")) // which ends no run
}

// What a run's attempts shared is gone before its end is recorded: whenever weft is killed, either
// nothing is left or the run is not over, and whoever goes on with it tidies up.
func TestNothingIsLeftOnceTheEndIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := mem.New()
		k := &keeper{st: st, slow: time.Minute}
		e := New(Config{Store: st, Worker: &Crew{Exec: k, Store: st}, Clock: clock.Real, Locks: &locks{held: map[string]bool{}}})
		defer e.Close()
		if _, err := e.Start(t.Context(), request(plan(t, 16, machine.Task{ID: "a"}), "r", 1)); err != nil {
			t.Fatal(err)
		}
		if sum, err := e.Wait(t.Context(), "r"); err != nil || sum.State != machine.RunSuccess {
			t.Fatalf("the run is %s (%v)", sum.State, err)
		}
		if len(k.ended) != 1 || k.ended[0] != "run_decided" {
			t.Errorf("told to leave after %q", k.ended)
		}
	})
}
