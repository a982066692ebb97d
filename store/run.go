package store

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/machine"
)

// RunTypes are the types a run may have. Of the dated ones, scheduled and backfill, a DAG has at
// most one run for a logical date.
var RunTypes = []string{"manual", "scheduled", "backfill"}

var runStates = []machine.RunState{
	machine.RunQueued, machine.RunRunning, machine.RunSuccess, machine.RunFailed, machine.RunCancelled,
}

// RunID is the run's id in its DAG; ID is its machine.RunKey.
func (r Run) RunID() string { return strings.TrimPrefix(r.ID, r.DAG+"/") }

// Dated tells whether the run is the only one of its DAG for its logical date.
func (r Run) Dated() bool { return r.Type == "scheduled" || r.Type == "backfill" }

// Kept returns the run as every store keeps it: times in UTC to the microsecond, Tasks a map of its
// own, nil if empty.
func (r Run) Kept() Run {
	for _, t := range []*time.Time{&r.LogicalDate, &r.CreatedAt, &r.StartedAt, &r.FinishedAt} {
		*t = time.UnixMicro(t.UnixMicro()).UTC()
	}
	if r.Tasks = maps.Clone(r.Tasks); len(r.Tasks) == 0 {
		r.Tasks = nil
	}
	return r
}

// Check says what every store refuses in a run's row. What the machine knows better, as which
// state may follow which, is not asked here.
func (r Run) Check() error {
	switch {
	case r.ID == "":
		return errors.New("cannot keep a run without an id")
	case r.DAG == "":
		return fmt.Errorf("cannot keep run %s: it names no DAG", r.ID)
	case !slices.Contains(RunTypes, r.Type):
		return fmt.Errorf("cannot keep run %s: its type is %q, not one of %s", r.ID, r.Type, strings.Join(RunTypes, ", "))
	case !slices.Contains(runStates, r.State):
		return fmt.Errorf("cannot keep run %s: %q is not the state of a run", r.ID, r.State)
	case !r.FinishedAt.IsZero() && !r.State.Terminal():
		return fmt.Errorf("cannot keep run %s: it is %s, yet has an end", r.ID, r.State)
	}
	return nil
}

// Newest orders runs as lists show them: by logical date, then creation, then id, the newest first.
// It is 0 only for two rows of one run.
func Newest(a, b Run) int {
	return cmp.Or(b.LogicalDate.Compare(a.LogicalDate), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// Match tells whether the filter chooses the run; Limit aside.
func (f Filter) Match(r Run) bool {
	return (f.DAG == "" || f.DAG == r.DAG) &&
		(len(f.States) == 0 || slices.Contains(f.States, r.State)) &&
		(len(f.Types) == 0 || slices.Contains(f.Types, r.Type)) &&
		(f.Before.IsZero() || r.LogicalDate.Before(f.Before))
}
