// Package retention lets go what is old: runs with all that is theirs, environments that nobody has
// used, and what crashes have left. First it says what would go (Plan), then, asked to, it has it go
// (Carry).
//
// A run goes whole: marked in the store, so that nobody sees it any more; then its values, its logs,
// and last its journal and row in one transaction. Whatever is cut off in between, the next plan has
// it, and goes on. Nothing is touched without the lock of its run.
//
// Absent on purpose: what tasks have put elsewhere themselves, into the sandbox too, is theirs; and in
// a handoff that is not the home's own folder nothing is taken for left over, since another home may
// share it.
package retention

import (
	"cmp"
	"slices"
	"time"

	"weft/store"
)

// A Policy says what is old.
type Policy struct {
	OlderThan time.Duration // since a run's end, since the last use of an environment
	Keep      int           // the newest runs of each DAG, which stay however old
	DAG       string        // "" = all; else runs of this DAG go, and nothing else
}

// choose returns the runs that may go, the one that ended first at the front. rows are all there
// are, in the order of store.Newest.
func choose(rows []store.Run, p Policy, before time.Time) []store.Run {
	kept := map[string]bool{}
	byDAG := map[string][]store.Run{}
	for _, r := range rows {
		byDAG[r.DAG] = append(byDAG[r.DAG], r)
	}
	for _, of := range byDAG {
		keepNeeded(kept, of)
		keepNewest(kept, of, p.Keep)
	}
	var out []store.Run
	for _, r := range rows {
		if over(r) && !r.FinishedAt.After(before) && !kept[r.ID] && (p.DAG == "" || p.DAG == r.DAG) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b store.Run) int {
		return cmp.Or(a.FinishedAt.Compare(b.FinishedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// over tells whether a run has ended: its verdict is given, and its callbacks have run.
func over(r store.Run) bool { return r.State.Terminal() && !r.FinishedAt.IsZero() }

// keepNeeded keeps the runs of a DAG that what is still to come asks for: its newest scheduled run
// (@once has had its run; the next tick is counted from it), the newest that is not manual, and of
// each such run that is not over the one before it (depends_on_past).
func keepNeeded(kept map[string]bool, runs []store.Run) {
	first := func(is func(store.Run) bool) {
		if i := slices.IndexFunc(runs, is); i >= 0 {
			kept[runs[i].ID] = true
		}
	}
	first(func(r store.Run) bool { return r.Type == "scheduled" })
	first(store.Run.Dated)
	pending := false
	for _, r := range runs {
		if !r.Dated() {
			continue
		}
		if pending {
			kept[r.ID] = true
		}
		pending = !over(r)
	}
}

// keepNewest keeps the runs of a DAG that were created last.
func keepNewest(kept map[string]bool, runs []store.Run, keep int) {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b store.Run) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for _, r := range runs[:min(keep, len(runs))] {
		kept[r.ID] = true
	}
}
