package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"weft/config"
	"weft/machine"
	"weft/runner"
	"weft/server"
)

// live finds the server of the state folder that begins things; nil: there is none, and whoever asks does the work
// himself. One that cannot be asked is told of.
func (e *env) live() *server.Client {
	c, err := server.Connect(e.conf.Home)
	switch {
	case err == nil && (c.Version.Engine == config.EngineTemporal) != e.onTemporal():
		c.Close()
		fmt.Fprintf(e.stderr, "the server of this state folder keeps runs on the engine %s; this weft does not ask it\n", cmp.Or(c.Version.Engine, config.EngineLocal))
	case err == nil && !c.Version.Stopping:
		return c
	case err == nil:
		c.Close()
	case !errors.Is(err, server.ErrNone):
		fmt.Fprintf(e.stderr, "%v; this weft does it itself\n", err)
	}
	return nil
}

// liveFor finds a server that drives runs of the sandbox, or runs outside it.
func (e *env) liveFor(sandbox bool) *server.Client {
	c := e.live()
	if c != nil && c.Version.Sandbox != sandbox {
		c.Close()
		return nil
	}
	return c
}

// passed tells whether a server's refusal means that this weft is to do the work itself.
func passed(err error) bool {
	return isProblem(err, server.CodeStopping, server.CodeSandbox)
}

// isProblem tells whether a server refused something for one of these reasons.
func isProblem(err error, codes ...string) bool {
	var p *server.Problem
	if !errors.As(err, &p) {
		return false
	}
	for _, c := range codes {
		if p.Code == c {
			return true
		}
	}
	return false
}

// served makes of a server's refusal what this weft would say of it.
func served(err error) error {
	var p *server.Problem
	if errors.As(err, &p) && p.Hint != "" {
		return &hinted{err, p.Hint}
	}
	return err
}

// An attending shows runs that a server drives.
type attending struct {
	*env
	c     *server.Client
	watch *watching
	left  atomic.Bool // Ctrl-C was pressed twice

	mu      sync.Mutex
	s       *session // opened when a run is looked at
	streams map[*server.Stream]bool
}

// attend shows streams of runs until those are over; the worst end is the answer. The first Ctrl-C has the server
// cancel them; at the second this weft leaves.
func (a *attending) attend(streams map[string]*server.Stream) error {
	signals := make(chan os.Signal, 2)
	heed(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	over := make(chan struct{})
	defer close(over)
	a.streams = map[*server.Stream]bool{}
	for _, st := range streams {
		a.streams[st] = true
	}
	go a.interrupts(sortedKeys(streams), signals, over)
	ends := make([]error, 0, len(streams))
	var all sync.WaitGroup
	var mu sync.Mutex
	for run, st := range streams {
		all.Go(func() {
			err := a.follow(run, st)
			mu.Lock()
			defer mu.Unlock()
			ends = append(ends, err)
		})
	}
	all.Wait()
	if a.left.Load() {
		a.watch.Close()
		fmt.Fprintln(a.stderr, "left; the server ends what is cancelled")
		return errInterrupted
	}
	worst := a.worst(ends)
	if a.watch.interrupted.Load() && (worst == nil || errors.Is(worst, errRunFailed)) {
		return errInterrupted
	}
	return worst
}

// worst of several ends: what could not be seen through comes before what failed. All but one are told of.
func (a *attending) worst(ends []error) (worst error) {
	for _, err := range ends {
		switch {
		case err == nil:
		case worst == nil, errors.Is(worst, errRunFailed):
			worst = err
		case !errors.Is(err, errRunFailed):
			a.complain(err)
		}
	}
	return worst
}

// interrupts turns the first signal into an order to cancel, and the second into an end of watching.
func (a *attending) interrupts(runs []string, signals <-chan os.Signal, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-signals:
	}
	a.watch.interrupt()
	for _, run := range runs {
		go func() {
			_, err := a.c.OrderOnly(context.Background(), run, machine.CancelAsked{By: userName(), Reason: "interrupted"})
			if err != nil && !errors.Is(err, server.ErrLost) { // that is told of where the stream ends
				a.complain(served(err))
			}
		}()
	}
	select {
	case <-over:
	case <-signals:
		a.left.Store(true)
		a.mu.Lock()
		defer a.mu.Unlock()
		for st := range a.streams {
			st.Close()
		}
	}
}

// follow shows one run.
func (a *attending) follow(run string, st *server.Stream) error {
	defer func() { st.Close() }()
	seen := sight{states: map[string]string{}}
	for {
		l, err := st.Next()
		switch {
		case a.left.Load():
			return nil
		case err != nil:
			next, end := a.reattach(run, st)
			if next == nil {
				return end
			}
			st = next
		case l.Type == server.LineError:
			return &hinted{errors.New(l.Error), goesOn(run)}
		case l.Type == server.LineStanding && l.Summary != nil:
			if err := a.stands(run, l, &seen); err != nil {
				return err
			}
		case l.Type == server.LineAccepted, l.Seq > 0 && l.Seq <= seen.seq:
		default:
			seen.note(l.Update)
			a.watch.Update(l.Update)
			if l.Type == server.LineFinished {
				return endOf(machine.RunState(l.State))
			}
		}
	}
}

func endOf(state machine.RunState) error {
	if state != machine.RunSuccess {
		return errRunFailed
	}
	return nil
}

func goesOn(run string) string {
	return "it goes on when a server is back; without one, weft runs resume " + shellWord(run) + " goes on with it"
}

// reattach takes up a stream that was cut off; without a server the run's end, or why it cannot be seen, is the answer.
func (a *attending) reattach(run string, cut *server.Stream) (st *server.Stream, end error) {
	if c, err := server.Connect(a.conf.Home); err == nil {
		defer c.Close()
		if st, err = a.c.Updates(context.Background(), run); err == nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.streams, cut)
			a.streams[st] = true
			return st, nil
		}
	}
	if r, _, err := a.look(run); err == nil {
		if sum := r.Summarize(); sum.State.Terminal() && !sum.FinishedAt.IsZero() {
			a.watch.finish(sum)
			return nil, endOf(sum.State)
		}
	}
	return nil, &hinted{fmt.Errorf("cannot see the end of run %s: the server has gone, and the run is not over", run), goesOn(run)}
}

// look reads a run from the store.
func (a *attending) look(run string) (*machine.Run, uint64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.s == nil {
		s, err := openSession(a.conf, false)
		if err != nil {
			return nil, 0, err
		}
		a.s = s
	}
	return a.s.replayed(run)
}

func (a *attending) close() {
	if a.s != nil {
		a.s.close()
	}
}

// stands shows where a run stands that has been going on: at first all of it, later what is new.
func (a *attending) stands(run string, l server.Line, seen *sight) error {
	r, _, err := a.look(run)
	if err != nil {
		return err
	}
	first := seen.seq == 0
	seen.seq = l.Seq
	a.watch.begins(r)
	for _, u := range standing(r.Plan(), *l.Summary, func(s machine.State) bool { return s != machine.None }) {
		if seen.note(u) && !(first && a.watch.json) {
			u.Log = a.logOf(r, u)
			a.watch.Update(u)
		}
	}
	return nil
}

// logOf is the log of an attempt that runs.
func (a *attending) logOf(r *machine.Run, u runner.Update) string {
	if u.State != machine.Running.String() {
		return ""
	}
	key := machine.Key{Task: u.Task, Index: -1, Attempt: u.Attempt}
	if u.Index != nil {
		key.Index = *u.Index
	}
	return a.s.logs.Path(logID(u.Run, r.Info().DAG, key))
}

// A sight is what of a run has been shown.
type sight struct {
	seq    uint64
	states map[string]string // by task and instance
}

// note remembers an update; false if it says nothing new of its task.
func (s *sight) note(u runner.Update) bool {
	if u.Type != "task" {
		return true
	}
	key, state := u.Task, fmt.Sprint(u.State, " ", u.Attempt)
	if u.Index != nil {
		key = fmt.Sprint(key, "[", *u.Index, "]")
	}
	if s.states[key] == state {
		return false
	}
	s.states[key] = state
	return true
}
