package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/handoff"
	"weft/logs"
	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
	"weft/store/mem"
)

const day = 24 * time.Hour

// now is far ahead of the files that a test writes: what they say of their age is all old.
var now = time.Date(2126, 6, 1, 12, 0, 0, 0, time.UTC)

// A world is a home with a store in memory, and a second handoff beside it that others share.
type world struct {
	t      *testing.T
	home   string
	shared string
	store  *mem.Store
	clock  time.Time
	envs   map[string]Environment
	inUse  map[string]bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	return &world{
		t: t, home: filepath.Join(dir, "home"), shared: filepath.Join(dir, "shared"),
		store: mem.New(), clock: now, envs: map[string]Environment{}, inUse: map[string]bool{},
	}
}

func (w *world) keeper() *Keeper {
	return &Keeper{
		Store: w.store, Lock: w.locks().Lock, Free: w.locks().Free, Driven: func(err error) bool { return errors.Is(err, local.ErrDriven) },
		Logs: logs.New(filepath.Join(w.home, "logs"), 0), Place: handoff.Known().At,
		Handoff: handoff.FileURI(filepath.Join(w.home, "handoff")), Own: filepath.Join(w.home, "handoff"),
		Scratch: Scratch{
			List:   func() (map[string]handoff.Amount, error) { return runner.Scratches(w.home) },
			Alive:  func(run string) (bool, error) { return strings.HasPrefix(run, "haunted"), nil },
			Remove: func(run string) error { return runner.Sweep(w.home, run) },
		},
		Environments: Environments{
			List: func() (out []Environment, err error) {
				for _, e := range w.envs {
					out = append(out, e)
				}
				slices.SortFunc(out, func(a, b Environment) int { return strings.Compare(a.Name, b.Name) })
				return out, nil
			},
			Remove: func(name string, since time.Time) (bool, error) {
				e, is := w.envs[name]
				if !is || w.inUse[name] || !e.Half && e.Used.After(since) {
					return false, nil
				}
				delete(w.envs, name)
				return true, nil
			},
		},
		Now: func() time.Time { return w.clock }, Workers: 1,
	}
}

func (w *world) locks() local.FileLocks { return local.FileLocks{Dir: filepath.Join(w.home, "runs")} }

// A past is how a run was.
type past struct {
	id, dag, kind string
	state         machine.RunState
	ended         time.Duration // before now
	value         string        // of an output in the handoff; "" = none
	shared        bool          // it is in the shared one
	plan          string
}

// lived puts a run into the world with all that it has: journal, plan, log, value.
func (w *world) lived(p past) store.Run {
	w.t.Helper()
	ctx := context.Background()
	if p.dag == "" {
		p.dag = "d"
	}
	if p.kind == "" {
		p.kind = "manual"
	}
	if p.state == "" {
		p.state = machine.RunSuccess
	}
	place := filepath.Join(w.home, "handoff")
	plan := machine.Plan{Format: machine.PlanFormat, DAG: p.dag, Description: p.plan}
	if p.shared {
		place = w.shared
		plan.Handoff = handoff.FileURI(place)
	}
	body, hash := plan.Encode()
	w.fine(w.store.PutPlan(ctx, hash, body))
	at := w.clock.Add(-p.ended)
	run := store.Run{ID: p.id, DAG: p.dag, Type: p.kind, State: p.state, Plan: hash, Dir: "/dags", LogicalDate: at, CreatedAt: at, StartedAt: at}
	if p.state.Terminal() {
		run.FinishedAt = at
	}
	outcome := machine.Outcome{State: machine.Success}
	if p.value != "" {
		b, err := handoff.Known().At(handoff.FileURI(place))
		w.fine(err)
		ref, err := b.Put(ctx, p.dag+"/"+p.id+"/t/-/1/output.json", strings.NewReader(p.value), int64(len(p.value)))
		w.fine(err)
		outcome.Ref = &ref
	}
	w.fine(w.store.Create(ctx, run, []store.Record{
		{Seq: 1, Event: machine.Event{At: at, Fact: machine.RunStarted{Rules: 1, DAG: p.dag, Run: p.id, RunType: p.kind, Plan: hash, Handoff: plan.Handoff}}},
		{Seq: 2, Event: machine.Event{At: at, Fact: machine.AttemptEnded{Key: machine.Key{Task: "t", Index: -1, Attempt: 1}, Outcome: outcome}}},
	}))
	f, err := w.keeper().Logs.Open(logs.ID{DAG: p.dag, Run: p.id, Task: "t", Index: -1, Attempt: 1})
	w.fine(err)
	_, err = fmt.Fprintf(f, "%s was here\n", p.id)
	w.fine(errors.Join(err, f.Close()))
	return run.Kept()
}

func (w *world) fine(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// plan makes a plan that says nothing is wrong.
func (w *world) plan(k *Keeper, p Policy) *Plan {
	w.t.Helper()
	plan, err := k.Plan(w.t.Context(), p)
	w.fine(err)
	return plan
}

// gc plans and carries out.
func (w *world) gc(p Policy) (*Plan, *Result) {
	w.t.Helper()
	k := w.keeper()
	plan := w.plan(k, p)
	res, err := k.Carry(w.t.Context(), plan)
	w.fine(err)
	return plan, res
}

// all is everything there is, for comparing: runs, marked runs, plans, files.
func (w *world) all() string {
	w.t.Helper()
	var out []string
	for _, r := range w.runs() {
		out = append(out, "run "+r)
	}
	going, err := w.store.Going(w.t.Context())
	w.fine(err)
	for _, r := range going {
		out = append(out, "going "+r.ID)
	}
	idle, err := w.store.IdlePlans(w.t.Context())
	w.fine(err)
	for _, p := range idle {
		out = append(out, fmt.Sprintf("idle plan %s since %s", p.Hash, p.Since))
	}
	for name := range w.envs {
		out = append(out, "environment "+name)
	}
	for _, dir := range []string{w.home, w.shared} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				rel, _ := filepath.Rel(filepath.Dir(w.home), path)
				out = append(out, "file "+rel)
			}
			return nil
		})
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// runs lists the runs that can be seen, by id.
func (w *world) runs() []string {
	w.t.Helper()
	rows, err := w.store.ListRuns(w.t.Context(), store.Filter{})
	w.fine(err)
	out := []string{}
	for _, r := range rows {
		out = append(out, r.ID)
	}
	slices.Sort(out)
	return out
}

// whole holds every run that can be seen to what its record says: its values and log are there.
func (w *world) whole() {
	w.t.Helper()
	for _, id := range w.runs() {
		recs, err := w.store.Read(w.t.Context(), id)
		w.fine(err)
		for _, rec := range recs {
			end, ok := rec.Event.Fact.(machine.AttemptEnded)
			if !ok || end.Outcome.Ref == nil {
				continue
			}
			start := recs[0].Event.Fact.(machine.RunStarted)
			uri, _ := handoff.PlaceOf(end.Outcome.Ref.URI, start.DAG, id)
			b, err := handoff.Known().At(uri)
			w.fine(err)
			if _, err := handoff.Get(w.t.Context(), b, *end.Outcome.Ref, 1<<20); err != nil {
				w.t.Errorf("run %s can be seen, and its value is gone: %v", id, err)
			}
			if f, err := w.keeper().Logs.Measure(start.DAG, id); err != nil || f.Bytes == 0 {
				w.t.Errorf("run %s can be seen, and its log is gone: %v", id, err)
			}
		}
	}
}

// put writes a file below the home.
func (w *world) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.home, name)
	w.fine(os.MkdirAll(filepath.Dir(path), 0o700))
	w.fine(os.WriteFile(path, []byte(text), 0o600))
}
