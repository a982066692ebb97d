package local

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/runner"
)

// A street is walkers, and what they have told.
type street struct {
	walkers
	mu   sync.Mutex
	told []string
}

// send has a poke carried out that takes a while.
func (s *street) poke(ctx context.Context, name string, takes time.Duration, res runner.PokeResult) {
	s.send(&errand{
		ctx: ctx, end: func() {},
		ask: func(ctx context.Context, _ machine.Order, _ int, _ time.Time) runner.PokeResult {
			if takes > 0 {
				select {
				case <-time.After(takes):
				case <-ctx.Done():
				}
			}
			return res
		},
		done: func(res runner.PokeResult) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if res.Done {
				name += " " + res.Outcome.State.String() + " " + res.Outcome.Error
			}
			s.told = append(s.told, name)
		},
	})
}

func (s *street) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return slices.Sorted(slices.Values(told))
}

func TestAPokeThatHangsHoldsUpNobody(t *testing.T) {
	for hanging := range 5 { // its place among those that do not
		synctest.Test(t, func(t *testing.T) {
			var s street
			var want []string
			for i := range 5 {
				name, takes := fmt.Sprintf("poke %d", i), time.Duration(0)
				if i == hanging {
					name, takes = "it hung", time.Hour
				} else {
					want = append(want, name)
				}
				s.poke(t.Context(), name, takes, runner.PokeResult{})
			}
			synctest.Wait()
			if got := s.heard(); !slices.Equal(got, want) {
				t.Errorf("with one that hangs at %d: told %q, want %q", hanging, got, want)
			}
			s.poke(t.Context(), "late", 0, runner.PokeResult{})
			synctest.Wait()
			if got := s.heard(); !slices.Equal(got, []string{"late"}) {
				t.Errorf("told %q", got)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := s.heard(); !slices.Equal(got, []string{"it hung"}) || s.coming != 0 {
				t.Errorf("told %q, %d walkers are coming", got, s.coming)
			}
		})
	}
}

func TestPokesThatTakeAWhileAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s street
		begin := time.Now()
		for i := range 64 {
			s.poke(t.Context(), fmt.Sprint(i), time.Second, runner.PokeResult{})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(s.heard()); n != 64 || time.Since(begin) != time.Second || s.coming != 0 {
			t.Errorf("%d of 64 were told after %v, %d walkers are coming", n, time.Since(begin), s.coming)
		}
	})
}

func TestAPokeThatIsStoppedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s street
		for name, cause := range map[string]string{"a": "cancelled", "b": "timeout"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			s.poke(ctx, name, time.Hour, runner.PokeResult{})
			time.Sleep(time.Second)
			cancel(&runner.StopError{Reason: cause})
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		s.poke(ctx, "c", time.Hour, runner.PokeResult{Done: true, Outcome: machine.Outcome{State: machine.Success}})
		cancel(&runner.StopError{Reason: "cancelled"})
		synctest.Wait()
		want := []string{"a failed stopped: cancelled", "b failed stopped: timeout", "c success "}
		if got := s.heard(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// Many walk one street, from many sides, and nothing is asked twice or forgotten.
func TestEveryPokeIsToldOnce(t *testing.T) {
	const senders, each = 8, 500
	var s street
	var sent sync.WaitGroup
	for i := range senders {
		sent.Go(func() {
			for j := range each {
				takes := time.Duration(0)
				if j%50 == 0 {
					takes = time.Millisecond
				}
				s.poke(t.Context(), fmt.Sprintf("%d %d", i, j), takes, runner.PokeResult{})
			}
		})
	}
	sent.Wait()
	seen := map[string]int{}
	for len(seen) < senders*each {
		for _, name := range s.heard() {
			if seen[name]++; seen[name] > 1 {
				t.Fatalf("%s was told twice", name)
			}
		}
		if t.Context().Err() != nil {
			t.Fatalf("%d of %d were told", len(seen), senders*each)
		}
	}
}

// Of sensors that are due one after the other the pokes are put off to one moment; nothing is put off by
// more than a thousandth of its interval, or from a whole second.
func TestPokesAreDueTogether(t *testing.T) {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	for _, c := range []struct {
		what          string
		interval      time.Duration
		due, together time.Duration
	}{
		{"at a whole second", 30 * time.Second, 61 * time.Second, 61 * time.Second},
		{"a little after one, of 30 s", 30 * time.Second, ms(61000.1), ms(61020)},
		{"of a minute", time.Minute, ms(61000.1), ms(61050)},
		{"of a day not more than of a minute", 24 * time.Hour, ms(61000.1), ms(61050)},
		{"of a second", time.Second, ms(1000.1), ms(1001)},
		{"of less: at its moment", 500 * time.Millisecond, ms(1000.1), ms(1000.1)},
		{"on a clock that is behind its zero", 30 * time.Second, ms(-61000.1), ms(-61000)},
	} {
		if got := together(c.due, c.interval); got != c.together {
			t.Errorf("%s: due at %v, want %v", c.what, got, c.together)
		}
	}
}
