// Package scheduler starts runs when they are due: by the schedules of the DAGs that a catalog has in force, by
// backfills, and when somebody asks. When a DAG is due, and what becomes of ticks that nobody was there for, package
// schedule decides; what was decided is in the store before anything follows from it:
//
//	tick ─▶ decision ─▶ store (due, missed, last) ─▶ Engine.Start ─▶ store (settled)
//
// So a crash anywhere loses no tick and doubles none: what is due and has no run is begun by the next server, and
// a run that exists already is not begun again.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"weft/catalog"
	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/store"
)

// An Engine drives runs; see runner.Engine.
type Engine interface {
	runner.Engine
	// ResumeAll goes on with runs that nobody drives, and returns why it cannot with those it cannot.
	ResumeAll(ctx context.Context, runs ...string) map[string]error
}

// A taker is an Engine that may have let go of runs whose journals it could not write, and takes them up again.
type taker interface {
	TakeUp(ctx context.Context) map[string]error
}

// A Catalog knows the DAGs that are in force.
type Catalog interface {
	Now() *catalog.Snapshot // nil until one is known
	Plan(e catalog.Entry) (plan *machine.Plan, dir string, err error)
}

// A Store keeps what must be remembered.
type Store interface {
	store.Schedules
	store.RunList
	PutPlan(ctx context.Context, hash string, body []byte) error // see store.Plans
}

// Config is what a Service is made of.
type Config struct {
	Store   Store
	Engine  Engine
	Catalog Catalog
	Clock   clock.Clock
	// Request is what every run of this server has: folder, vars, handoff.
	Request func(plan *machine.Plan, dir string) runner.Request
	// Beat tells when a server of this store was last alive, zero if none ever was; SetBeat remembers that one is.
	Beat    func() time.Time
	SetBeat func(time.Time)
	// Replay makes the machine of a run as it stands, to look at.
	Replay func(ctx context.Context, run string) (*machine.Run, error)
	// Reopened tells whether somebody (machine.Reopened.By) has had a run begin again; see store.ReopenedBy.
	Reopened func(ctx context.Context, run, by string) (bool, error)
	Log      *slog.Logger
	// Schedules says whether ticks are decided on; without, only backfills and what somebody asks for begin.
	Schedules bool
}

// A Service starts runs; Run makes it go. All its state belongs to the goroutine of Run.
type Service struct {
	conf  Config
	ctx   context.Context //nolint:containedctx // of Run: what it starts ends with it
	wake  chan struct{}
	over  chan struct{} // closed when Run has ended
	ready chan struct{} // closed when all is read and the first decisions are made

	mu    sync.Mutex
	inbox []func()

	starts   sync.WaitGroup
	room     chan struct{} // bounds starts that go on at one time
	plans    plans
	snapshot *catalog.Snapshot
	dags     map[string]*dag
	queue    queue                    // those that will be due
	todo     map[*dag]bool            // have something due
	flying   int                      // starts and resumptions that go on
	early    map[string]time.Duration // ends of runs that were heard of before their beginnings
	alive    map[string]*dag          // by run: scheduled ones that this server drives
	time     watch
	rewound  bool      // what was decided is taken back, and that is not settled yet
	away     []absence // in which no DAG could begin a run, until they are settled
	settled  []store.Due
	ordered  time.Time            // when the newest backfill was
	backs    map[string]*backfill // by id: those that are not over
	again    time.Duration        // on the monotonic clock: when to try anew what failed; 0 = nothing did
	fails    int
	beaten   time.Duration
	swept    time.Duration
	looked   bool // at the time before this server
	stopping bool
}

// How often things are looked at that no news comes of.
const (
	// beatEvery is how often the server says that it is alive. It bounds each wait: timers stand still while the
	// machine sleeps, and a wall clock may be set.
	beatEvery = 5 * time.Second
	// sweepEvery is how often runs are looked for that nobody drives: of a `weft run` that was killed, or given up for a
	// full disk.
	sweepEvery = 15 * time.Second
	// Grace is how late a tick may be and still count as met: a server that restarts has missed nothing.
	Grace = time.Minute
	// leastContinuous is the least time between the beginnings of two runs of @continuous.
	leastContinuous = time.Second
	// atOnce bounds the starts of runs that go on at one time: they share the store's fsyncs.
	atOnce = 64
)

// New makes a service; it does nothing until Run.
func New(conf Config) *Service {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		conf: conf, wake: make(chan struct{}, 1), over: make(chan struct{}), ready: make(chan struct{}), room: make(chan struct{}, atOnce),
		dags: map[string]*dag{}, todo: map[*dag]bool{}, early: map[string]time.Duration{}, alive: map[string]*dag{}, backs: map[string]*backfill{},
	}
}

// Ready is closed once what was remembered has been read, what was cut off goes on, and the first ticks are decided.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// post hands a function to Run's goroutine. It never blocks.
func (s *Service) post(f func()) {
	s.mu.Lock()
	s.inbox = append(s.inbox, f)
	s.mu.Unlock()
	s.nudge()
}

// Nudge has the service look at the catalog. It may be called from any goroutine, and never blocks.
func (s *Service) Nudge() { s.nudge() }

func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) take() []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	fs := s.inbox
	s.inbox = nil
	return fs
}

// ErrOver says that the service has ended, or has not begun.
var ErrOver = errors.New("the server is ending")

// do has f run on Run's goroutine and waits for it.
func (s *Service) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	s.post(func() { f(); close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.over:
		return ErrOver
	}
}

// Run starts runs until ctx ends; then it waits for starts that are under way. An error is one of the beginning:
// what is remembered cannot be read. What fails later is tried again.
func (s *Service) Run(ctx context.Context) error {
	defer close(s.over)
	s.ctx = ctx
	if err := s.load(ctx); err != nil {
		return err
	}
	s.time = newWatch(s.conf.Clock)
	s.resume(ctx)
	s.turn()
	close(s.ready)
	for {
		wait := s.wait()
		after, stop := s.conf.Clock.After(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-after:
		}
		stop()
		if ctx.Err() != nil {
			return s.end()
		}
		for _, f := range s.take() {
			f()
		}
		s.turn()
	}
}

// end leaves things as the next server wants to find them.
func (s *Service) end() error {
	s.stopping = true
	s.starts.Wait()
	for _, f := range s.take() {
		f()
	}
	s.turnAway(context.WithoutCancel(s.ctx))
	return nil
}

// turnAway writes what a next server need not find out again, and that this one was alive until now.
func (s *Service) turnAway(ctx context.Context) {
	if len(s.settled) > 0 {
		_ = s.conf.Store.Settle(ctx, &store.Changes{Settled: s.settled}) // else they are found to exist
	}
	if len(s.away) == 0 && !s.rewound {
		s.conf.SetBeat(s.conf.Clock.Now())
	}
}

// turn is one round: see what has changed, decide, start what is due.
func (s *Service) turn() {
	now := s.conf.Clock.Now()
	s.look(now)
	if s.decide(now) {
		s.begin()
		s.backfill()
	}
	s.beat(now)
	s.sweep()
}

// wait is how long nothing needs to be done.
func (s *Service) wait() time.Duration {
	d := beatEvery
	if at, ok := s.queue.first(); ok && s.snapshot != nil {
		d = min(d, at.Sub(s.conf.Clock.Now()))
	}
	if s.again > 0 {
		d = max(min(d, s.again-s.conf.Clock.Mono()), 10*time.Millisecond)
	}
	return max(d, 0)
}

// beat says that a server is alive, and everything until now decided.
func (s *Service) beat(now time.Time) {
	mono := s.conf.Clock.Mono()
	if len(s.away) > 0 || s.rewound || s.beaten > 0 && mono-s.beaten < beatEvery {
		return
	}
	s.beaten = max(mono, 1)
	maps.DeleteFunc(s.early, func(_ string, at time.Duration) bool { return mono-at > time.Minute })
	s.conf.SetBeat(now)
	if len(s.settled) > 0 {
		s.write(&store.Changes{})
	}
}

// load reads what was remembered.
func (s *Service) load(ctx context.Context) error {
	kept, err := s.conf.Store.Scheduled(ctx)
	if err != nil {
		return err
	}
	for _, row := range kept.DAGs {
		s.dags[row.ID] = &dag{id: row.ID, row: row, at: -1}
	}
	for _, a := range kept.Absences {
		d := s.known(a.DAG)
		d.away = append(d.away, a)
	}
	for _, due := range kept.Due {
		d := s.known(due.DAG)
		d.due = append(d.due, due)
		s.todo[d] = true
	}
	for _, row := range kept.Backfills {
		b, err := newBackfill(row)
		if err != nil {
			return err
		}
		s.backs[row.ID] = b
	}
	return nil
}

func (s *Service) known(id string) *dag {
	d := s.dags[id]
	if d == nil {
		d = &dag{id: id, at: -1}
		s.dags[id] = d
	}
	return d
}

// unfinished are the runs that are not over.
func (s *Service) unfinished(ctx context.Context) ([]store.Run, error) {
	return s.conf.Store.ListRuns(ctx, store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}})
}

// resume goes on with all that was cut off, so that what is alive is known before anything new begins.
func (s *Service) resume(ctx context.Context) {
	rows, err := s.unfinished(ctx)
	if err != nil {
		s.conf.Log.Error("cannot list all runs that were cut off", "error", err)
	}
	s.swept = max(s.conf.Clock.Mono(), 1)
	s.tookUp(rows, s.takeUp(ctx, rows)) // of what ends meanwhile is heard after it
	for id, d := range s.dags {
		if last := s.newest(ctx, id); last != nil {
			d.ended = last.FinishedAt
		}
	}
}

// newest is the newest scheduled run of a DAG that goes on by itself; nil for others.
func (s *Service) newest(ctx context.Context, id string) *store.Run {
	if !continuous(s.dags[id].row.Schedule) {
		return nil
	}
	rows, err := s.conf.Store.ListRuns(ctx, store.Filter{DAG: id, Types: []string{"scheduled"}, Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

// takeUp goes on with runs, the oldest first, as far as nobody else drives them. It is called beside the loop, too.
func (s *Service) takeUp(ctx context.Context, rows []store.Run) (failed map[string]error) {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[len(rows)-1-i] = r.ID
	}
	return s.conf.Engine.ResumeAll(ctx, ids...)
}

// tookUp counts those that go on here. One that has ended meanwhile is none of them.
func (s *Service) tookUp(rows []store.Run, failed map[string]error) {
	for _, r := range rows {
		if err := failed[r.ID]; err != nil {
			s.conf.Log.Debug("a run is left to others", "run", r.ID, "reason", err)
			continue
		}
		if _, over := s.early[r.ID]; !over {
			s.lives(r.Type, s.known(r.DAG), r.ID)
			s.belongs(r)
		}
	}
}

// lives counts a run that this server drives.
func (s *Service) lives(kind string, d *dag, run string) {
	if kind != "scheduled" || s.alive[run] != nil {
		return
	}
	s.alive[run] = d
	d.active++
	if _, over := s.early[run]; over {
		delete(s.early, run)
		s.dies(d, run, s.conf.Clock.Now())
	}
}

// dies counts it no more.
func (s *Service) dies(d *dag, run string, at time.Time) {
	delete(s.alive, run)
	d.active--
	d.ended = at
	s.soon(d)
}

// fly does something beside the loop that may make runs live, and lands on it.
func (s *Service) fly(away func(), land func()) {
	s.flying++
	s.starts.Go(func() {
		away()
		s.post(func() {
			land()
			if s.flying--; s.flying == 0 {
				clear(s.early)
			}
		})
	})
}

// Ended hears that a run is over. It may be called from any goroutine, and never blocks.
func (s *Service) Ended(run string, at time.Time) {
	s.post(func() {
		if d := s.alive[run]; d != nil {
			s.dies(d, run, at)
		}
		if s.flying > 0 {
			s.early[run] = s.conf.Clock.Mono() // its start may not have been heard of yet
		}
		for _, b := range s.backs {
			delete(b.flying, run)
		}
	})
}

// sweep takes up runs that lie about: it asks beside the loop, for the list may be long.
func (s *Service) sweep() {
	mono := s.conf.Clock.Mono()
	if mono-s.swept < sweepEvery || s.stopping {
		return
	}
	s.swept = mono
	alive := maps.Clone(s.alive)
	var rows []store.Run
	var failed map[string]error
	s.fly(func() { // from the look on, so that it is heard of what ends meanwhile
		if t, ok := s.conf.Engine.(taker); ok {
			for run, err := range t.TakeUp(s.ctx) {
				s.conf.Log.Warn("cannot go on with a run yet", "run", run, "error", err)
			}
		}
		rows, _ = s.unfinished(s.ctx) // what cannot be read now the next round asks for
		rows = slices.DeleteFunc(rows, func(r store.Run) bool { return alive[r.ID] != nil })
		failed = s.takeUp(s.ctx, rows)
	}, func() { s.tookUp(rows, failed) })
}

// trouble says what failed, once for each stretch of failures, and when it is tried again.
func (s *Service) trouble(what string, err error) {
	s.fails++
	pause := min(time.Second<<min(s.fails-1, 4), 10*time.Second)
	s.again = s.conf.Clock.Mono() + pause
	level := slog.LevelDebug
	if s.fails == 1 {
		level = slog.LevelError
	}
	s.conf.Log.Log(s.ctx, level, what, "error", err, "again_in", pause)
}

func (d *dag) String() string {
	return fmt.Sprintf("%s (%d due, %d active)", d.id, len(d.due), d.active)
}
