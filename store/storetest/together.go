package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"weft/store"
)

// Many at once.
var together = []story{
	{"dones come in the order of the appends, those that fail too", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		const n = 200
		type answer struct {
			i   int
			err error
		}
		answers := make(chan answer, 2*n)
		for i := range n {
			s.Append("r", recs(uint64(i)+2, 1), nil, func(err error) { answers <- answer{2 * i, err} })
			s.Append("r", recs(uint64(i)+2, 1), nil, func(err error) { answers <- answer{2*i + 1, err} }) // a gap
		}
		for i := range 2 * n {
			a := <-answers
			same(t, a.i, i)
			if i%2 == 0 {
				fine(t, a.err)
			} else {
				wants(t, a.err, store.ErrGap)
			}
		}
		same(t, read(t, s, "r")[1:], recs(2, n))
	}},
	{"what is told to be durable can be read", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		for i := range uint64(20) {
			fine(t, appended(s, "r", recs(i+2, 1), nil))
			same(t, len(read(t, s, "r")), int(i)+2)
		}
	}},
	{"a done may append", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		last := make(chan error, 1)
		var next func(seq uint64) func(error)
		next = func(seq uint64) func(error) {
			return func(err error) {
				if err != nil || seq > 50 {
					last <- err
					return
				}
				s.Append("r", recs(seq, 1), nil, next(seq+1))
			}
		}
		next(2)(nil)
		fine(t, <-last)
		same(t, read(t, s, "r")[1:], recs(2, 49))
	}},
	{"of many who write one record of a run, one does, and the others learn of it", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		for round := range uint64(10) {
			same(t, winners(t, 8, store.ErrGap, func(int) error {
				return appended(s, "r", recs(2+3*round, 3), nil)
			}), 1)
		}
		same(t, read(t, s, "r")[1:], recs(2, 30))
	}},
	{"many runs grow at once and do not mix", func(t *testing.T, s store.Store) {
		const many, each = 32, 20
		var all sync.WaitGroup
		errs := make(chan error, many)
		for i := range many {
			all.Go(func() {
				id := fmt.Sprintf("run-%02d", i)
				err := s.Create(t.Context(), aRun(id), []store.Record{{Seq: 1, Event: started(id)}})
				for n := 2; n <= each && err == nil; n++ {
					err = appended(s, id, recs(uint64(n), 1), nil)
				}
				errs <- err
			})
		}
		all.Wait()
		for range many {
			fine(t, <-errs)
		}
		for i := range many {
			id := fmt.Sprintf("run-%02d", i)
			got := read(t, s, id)
			same(t, got[0].Event, started(id))
			same(t, got[1:], recs(2, each-1))
		}
		list, err := s.ListRuns(t.Context(), store.Filter{})
		fine(t, err)
		same(t, len(list), many)
	}},
	{"readers see whole appends while they are written", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		written := make(chan error, 1)
		go func() {
			var err error
			for i := uint64(0); i < 100 && err == nil; i++ {
				err = appended(s, "r", recs(2+3*i, 3), nil)
			}
			written <- err
		}()
		for deadline := time.Now().Add(time.Minute); ; {
			got, err := s.Read(t.Context(), "r")
			fine(t, err)
			if len(got)%3 != 1 {
				t.Fatalf("saw %d records: a part of an append", len(got))
			}
			if len(got) == 301 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the appends did not come to an end within a minute")
			}
		}
		fine(t, <-written)
	}},
	{"of many who create one run, one does", func(t *testing.T, s store.Store) {
		same(t, winners(t, 8, store.ErrExists, func(int) error {
			return s.Create(t.Context(), aRun("r"), []store.Record{{Seq: 1, Event: started("r")}})
		}), 1)
	}},
	{"of many who create a run for one date, one does", func(t *testing.T, s store.Store) {
		same(t, winners(t, 8, store.ErrExists, func(i int) error {
			run := aRun(fmt.Sprintf("r%d", i))
			run.Type = []string{"scheduled", "backfill"}[i%2]
			return s.Create(t.Context(), run, nil)
		}), 1)
		list, err := s.ListRuns(t.Context(), store.Filter{DAG: "d"})
		fine(t, err)
		same(t, len(list), 1)
	}},
}

// winners counts who of n at once has no error; the others must have the one that is wanted.
func winners(t *testing.T, n int, want error, try func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = try(i) })
	}
	all.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, want):
			t.Fatalf("got error %v, want %v", err, want)
		}
	}
	return won
}
