package temporal

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
)

// How much is kept of runs that are over. Of those that go on everything is.
const (
	keptRuns  = 1000   // those that ended last: as many that succeeded, and as many that did not
	keptTasks = 10_000 // states of their tasks, for depends_on_past
	keptBy    = 20     // of one run: by whom it was begun again
)

// An Index is the runs of one DAG: those that go on, each at its place in its line, and those that ended last. A line is
// what one max_active_runs bounds together: the runs of backfills, or all others.
type Index struct {
	Runs []*Known `json:"runs,omitempty"`
	Came uint64   `json:"came,omitempty"` // numbers given
	// Admitted are runs that were let in and have not been told.
	Admitted []string `json:"admitted,omitempty"`
}

// A Known is a run of the index.
type Known struct {
	store.Run
	// Came is a number that rises with each arrival, of whichever run: one that comes again has another.
	Came uint64 `json:"came"`
	At   string `json:"at,omitempty"`  // its place in the line; see atWork
	Max  int    `json:"max,omitempty"` // max_active_runs of its plan; 0 = no bound
	// By are those who had it begin again after it was over; the newest last.
	By []string `json:"by,omitempty"`
}

// Places in a line.
const (
	atHome = ""     // it is over
	atWork = "work" // admitted
	atHeld = "held" // it waits
)

// A Holder is somebody who must be let go of when their workflow is gone.
type Holder struct {
	Workflow string `json:"workflow"` // id
	N        uint64 `json:"n"`        // what has a higher number came later
}

// A Gone is a holder whose workflow is not there any more.
type Gone struct {
	Holder
	State machine.RunState `json:"state"`
	At    time.Time        `json:"at"`
}

func (ix *Index) find(run string) *Known {
	for _, k := range ix.Runs {
		if k.ID == run {
			return k
		}
	}
	return nil
}

// A Turn is one thing that happens in a line.
type Turn struct {
	Arrive *wire.Arrival   `json:"arrive,omitempty"`
	Leave  *wire.Departure `json:"leave,omitempty"`
}

// Take has several things happen, one after another, and answers where those that arrived stand.
func (ix *Index) Take(turns []Turn, now time.Time) []wire.Place {
	out := make([]wire.Place, len(turns))
	for i, t := range turns {
		if t.Arrive != nil {
			out[i] = ix.Arrive(*t.Arrive, now)
		}
		if t.Leave != nil {
			ix.Leave(*t.Leave, now)
		}
	}
	return out
}

// Arrive puts a run in its line. One that has come already stands where it stood. One that had begun, was over and goes
// on does not wait, as it does not on one machine either.
func (ix *Index) Arrive(a wire.Arrival, now time.Time) wire.Place {
	k := ix.find(a.Run)
	switch {
	case k == nil:
		k = &Known{Run: store.Run{
			ID: a.Run, DAG: a.DAG, Type: a.Type, LogicalDate: kept(a.LogicalDate), State: machine.RunQueued,
			Plan: a.Plan, Dir: a.Dir, CreatedAt: kept(a.CreatedAt),
		}}
		if k.Type == "" {
			k.Type = "manual"
		}
		ix.Runs = append(ix.Runs, k)
		k.At, k.Max = atHeld, a.Max
		if !ix.full(k) {
			ix.admit(k, now)
		}
	case k.At == atHome:
		k.At, k.State, k.FinishedAt, k.Tasks = atWork, machine.RunRunning, time.Time{}, nil
		k.Plan, k.Dir, k.Max = a.Plan, a.Dir, a.Max
	default:
		return wire.Place{Admitted: k.At == atWork}
	}
	ix.Came++
	k.Came = ix.Came
	if a.By != "" && !slices.Contains(k.By, a.By) {
		k.By = newest(append(k.By, a.By), keptBy)
	}
	return wire.Place{Admitted: k.At == atWork}
}

func (ix *Index) admit(k *Known, now time.Time) {
	k.At, k.State, k.StartedAt = atWork, machine.RunRunning, kept(now)
}

// sameLine tells whether one max_active_runs bounds both.
func (k *Known) sameLine(o *Known) bool { return (k.Type == "backfill") == (o.Type == "backfill") }

// full tells whether a run's line has as many at work as its plan allows.
func (ix *Index) full(k *Known) bool {
	if k.Max == 0 {
		return false
	}
	n := 0
	for _, o := range ix.Runs {
		if o.At == atWork && o.sameLine(k) {
			n++
		}
	}
	return n >= k.Max
}

// Leave takes a run out that is over, and lets in who has waited for its place.
func (ix *Index) Leave(d wire.Departure, now time.Time) {
	k := ix.find(d.Run)
	if k == nil { // what was remembered of it is lost
		k = &Known{Run: store.Run{ID: d.Run, DAG: d.DAG, Type: d.Type, CreatedAt: kept(d.StartedAt), LogicalDate: kept(d.StartedAt)}}
		if at, ok := LogicalOf(d.Run); ok {
			k.LogicalDate = at
		}
		ix.Runs = append(ix.Runs, k)
	}
	ix.out(k, d.State, d.FinishedAt, now)
	if !d.StartedAt.IsZero() {
		k.StartedAt = kept(d.StartedAt)
	}
	if k.Tasks = maps.Clone(d.Tasks); len(k.Tasks) == 0 {
		k.Tasks = nil
	}
	ix.trim()
}

// Lost takes out runs whose workflows are gone, unless they have come again since.
func (ix *Index) Lost(gone []Gone, now time.Time) {
	for _, g := range gone {
		k := ix.find(runOf(g.Workflow))
		if k != nil && k.At != atHome && k.Came <= g.N {
			ix.out(k, g.State, g.At, now)
		}
	}
	ix.trim()
}

func (ix *Index) out(k *Known, state machine.RunState, at, now time.Time) {
	k.At, k.State, k.FinishedAt = atHome, state, kept(at)
	if at.IsZero() {
		k.FinishedAt = kept(now)
	}
	ix.Admitted = slices.DeleteFunc(ix.Admitted, func(run string) bool { return run == k.ID })
	for {
		first := ix.firstHeld(k)
		if first == nil || ix.full(first) {
			return
		}
		ix.admit(first, now)
		ix.Admitted = append(ix.Admitted, first.ID)
	}
}

// firstHeld is who is next in a run's line: by logical date, then as they came.
func (ix *Index) firstHeld(of *Known) (first *Known) {
	for _, k := range ix.Runs {
		if k.At != atHeld || !k.sameLine(of) {
			continue
		}
		if first == nil || cmp.Or(k.LogicalDate.Compare(first.LogicalDate), cmp.Compare(k.Came, first.Came)) < 0 {
			first = k
		}
	}
	return first
}

// Told forgets that a run is to be told that it may begin.
func (ix *Index) Told(run string) {
	ix.Admitted = slices.DeleteFunc(ix.Admitted, func(r string) bool { return r == run })
}

// trim forgets what is too much: of runs that are over those that ended first.
func (ix *Index) trim() {
	var over []*Known
	for _, k := range ix.Runs {
		if k.At == atHome {
			over = append(over, k)
		}
	}
	slices.SortFunc(over, func(a, b *Known) int {
		return cmp.Or(b.FinishedAt.Compare(a.FinishedAt), cmp.Compare(b.Came, a.Came))
	})
	tasks, well, ill := 0, 0, 0
	drop := map[*Known]bool{}
	for _, k := range over {
		if tasks += len(k.Tasks); tasks > keptTasks {
			k.Tasks = nil
		}
		n := &ill // what failed is looked for longer
		if k.State == machine.RunSuccess {
			n = &well
		}
		if *n++; *n > keptRuns {
			drop[k] = true
		}
	}
	if len(drop) > 0 {
		ix.Runs = slices.DeleteFunc(ix.Runs, func(k *Known) bool { return drop[k] })
	}
}

// Going are the runs that are not over.
func (ix *Index) Going() (out []Holder) {
	for _, k := range ix.Runs {
		if k.At != atHome {
			out = append(out, Holder{Workflow: wire.RunID(k.ID), N: k.Came})
		}
	}
	return out
}

// An Asked chooses runs of a DAG: by the filter, or one by its id.
type Asked struct {
	store.Filter
	Run string `json:"run,omitempty"`
}

// List are the runs that are asked for, newest first.
func (ix *Index) List(a Asked) []Known {
	out := []Known{}
	for _, k := range ix.Runs {
		if a.Run != "" && k.ID != a.Run || a.Run == "" && !a.Match(k.Run) {
			continue
		}
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b Known) int { return store.Newest(a.Run, b.Run) })
	return head(out, a.Limit)
}

// An Earlier is the newest earlier run that is not manual; Run "": there is none.
type Earlier struct {
	Run   string         `json:"run,omitempty"`
	State *machine.State `json:"state,omitempty"` // of the task; nil: the run's workflow must be asked
}

// Past finds the run on which a task's depends_on_past hangs.
func (ix *Index) Past(p wire.Past) Earlier {
	var last *Known
	for _, k := range ix.Runs {
		if k.Dated() && k.LogicalDate.Before(p.LogicalDate) && (last == nil || store.Newest(k.Run, last.Run) < 0) {
			last = k
		}
	}
	if last == nil {
		return Earlier{}
	}
	out := Earlier{Run: last.ID}
	if state, known := last.Tasks[p.Task]; known {
		out.State = &state
	}
	return out
}

// LogicalOf is the logical date that the id of a dated run tells.
func LogicalOf(run string) (time.Time, bool) {
	at := strings.LastIndex(run, "__")
	if at < 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, run[at+2:])
	return t.UTC(), err == nil
}
