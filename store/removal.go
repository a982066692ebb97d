package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"weft/machine"
)

// ErrGoing: a run of that id, or of that logical date, is being removed and not quite gone.
var ErrGoing = errors.New("is being removed")

// Removals is how runs leave the store, and plans that no run needs.
//
// A run goes in two steps, so that what lies elsewhere (values, logs) can go between them: MarkGoing
// hides it from every other call as if it were gone, for good; Delete ends it. Whoever finds marked
// runs after a crash goes on where that was cut off.
type Removals interface {
	// MarkGoing marks a run that is over, durable on return. run is the row as the caller has seen
	// it: ErrGap if it is another by now, or if orders wait that are no cancels. ErrNotFound if the
	// run is not known, or is marked already.
	MarkGoing(ctx context.Context, run Run) error
	// Going lists the marked runs, in the order of ListRuns.
	Going(ctx context.Context) ([]Run, error)
	// ReadGoing is Read for a marked run.
	ReadGoing(ctx context.Context, run string) ([]Record, error)
	// Delete removes marked runs with their journals and orders, in one transaction, durable on
	// return. What is not there, or is not marked, is left as it is: that is no error.
	Delete(ctx context.Context, runs ...string) error

	// IdlePlans lists the plans that no run refers to: no row, no journal, no order.
	IdlePlans(ctx context.Context) ([]IdlePlan, error)
	// MarkIdle notes since when plans are idle, where that is not noted. PutPlan ends it.
	MarkIdle(ctx context.Context, hashes []string, since time.Time) error
	// DropPlans removes those of the plans that have been marked idle at a moment or before it, and
	// returns how many those were. The caller has them from IdlePlans: only PutPlan, which takes
	// the mark away, comes before a new reference.
	DropPlans(ctx context.Context, hashes []string, marked time.Time) (int, error)

	// Compact gives room that was freed back to the disk, where that is worth it, in steps so short
	// that no other process waits long. It returns how many bytes.
	Compact(ctx context.Context) (int64, error)
}

// An IdlePlan is a plan that no run refers to.
type IdlePlan struct {
	Hash  string
	Bytes int64
	Since time.Time // when it was first found so; zero = just now
}

// MayGo says what every store refuses to mark: is is the row as it stands, seen the caller's, orders
// those that wait for the run.
func MayGo(is, seen Run, orders []machine.Event) error {
	doing := "cannot remove run " + is.ID
	switch {
	case !is.State.Terminal() || is.FinishedAt.IsZero():
		return fmt.Errorf("%s: it is not over: %w", doing, ErrGap)
	case is.State != seen.State || !is.FinishedAt.Equal(seen.Kept().FinishedAt):
		return fmt.Errorf("%s: it is another than it was: %w", doing, ErrGap)
	}
	for _, ev := range orders {
		if _, void := ev.Fact.(machine.CancelAsked); !void { // a cancel that found the run over
			return fmt.Errorf("%s: an order waits for it: %w", doing, ErrGap)
		}
	}
	return nil
}

var planNamed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"plan":"([0-9a-f]{32})"`) })

// PlansNamed returns the plans that an event, as it is stored, may name. It reads text, not JSON: one
// too many keeps a plan, one too few would lose it.
func PlansNamed(event []byte) []string {
	var out []string
	for _, m := range planNamed().FindAllSubmatch(event, -1) {
		out = append(out, string(m[1]))
	}
	return out
}
