package mem_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
	"weft/store/mem"
)

var day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func recs(seq uint64, n int) []store.Record {
	out := make([]store.Record, n)
	for i := range out {
		at := seq + uint64(i)
		out[i] = store.Record{Seq: at, Event: machine.Event{At: day, Fact: machine.TimerFired{Timer: strconv.Itoa(int(at))}}}
	}
	return out
}

// A line of a story: what is done to the store, what the dones said since the line before, and how
// many records of run "r" can be read after it.
type line struct {
	do    func(*told)
	dones []string
	read  int
}

// told is a held store with one run of one record, and what its dones have said.
type told struct {
	*mem.Store
	said []string
}

func (s *told) append(name string, seq uint64, n int) {
	s.Append("r", recs(seq, n), nil, func(err error) {
		switch {
		case err == nil:
			name += " durable"
		case errors.Is(err, store.ErrGap):
			name += " refused"
		default:
			name += " failed"
		}
		s.said = append(s.said, name)
	})
}

func appends(name string, seq uint64, n int) func(*told) {
	return func(s *told) { s.append(name, seq, n) }
}

var (
	flush   = func(s *told) { s.Flush() }
	fail    = func(s *told) { s.Fail(errors.New("no space")) }
	crash   = func(torn int) func(*told) { return func(s *told) { s.Crash(torn) } }
	persist = func(n int) func(*told) { return func(s *told) { s.Persist(n) } }
)

func TestHeld(t *testing.T) {
	for name, story := range map[string][]line{
		"appends wait for the flush": {
			{appends("a", 2, 2), nil, 1},
			{appends("b", 4, 1), nil, 1},
			{flush, []string{"a durable", "b durable"}, 4},
			{flush, nil, 4},
		},
		"one that is refused harms no neighbour": {
			{appends("a", 2, 1), nil, 1},
			{appends("b", 9, 1), nil, 1},
			{appends("c", 3, 1), nil, 1},
			{flush, []string{"a durable", "b refused", "c durable"}, 3},
		},
		"a crash forgets what was not flushed": {
			{appends("a", 2, 1), nil, 1},
			{flush, []string{"a durable"}, 2},
			{appends("b", 3, 1), nil, 2},
			{crash(0), nil, 2},
			{flush, nil, 2},
			{appends("c", 3, 1), nil, 2},
			{flush, []string{"c durable"}, 3},
		},
		"a torn append is not seen, and the next one takes its place": {
			{appends("a", 2, 3), nil, 1},
			{crash(2), nil, 1},
			{appends("b", 2, 2), nil, 1},
			{flush, []string{"b durable"}, 3},
		},
		"torn at its very end it is torn all the same": {
			{appends("a", 2, 3), nil, 1},
			{crash(3), nil, 1},
			{appends("b", 2, 1), nil, 1},
			{crash(9), nil, 1},
		},
		"an append may be durable and nobody was told": {
			{appends("a", 2, 1), nil, 1},
			{appends("b", 3, 2), nil, 1},
			{persist(1), nil, 2},
			{crash(1), nil, 2},
			{flush, nil, 2},
			{appends("b again", 3, 2), nil, 2},
			{flush, []string{"b again durable"}, 4},
		},
		"a flush that fails keeps nothing, the next one works": {
			{appends("a", 2, 1), nil, 1},
			{appends("b", 3, 1), nil, 1},
			{fail, nil, 1},
			{flush, []string{"a failed", "b failed"}, 1},
			{appends("a", 2, 1), nil, 1},
			{flush, []string{"a durable"}, 2},
		},
		"a flush of nothing does not use the failure up": {
			{fail, nil, 1},
			{flush, nil, 1},
			{appends("a", 2, 1), nil, 1},
			{flush, []string{"a failed"}, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &told{Store: mem.NewHeld()}
			row := store.Run{ID: "r", DAG: "d", Type: "manual", State: machine.RunRunning, LogicalDate: day, CreatedAt: day}
			if err := s.Create(t.Context(), row, recs(1, 1)); err != nil {
				t.Fatal(err)
			}
			for i, l := range story {
				s.said = nil
				l.do(s)
				got, err := s.Read(t.Context(), "r")
				if err != nil || len(got) != l.read {
					t.Errorf("line %d: %d records can be read, want %d (%v)", i, len(got), l.read, err)
				}
				if !slices.Equal(s.said, l.dones) {
					t.Errorf("line %d: the dones said %q, want %q", i, s.said, l.dones)
				}
			}
		})
	}
}

// What a done appends waits for the next flush: a step of the simulation ends.
func TestADoneThatAppendsWaits(t *testing.T) {
	s := mem.NewHeld()
	row := store.Run{ID: "r", DAG: "d", Type: "manual", State: machine.RunRunning}
	if err := s.Create(t.Context(), row, nil); err != nil {
		t.Fatal(err)
	}
	s.Append("r", recs(1, 1), nil, func(error) {
		s.Append("r", recs(2, 1), nil, func(error) {})
		if n := s.Flush(); n != 0 {
			t.Errorf("a flush within a flush wrote %d", n)
		}
	})
	if n, left := s.Flush(), s.Pending(); n != 1 || left != 1 {
		t.Errorf("flushed %d, %d wait", n, left)
	}
}

// Writes that wait for their answer fail by the same switch.
func TestFailedCreateLeavesNothing(t *testing.T) {
	s := mem.NewHeld()
	full := errors.New("no space")
	row := store.Run{ID: "r", DAG: "d", Type: "scheduled", State: machine.RunRunning}
	s.Fail(full)
	if err := s.Create(t.Context(), row, nil); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if err := s.Create(t.Context(), row, nil); err != nil {
		t.Errorf("the second time: %v", err)
	}
}
