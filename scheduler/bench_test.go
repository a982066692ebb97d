package scheduler

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weft/catalog"
	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	wire "weft/runner/temporal"
	"weft/spec"
	"weft/store"
	"weft/store/mem"
	"weft/store/temporal"
	"weft/store/temporal/near"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

// A bench is a server in virtual time: a store in memory, DAGs that are written and removed, an engine whose runs end
// when the test says so, and a clock that is set, stops and goes on.
type bench struct {
	*testing.T
	clock *clock.Fake
	store *mem.Store   // of runs and plans; without far of all
	far   *near.Server // what is remembered on Temporal
	over  temporal.Far // what goes to far, if somebody listens
	term  int64
	beat  time.Time

	files map[string]string // DAG → the text of its file
	snap  *catalog.Snapshot
	set   int

	svc    *Service
	engine *engine
	stop   context.CancelFunc
	ended  chan struct{}
	hold   bool             // runs do not end by themselves
	result machine.RunState // of the runs that end
	began  []string         // logical dates of runs that began, or began again, since they were asked for
	full   bool             // the disk is
	ending bool             // all that goes on ends once the unfinished runs have been listed

	shown  map[string]int // runs of a DAG that have been looked at
	missed map[string]int64
}

func newBench(t *testing.T, on memory) *bench {
	b := &bench{T: t, clock: clock.NewFake(noon), store: mem.New(), files: map[string]string{}, shown: map[string]int{}, missed: map[string]int64{}, result: machine.RunSuccess}
	if on.far {
		b.far = &near.Server{Now: b.clock.Now}
	}
	return b
}

// A memory is what keeps what must be remembered.
type memory struct {
	name string
	far  bool
}

var memories = []memory{{"on one machine", false}, {"on Temporal", true}}

// remembers is the store of a server that begins.
func (b *bench) remembers() Store {
	if b.far == nil {
		return b.store
	}
	b.term++
	known := func() (ids []string) {
		for id := range b.files {
			ids = append(ids, id)
		}
		return ids
	}
	return temporal.New(temporal.Options{Far: b.way(), Plans: b.store, Known: known, Token: b.term, Now: b.clock.Now})
}

// way is the way to what is remembered on Temporal.
func (b *bench) way() temporal.Far {
	if b.over != nil {
		return b.over
	}
	return b.far
}

// looks is the store of who looks on.
func (b *bench) looks() Store {
	if b.far == nil {
		return b.store
	}
	return temporal.New(temporal.Options{Far: b.way(), Plans: b.store})
}

// An engine creates runs and knows which go on.
type engine struct {
	b     *bench
	mu    sync.Mutex
	alive map[string]bool
	dead  bool
}

var errFull = errors.New("no space left on device")

func (e *engine) Start(ctx context.Context, req runner.Request) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.b
	if req.Run == "" {
		req.Run = "manual__" + machine.Timestamp(b.clock.Now())
	}
	key := machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	if e.dead || b.full {
		return key, errFull
	}
	body, hash := req.Plan.Encode()
	row := store.Run{
		ID: key, DAG: req.Plan.DAG, Type: req.Type, LogicalDate: req.LogicalDate, State: machine.RunRunning,
		Plan: hash, CreatedAt: b.clock.Now(), StartedAt: b.clock.Now(),
	}
	if err := b.store.PutPlan(ctx, hash, body); err != nil {
		return key, err
	}
	ev := machine.Event{At: b.clock.Now(), Fact: machine.RunStarted{
		Rules: machine.Rules, DAG: req.Plan.DAG, Run: req.Run, RunType: req.Type, LogicalDate: req.LogicalDate, Plan: hash, By: req.By,
	}}
	if err := b.store.Create(ctx, row, []store.Record{{Seq: 1, Event: ev}}); err != nil {
		return key, err
	}
	e.arrive(row, "")
	e.alive[key] = true
	b.began = append(b.began, b.short(req.LogicalDate))
	if !b.hold {
		e.end(key, b.result)
	}
	return key, nil
}

// arrive has a run be known where it is looked for.
func (e *engine) arrive(row store.Run, by string) {
	if e.b.far == nil {
		return
	}
	a := wire.Arrival{DAG: row.DAG, Run: row.ID, Type: row.Type, LogicalDate: row.LogicalDate, CreatedAt: row.CreatedAt, Plan: row.Plan, By: by}
	for _, err := e.b.way().Arrive(context.Background(), a); err != nil; _, err = e.b.way().Arrive(context.Background(), a) {
	}
}

// end ends a run; mu is held.
func (e *engine) end(run string, state machine.RunState) {
	row, err := e.b.store.GetRun(context.Background(), run)
	if err != nil {
		e.b.Fatal(err)
	}
	row.State, row.FinishedAt = state, e.b.clock.Now()
	e.b.store.Append(run, nil, &row, func(err error) {
		if err != nil {
			e.b.Fatal(err)
		}
	})
	if e.b.far != nil {
		d := wire.Departure{DAG: row.DAG, Run: run, Type: row.Type, State: state, StartedAt: row.StartedAt, FinishedAt: row.FinishedAt}
		for err := e.b.way().Leave(context.Background(), d); err != nil; err = e.b.way().Leave(context.Background(), d) {
		}
	}
	delete(e.alive, run)
	e.b.svc.Ended(run, row.FinishedAt)
}

func (e *engine) ResumeAll(_ context.Context, runs ...string) map[string]error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range runs {
		e.alive[r] = true
	}
	return nil
}

func (e *engine) Resume(context.Context, string) error { return nil }
func (e *engine) Cancel(_ context.Context, run, _, _ string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(run, machine.RunCancelled)
	return nil
}

func (e *engine) Reopen(_ context.Context, run string, order machine.Reopened) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alive[run] = true
	row, err := e.b.store.GetRun(context.Background(), run)
	if err != nil {
		return err
	}
	e.arrive(row, order.By)
	e.b.began = append(e.b.began, "again "+e.b.short(row.LogicalDate))
	if !e.b.hold {
		e.end(run, e.b.result)
	}
	return nil
}

func (e *engine) Wait(context.Context, string) (machine.Summary, error) {
	return machine.Summary{}, errors.New("nobody waits here")
}

// sick is the bench's store, on a disk that may be full, of a process that may be dead.
type sick struct {
	Store
	b *bench
	e *engine
}

func (s sick) Settle(ctx context.Context, c *store.Changes) error {
	if s.e.dead || s.b.full {
		return errFull
	}
	return s.Store.Settle(ctx, c)
}

// ListRuns lists runs; where the story says so, those that go on end before the answer is of use.
func (s sick) ListRuns(ctx context.Context, f store.Filter) ([]store.Run, error) {
	rows, err := s.Store.ListRuns(ctx, f)
	if s.b.ending && len(f.States) > 0 {
		s.b.ending = false
		s.e.mu.Lock()
		for _, run := range slices.Sorted(keysOf(s.e.alive)) {
			s.e.end(run, s.b.result)
		}
		s.e.mu.Unlock()
	}
	return rows, err
}

// Now and Plan make the bench a Catalog.
func (b *bench) Now() *catalog.Snapshot { return b.snap }

func (b *bench) Plan(e catalog.Entry) (*machine.Plan, string, error) {
	dag, ds := spec.Parse(e.ID+".yaml", []byte(b.files[e.ID]), spec.Options{})
	if dag == nil {
		return nil, "", fmt.Errorf("broken: %v", ds)
	}
	p, err := dag.Plan()
	return p, "/dags", err
}

// publish makes what the files say now the set in force.
func (b *bench) publish() {
	b.set++
	s := &catalog.Snapshot{Set: fmt.Sprint(b.set), Entries: map[string]catalog.Entry{}}
	for id, text := range b.files {
		dag, ds := spec.Parse(id+".yaml", []byte(text), spec.Options{})
		for _, d := range ds {
			if d.Severity == spec.Error {
				b.Fatalf("%s: %v", id, d)
			}
		}
		s.Entries[id] = catalog.Entry{ID: id, Path: id + ".yaml", Set: s.Set, Version: s.Set, Head: dag.Head()}
	}
	b.snap = s
	if b.svc != nil {
		b.svc.Nudge()
	}
	synctest.Wait()
}

// serve starts a server.
func (b *bench) serve() {
	ctx, cancel := context.WithCancel(b.Context())
	e := &engine{b: b, alive: map[string]bool{}}
	b.engine, b.stop, b.ended = e, cancel, make(chan struct{})
	var log *slog.Logger
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	kept := b.remembers()
	reopened := store.ReopenedBy(b.store)
	if far, ok := kept.(*temporal.Store); ok {
		reopened = far.Reopened
	}
	svc := New(Config{
		Store: sick{kept, b, e}, Engine: e, Catalog: b, Clock: b.clock, Schedules: true, Log: log,
		Request: func(p *machine.Plan, dir string) runner.Request { return runner.Request{Plan: p, Dir: dir} },
		Replay: func(ctx context.Context, run string) (*machine.Run, error) {
			recs, err := b.store.Read(ctx, run)
			if err != nil {
				return nil, err
			}
			return local.Replay(ctx, b.store, run, recs)
		},
		Reopened: reopened,
		Beat:     func() time.Time { return b.beat },
		SetBeat: func(at time.Time) {
			if !e.dead {
				b.beat = at
			}
		},
	})
	b.svc = svc
	go func() {
		defer close(b.ended)
		if err := svc.Run(ctx); err != nil {
			b.Errorf("the server ended: %v", err)
		}
	}()
	synctest.Wait()
}

// end stops the server; dead: as kill -9 does, so that it writes nothing any more.
func (b *bench) end(dead bool) {
	if b.svc == nil {
		return
	}
	b.engine.mu.Lock()
	b.engine.dead = dead
	b.engine.mu.Unlock()
	b.stop()
	<-b.ended
	b.svc = nil
}

// pass lets time go by, timer by timer.
func (b *bench) pass(d time.Duration) {
	for d > 0 {
		step := d
		if next, ok := b.clock.Next(); ok && next < step {
			step = next
		}
		b.clock.Advance(step)
		d -= step
		synctest.Wait()
	}
}

// runsOf are the logical dates of the scheduled runs of a DAG that have come since they were asked for last.
func (b *bench) runsOf(dag string) string {
	rows, err := b.looks().ListRuns(context.Background(), store.Filter{DAG: dag, Types: []string{"scheduled", "backfill"}})
	if err != nil {
		b.Fatal(err)
	}
	slices.SortStableFunc(rows, func(x, y store.Run) int { return x.LogicalDate.Compare(y.LogicalDate) })
	seen := map[string]bool{}
	var out []string
	for _, r := range rows {
		if seen[r.LogicalDate.String()] {
			b.Fatalf("%s has two runs of %s", dag, r.LogicalDate)
		}
		seen[r.LogicalDate.String()] = true
		out = append(out, b.short(r.LogicalDate))
	}
	fresh := out[min(b.shown[dag], len(out)):]
	b.shown[dag] = len(out)
	return strings.Join(fresh, " ")
}

func (b *bench) missedOf(dag string) string {
	list, err := b.looks().ListMissed(context.Background(), dag, 0)
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	last := b.missed[dag]
	for _, m := range slices.Backward(list) {
		if m.ID <= last {
			continue
		}
		b.missed[dag] = max(b.missed[dag], m.ID)
		text := b.short(m.First)
		if m.Count > 1 {
			text += fmt.Sprintf("..%s×%d", b.short(m.Last), m.Count)
		}
		out = append(out, text+"("+m.Why+")")
	}
	return strings.Join(out, " ")
}

// short writes a moment as stories do: without its day if that is the first one's.
func (b *bench) short(t time.Time) string {
	form := "15:04"
	if t.Second() != 0 {
		form = "15:04:05"
	}
	if t.Format(time.DateOnly) != noon.Format(time.DateOnly) {
		form = "01-02T" + form
	}
	return t.UTC().Format(form)
}

// A verb is one line of a story.
var verbs = map[string]func(b *bench, arg string){
	"serve": func(b *bench, _ string) { b.serve() },
	"stop":  func(b *bench, _ string) { b.end(false) },
	"kill":  func(b *bench, _ string) { b.end(true) },
	"wait":  func(b *bench, arg string) { b.pass(b.duration(arg)) },
	// The process is stopped (SIGSTOP), or the machine is too busy: both clocks go on.
	"freeze": func(b *bench, arg string) { b.clock.Advance(b.duration(arg)); synctest.Wait() },
	// The machine sleeps, or someone sets its clock: only the wall's goes on.
	"jump": func(b *bench, arg string) { b.clock.Jump(b.duration(arg)); b.pass(beatEvery) },
	"dag": func(b *bench, arg string) {
		id, text, _ := strings.Cut(arg, " ")
		b.files[id] = text + "\ntasks: {t: {run: echo}}\n"
		b.publish()
	},
	"remove":                     func(b *bench, arg string) { delete(b.files, arg); b.publish() },
	"pause":                      func(b *bench, arg string) { b.must(b.svc.Pause(b.Context(), arg, "ann", true)); synctest.Wait() },
	"unpause":                    func(b *bench, arg string) { b.must(b.svc.Pause(b.Context(), arg, "ann", false)); synctest.Wait() },
	"full":                       func(b *bench, _ string) { b.full = true },
	"space":                      func(b *bench, _ string) { b.full = false },
	"hold":                       func(b *bench, _ string) { b.hold = true },
	"end while it is looked for": func(b *bench, _ string) { b.ending = true },
	"fail":                       func(b *bench, _ string) { b.result = machine.RunFailed },
	"succeed":                    func(b *bench, _ string) { b.result = machine.RunSuccess },
	"backfill":                   func(b *bench, arg string) { b.backfill(strings.Fields(arg)) },
	"end one": func(b *bench, _ string) {
		b.engine.mu.Lock()
		b.engine.end(slices.Sorted(keysOf(b.engine.alive))[0], b.result)
		b.engine.mu.Unlock()
		synctest.Wait()
	},
	"let go": func(b *bench, _ string) {
		b.hold = false
		b.engine.mu.Lock()
		for _, run := range slices.Sorted(keysOf(b.engine.alive)) {
			b.engine.end(run, b.result)
		}
		b.engine.mu.Unlock()
		synctest.Wait()
	},
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) duration(s string) time.Duration {
	b.Helper()
	if days, ok := strings.CutSuffix(s, "d"); ok {
		s = days + "h"
		d, err := time.ParseDuration(s)
		b.must(err)
		return 24 * d
	}
	d, err := time.ParseDuration(s)
	b.must(err)
	return d
}

// tell tells a story: a verb a line, and lines `runs DAG: …` and `missed DAG: …` of what came since they were asked
// for last.
func (b *bench) tell(file string) {
	f, err := os.Open(file)
	b.must(err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if want, ok := strings.CutPrefix(line, "began:"); ok {
			if got := strings.Join(b.began, " "); got != strings.TrimSpace(want) {
				b.Errorf("%s:%d: began\n got %s\nwant %s", file, n, got, want)
			}
			b.began = nil
			continue
		}
		if want, ok := strings.CutPrefix(line, "backfills:"); ok {
			if got := b.backfills(); got != strings.TrimSpace(want) {
				b.Errorf("%s:%d: backfills\n got %s\nwant %s", file, n, got, want)
			}
			continue
		}
		if what, want, ok := strings.Cut(line, ":"); ok && (strings.HasPrefix(what, "runs ") || strings.HasPrefix(what, "missed ")) {
			kind, dag, _ := strings.Cut(what, " ")
			got := map[string]func(string) string{"runs": b.runsOf, "missed": b.missedOf}[kind](dag)
			if want = strings.TrimSpace(want); got != want {
				b.Errorf("%s:%d: %s of %s:\n got %s\nwant %s", file, n, kind, dag, got, want)
			}
			continue
		}
		verb, arg, _ := strings.Cut(line, " ")
		if verbs[line] != nil {
			verb, arg = line, ""
		}
		do := verbs[verb]
		if do == nil {
			b.Fatalf("%s:%d: there is no verb %q", file, n, verb)
		}
		do(b, arg)
	}
	b.must(lines.Err())
	b.end(false)
}

// TestStories tells each story in testdata.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, on := range memories {
		for _, file := range files {
			t.Run(on.name+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newBench(t, on).tell(file) })
			})
		}
	}
}

// backfill orders one: DAG FROM TO and words of failed, all, backwards, max=N; or pause, resume or cancel of the newest.
func (b *bench) backfill(words []string) {
	b.Helper()
	if len(words) == 1 {
		list, err := b.looks().ListBackfills(b.Context(), "", 1)
		b.must(err)
		switch words[0] {
		case "pause", "resume":
			b.must(b.svc.PauseBackfill(b.Context(), list[0].ID, words[0] == "pause"))
		case "cancel":
			b.must(b.svc.CancelBackfill(b.Context(), list[0].ID, "ann"))
		}
		synctest.Wait()
		return
	}
	row := store.Backfill{DAG: words[0], From: b.moment(words[1]), To: b.moment(words[2]), Reprocess: "none", MaxActive: 1, By: "ann"}
	for _, w := range words[3:] {
		switch n, isMax := strings.CutPrefix(w, "max="); {
		case isMax:
			row.MaxActive = int(n[0] - '0')
		case w == "backwards":
			row.Backwards = true
		default:
			row.Reprocess = w
		}
	}
	_, err := b.svc.Backfill(b.Context(), row)
	b.must(err)
	synctest.Wait()
}

func (b *bench) moment(s string) time.Time {
	b.Helper()
	t, err := time.Parse("2006-01-02", s)
	b.must(err)
	return t
}

func (b *bench) backfills() string {
	list, err := b.looks().ListBackfills(b.Context(), "", 0)
	b.must(err)
	var out []string
	for _, r := range slices.Backward(list) {
		out = append(out, fmt.Sprintf("%s %d/%d begun=%d again=%d left=%d failed=%d", r.State, r.Next, r.Dates, r.Begun, r.Again, r.Left, r.Failed))
	}
	return strings.Join(out, "; ")
}
