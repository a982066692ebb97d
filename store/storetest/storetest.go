// Package storetest is the suite that every store must pass: what store.Store promises, one story
// a promise. A new promise is a new line in one of its tables.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

// A story is one promise and how it is put to the test, on a store of its own.
type story struct {
	name string
	tell func(t *testing.T, s store.Store)
}

// Run holds a store to its contract. open makes an empty one whose appends become durable by
// themselves; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, group := range []struct {
		name    string
		stories []story
	}{
		{"journal", journal},
		{"together", together},
		{"runs", runs},
		{"list", lists},
		{"plans", plans},
		{"asks", asks},
		{"removal", removal},
		{"schedules", ofAStore(schedules)},
		{"end", end},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, st := range group.stories {
				t.Run(st.name, func(t *testing.T) {
					s := open(t)
					t.Cleanup(func() { _ = s.Close() })
					st.tell(t, s)
				})
			}
		})
	}
}

var (
	day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	// odd has more digits than a store keeps, and is far from UTC.
	odd = time.Date(2026, 3, 29, 2, 30, 0, 123456789, time.FixedZone("far", 5*3600+45*60))
)

// aRun is a manual run of DAG "d" that has just begun.
func aRun(id string) store.Run {
	return store.Run{
		ID: id, DAG: "d", Type: "manual", LogicalDate: day, State: machine.RunRunning,
		Plan: "0123456789abcdef0123456789abcdef", Dir: "/dags", CreatedAt: day, StartedAt: day,
	}
}

func started(id string) machine.Event {
	return machine.Event{At: day, Fact: machine.RunStarted{
		Rules: machine.Rules, DAG: "d", Run: id, RunType: "manual",
		LogicalDate: day, IntervalStart: day, IntervalEnd: day, DS: "2026-01-02",
	}}
}

// recs numbers n events from seq on, each another.
func recs(seq uint64, n int) []store.Record {
	out := make([]store.Record, n)
	for i := range out {
		at := seq + uint64(i)
		out[i] = store.Record{Seq: at, Event: machine.Event{
			At:   day.Add(time.Duration(at) * time.Second),
			Fact: machine.TimerFired{Timer: fmt.Sprintf("timer-%d", at)},
		}}
	}
	return out
}

// created makes a run with one record.
func created(t *testing.T, s store.Store, run store.Run) {
	t.Helper()
	if err := s.Create(t.Context(), run, []store.Record{{Seq: 1, Event: started(run.ID)}}); err != nil {
		t.Fatal(err)
	}
}

// appended waits for an append's answer.
func appended(s store.Store, run string, recs []store.Record, update *store.Run) error {
	answer := make(chan error, 1)
	s.Append(run, recs, update, func(err error) { answer <- err })
	select {
	case err := <-answer:
		return err
	case <-time.After(time.Minute):
		return errors.New("done was not called within a minute")
	}
}

func read(t *testing.T, s store.Store, run string) []store.Record {
	t.Helper()
	out, err := s.Read(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func seqs(recs []store.Record) []uint64 {
	var out []uint64
	for _, r := range recs {
		out = append(out, r.Seq)
	}
	return out
}

func ids(runs []store.Run) []string {
	out := []string{}
	for _, r := range runs {
		out = append(out, r.ID)
	}
	return out
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
