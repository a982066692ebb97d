package storetest

import (
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

// calendar holds runs whose ids tell what they are: DAG, type, logical day, state. In the order of
// lists; they are created the other way round.
var calendar = []string{
	"e-manual-09-queued",
	"d-manual-05-failed", // same date and moment of creation as the next: then the id decides
	"d-backfill-05-failed",
	"e-scheduled-04-success",
	"d-scheduled-04-running",
	"d-manual-03-cancelled",
	"d-scheduled-02-success",
	"d-backfill-01-success",
}

func calendarRun(id string) store.Run {
	parts := strings.Split(id, "-")
	run := aRun(id)
	run.DAG, run.Type, run.State = parts[0], parts[1], machine.RunState(parts[3])
	run.LogicalDate, _ = time.Parse("2006-01-02", "2026-01-"+parts[2])
	return run
}

var lists = []story{
	{"an empty store lists nothing", func(t *testing.T, s store.Store) {
		got, err := s.ListRuns(t.Context(), store.Filter{DAG: "d", States: []machine.RunState{machine.RunRunning}})
		fine(t, err)
		same(t, len(got), 0)
	}},
	{"of each DAG its newest run", func(t *testing.T, s store.Store) {
		got, err := s.LastRuns(t.Context())
		fine(t, err)
		same(t, len(got), 0)
		for i := len(calendar) - 1; i >= 0; i-- {
			created(t, s, calendarRun(calendar[i]))
		}
		got, err = s.LastRuns(t.Context())
		fine(t, err)
		same(t, len(got), 2)
		same(t, got[0].ID, "d-manual-05-failed")
		same(t, got[1].ID, "e-manual-09-queued")
	}},
	{"filters choose, the newest first", func(t *testing.T, s store.Store) {
		for i := len(calendar) - 1; i >= 0; i-- {
			created(t, s, calendarRun(calendar[i]))
		}
		date := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
		for _, c := range []struct {
			name   string
			filter store.Filter
			want   []int // positions in calendar
		}{
			{"all", store.Filter{}, []int{0, 1, 2, 3, 4, 5, 6, 7}},
			{"one DAG", store.Filter{DAG: "e"}, []int{0, 3}},
			{"a DAG that is not there", store.Filter{DAG: "f"}, nil},
			{"those alive", store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}}, []int{0, 4}},
			{"a DAG's alive", store.Filter{DAG: "d", States: []machine.RunState{machine.RunRunning, machine.RunQueued}}, []int{4}},
			{"some alive, some over", store.Filter{States: []machine.RunState{machine.RunRunning, machine.RunCancelled}}, []int{4, 5}},
			{"of one type", store.Filter{Types: []string{"manual"}}, []int{0, 1, 5}},
			{"of two types", store.Filter{DAG: "d", Types: []string{"scheduled", "backfill"}}, []int{2, 4, 6, 7}},
			{"earlier than a date, which is not in it", store.Filter{Before: date(4)}, []int{5, 6, 7}},
			{"earlier by a microsecond", store.Filter{Before: date(4).Add(time.Microsecond)}, []int{3, 4, 5, 6, 7}},
			{"the newest two", store.Filter{Limit: 2}, []int{0, 1}},
			{"fewer than the limit", store.Filter{DAG: "e", Limit: 9}, []int{0, 3}},
			{"the newest that ended well before", store.Filter{
				DAG: "d", Types: []string{"scheduled", "backfill"}, States: []machine.RunState{machine.RunSuccess}, Before: date(4), Limit: 1,
			}, []int{6}},
		} {
			got, err := s.ListRuns(t.Context(), c.filter)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			want := []string{}
			for _, i := range c.want {
				want = append(want, calendar[i])
			}
			t.Run(c.name, func(t *testing.T) { same(t, ids(got), want) })
		}
	}},
	{"creation decides where the date does not", func(t *testing.T, s store.Store) {
		for i, id := range []string{"second", "first", "third"} {
			run := aRun(id)
			run.CreatedAt = day.Add(time.Duration([]int{2, 1, 3}[i]) * time.Microsecond)
			created(t, s, run)
		}
		got, err := s.ListRuns(t.Context(), store.Filter{})
		fine(t, err)
		same(t, ids(got), []string{"third", "second", "first"})
	}},
	{"a run that moves on is listed where it is now", func(t *testing.T, s store.Store) {
		created(t, s, aRun("r"))
		list := func(state machine.RunState) []string {
			got, err := s.ListRuns(t.Context(), store.Filter{DAG: "d", States: []machine.RunState{state}})
			fine(t, err)
			return ids(got)
		}
		for i, state := range []machine.RunState{machine.RunSuccess, machine.RunRunning, machine.RunFailed} {
			row := aRun("r")
			row.State = state
			fine(t, appended(s, "r", recs(uint64(i)+2, 1), &row))
			same(t, list(state), []string{"r"})
		}
		same(t, list(machine.RunRunning), []string{})
		same(t, list(machine.RunSuccess), []string{})
	}},
}
