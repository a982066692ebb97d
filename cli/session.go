package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"weft/clock"
	"weft/config"
	"weft/logs"
	"weft/machine"
	"weft/plugins"
	"weft/proc"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
	"weft/store/sqlite"
)

// A session is what the commands that look at or drive runs share: the state folder's store, and,
// once drive is called, an engine.
type session struct {
	conf   config.Config
	store  *sqlite.Store // nil where far is not
	far    *cluster      // the runs are on a Temporal server; nil: they are in the state folder
	engine *local.Engine
	exec   *runner.Executor
	logs   *logs.Store
	note   func(string) // tells people what takes a moment; nil = nobody
	noting sync.Mutex
	dirs   sync.Map // run id → folder of its DAG file

	here     func(machine.RunInfo) error // why a run must not be driven by this engine; nil: all may be
	boxed    bool                        // the sandbox runs
	patience time.Duration               // how long what the disk has no space for is kept and tried again; 0 = not at all
	closers  []func()                    // in the order they were opened
	capping  chan struct{}               // closed to end the watch over logs that grow
	capped   sync.WaitGroup
}

// openSession opens the state folder. Where create is false and there is none yet, it is
// errNoState: a command that only looks makes nothing.
func openSession(conf config.Config, create bool) (*session, error) {
	if _, err := os.Stat(conf.Home); err != nil && !create {
		return nil, errNoState(conf.Home)
	}
	st, err := sqlite.Open(conf.Home)
	if err != nil {
		return nil, err
	}
	return &session{conf: conf, store: st, logs: logs.New(filepath.Join(conf.Home, "logs"), conf.LogCap)}, nil
}

// A keptList is what commands that look ask of what is remembered.
type keptList interface {
	store.RunList
	store.Schedules
}

// openRuns opens what the commands that look at runs ask: the state folder, or a Temporal server.
func (e *env) openRuns(create bool) (*session, error) {
	if !e.onTemporal() {
		return openSession(e.conf, create)
	}
	c, err := e.openCluster(context.Background(), e.temporalOptions(), nil)
	if err != nil {
		return nil, err
	}
	return &session{conf: e.conf, far: c}, nil
}

// list is what is remembered.
func (s *session) list() keptList {
	if s.far != nil {
		return s.far.kept
	}
	return s.store
}

// plans is where compiled plans lie.
func (s *session) plans() store.Plans {
	if s.far != nil {
		return s.far
	}
	return s.store
}

// summary is how a run stands; of one on Temporal also what waits for a worker.
func (s *session) summary(r *machine.Run) machine.Summary {
	if s.far == nil || r.State().Terminal() {
		return r.Summarize()
	}
	_, sum, _, err := s.far.engine.Look(context.Background(), r.Info().Key())
	if err != nil {
		return r.Summarize()
	}
	return sum
}

// errNoState is said of a state folder that does not exist.
func errNoState(home string) error {
	return &hinted{
		err:  fmt.Errorf("cannot find any runs: there is no state folder %s", home),
		hint: "weft run FILE makes one; --home or WEFT_HOME names another",
	}
}

// drive starts an engine that tells observe of every change.
func (s *session) drive(reg *plugins.Registry, observe func(runner.Update)) {
	s.exec = newExecutor(s.conf, reg, s.conf.Home)
	s.exec.Dir, s.exec.Patient = s.dirOf, s.patience > 0
	s.exec.OpenLog = func(o machine.Order) (*os.File, error) { return s.logs.Open(orderLog(o)) }
	s.exec.SealLog = func(o machine.Order) error { return s.logs.Seal(orderLog(o)) }
	s.exec.SpareLog = func(o machine.Order, f *os.File) { s.logs.Spare(orderLog(o), f) }
	s.exec.LeaveLogs = s.logs.Leave
	s.engine = local.New(local.Config{
		Store: s.store, Clock: clock.Real, Locks: local.FileLocks{Dir: filepath.Join(s.conf.Home, "runs")},
		Worker:    &local.Crew{Exec: s.exec, Store: s.store, LaneOf: s.lane},
		Leftovers: func(run string) ([]machine.Key, error) { return s.endLeftovers(run, s.conf.Grace) },
		Here:      s.here,
		Options: local.Options{
			Limits: machine.Limits{Pools: s.conf.Pools}, PokeSlots: s.conf.PokeSlots, Observe: observe, Patience: s.patience,
			LogPath: func(run, dag string, key machine.Key) string { return s.logs.Path(logID(run, dag, key)) },
		},
	})
	s.watchLogs()
}

// start starts a run. Its folder is known here, and need not be looked up for its first task.
func (s *session) start(ctx context.Context, req runner.Request) (run string, err error) {
	if req.Run == "" {
		req.Run = runner.RunID(req.Type, req.LogicalDate, time.Now())
	}
	key := machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	s.dirs.Store(key, req.Dir)
	if run, err = s.engine.Start(ctx, req); err != nil {
		s.dirs.Delete(key) // the run of that id may be another's
	}
	return run, err
}

// locks are those of runs.
func (s *session) locks() local.FileLocks {
	return local.FileLocks{Dir: filepath.Join(s.conf.Home, "runs")}
}

// lane names what a poke may hang on: a host, else the plugin on this machine.
func (s *session) lane(o machine.Order) string {
	if h := s.exec.Host(o); h != "" {
		return h
	}
	return o.Task.Uses
}

// endLeftovers ends what an earlier weft left alive of a run, and tells of which attempts.
func (s *session) endLeftovers(run string, grace time.Duration) ([]machine.Key, error) {
	paths, err := runner.LiveFiles(s.conf.Home, run)
	if err != nil {
		return nil, err
	}
	if s.note != nil {
		s.noting.Lock() // runs are taken over side by side
		s.note(fmt.Sprintf("%s: ending what an earlier weft left running, if it still does", run))
		s.noting.Unlock()
	}
	if err := proc.EndLeftovers(context.Background(), grace, paths...); err != nil {
		return nil, err
	}
	var keys []machine.Key
	for _, p := range paths {
		if l, err := proc.ReadLive(p); err == nil && l.Run == run {
			keys = append(keys, machine.Key{Task: l.Task, Index: l.Index, Epoch: l.Epoch, Attempt: l.Attempt})
		}
	}
	return keys, runner.Sweep(s.conf.Home, run)
}

// dirOf returns the folder of a run's DAG file: the default working directory of its tasks.
func (s *session) dirOf(run string) string {
	if dir, ok := s.dirs.Load(run); ok {
		return dir.(string)
	}
	row, err := s.store.GetRun(context.Background(), run)
	if err != nil {
		return ""
	}
	s.dirs.Store(run, row.Dir)
	return row.Dir
}

// watchLogs keeps the logs of what runs below their cap, once a while.
func (s *session) watchLogs() {
	s.capping = make(chan struct{})
	s.capped.Go(func() {
		tick := time.NewTicker(capInterval)
		defer tick.Stop()
		for {
			select {
			case <-s.capping:
				return
			case <-tick.C:
				s.logs.CapAll()
			}
		}
	})
}

// capInterval is how often logs that grow are looked at: a flood of 1 GB/s is 200 MB ahead.
const capInterval = 200 * time.Millisecond

func (s *session) close() {
	if s.capping != nil {
		close(s.capping)
		s.capped.Wait()
	}
	if s.engine != nil {
		s.engine.Close()
	}
	for _, closeIt := range s.closers {
		closeIt()
	}
	if s.far != nil {
		s.far.close()
		return
	}
	_ = s.store.Close() // every append was durable when it was acknowledged
}

func logID(run, dag string, key machine.Key) logs.ID {
	return logs.ID{DAG: dag, Run: run, Task: key.Task, Index: key.Index, Attempt: key.Attempt}
}

func orderLog(o machine.Order) logs.ID { return logID(o.Run.Key(), o.Plan.DAG, o.Key) }

var _ store.Store = (*sqlite.Store)(nil)
