package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/runner/temporal"
	"weft/scheduler"
	"weft/server"
	remembered "weft/store/temporal"
	"weft/temporalconf"
)

// A farServing is one server whose runs are on Temporal. Of any number one leads; the others stand by, and host runs.
type farServing struct {
	*env
	log     *slog.Logger
	lock    *leader // of the state folder
	c       *cluster
	follow  *follower
	started time.Time
}

// endsEvery is how often a server that leads asks which runs have ended.
const endsEvery = time.Second

// serveFar serves until a signal says to stop.
func (e *env) serveFar(log *slog.Logger) error {
	lock, err := lead(e.conf.Home)
	if err != nil {
		return err
	}
	defer lock.close()
	ctx, hurry := stopped()
	v := &farServing{env: e, log: log, lock: lock, started: time.Now()}
	o := e.temporalOptions()
	o.Patience = forGood
	if v.c, err = e.openCluster(ctx, o, log); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer v.c.close()
	return v.run(ctx, hurry)
}

func (v *farServing) run(ctx context.Context, hurry <-chan struct{}) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	cat, dir, err := v.openPlace(ctx)
	if err != nil {
		return err
	}
	v.follow = &follower{catalog: cat, dir: dir, except: v.conf.Home, every: v.conf.Poll, log: v.log, changed: func() {}}
	v.follow.refresh(ctx)
	if cat.Now() == nil && dir != "" {
		return &hinted{errors.New(v.follow.said), "weft init makes a folder of DAGs; WEFT_DAGS or dags in weft.yaml names another"}
	}
	host, err := v.host()
	if err != nil {
		return err
	}
	v.log.Info("weft serves", "version", thisBuild().Version, "engine", v.conf.Engine, "home", v.conf.Home, "dags", v.conf.DAGs, "handoff", v.c.place, "pid", os.Getpid())
	hosting, stopHosting := context.WithCancel(context.Background())
	defer stopHosting()
	var beside sync.WaitGroup
	defer beside.Wait()
	hosted := make(chan error, 1)
	beside.Go(func() { hosted <- host.Run(hosting, hurry) })
	beside.Go(func() { v.tellLeader(ctx) })
	err = remembered.Lead(ctx, v.c.conn, identity(), v.log, func(ctx context.Context, t *remembered.Term) error { return v.lead(ctx, t, hup) })
	if err == nil && ctx.Err() == nil {
		err = <-hosted
	}
	v.log.Info("stopping: nothing more begins; what runs is not this server's")
	stopHosting() // what leads settles by it
	beside.Wait()
	v.log.Info("stopped")
	return err
}

// host makes the worker that hosts runs, and what is remembered. It carries out no task: weft worker does.
func (v *farServing) host() (*temporal.Worker, error) {
	folders := &temporal.Folders{}
	x := newExecutor(v.conf, v.plugins, v.conf.Home)
	x.Dir = folders.Dir
	return temporal.NewWorker(v.c.conn, temporal.Config{
		Exec: x, Folders: folders, HostsOnly: true, Version: thisBuild().Version, Place: v.c.place, Values: v.c.values, Log: v.log,
		Also: func(r temporal.Registry) { remembered.Register(r, v.c.conn) },
	})
}

// lead is the work of the server that leads, for one term.
func (v *farServing) lead(ctx context.Context, t *remembered.Term, hup <-chan os.Signal) error {
	if err := remembered.SetPools(ctx, v.c.conn, v.conf.Pools, false); err != nil {
		v.log.Warn("cannot say how large the pools are; they stay as they were", "error", temporalconf.Explain(err))
	}
	kept := remembered.New(remembered.Options{
		Far: v.c.far, Plans: v.c, Token: t.Token, Held: t.Held, GiveUp: t.GiveUp, Log: v.log,
		Known: func() []string {
			if now := v.follow.catalog.Now(); now != nil {
				return now.IDs()
			}
			return nil
		},
	})
	engine := onCluster{v.c.engine, v.c, kept, v.log}
	sched := scheduler.New(scheduler.Config{
		Store: kept, Engine: engine, Catalog: v.follow.catalog, Clock: clock.Real, Log: v.log, Schedules: true,
		Request: func(plan *machine.Plan, dir string) runner.Request { return requestOf(v.conf, plan, dir) },
		Replay: func(ctx context.Context, run string) (*machine.Run, error) {
			r, _, err := v.c.engine.Run(ctx, run)
			return r, foreseen(err)
		},
		Reopened: kept.Reopened,
		Beat:     func() time.Time { return t.Was }, SetBeat: t.Beat,
	})
	ctx, end := context.WithCancel(ctx)
	defer end()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer end()
	v.follow.changed = sched.Nudge
	v.runs.onCluster(v.c, func(_ context.Context, id string) (*machine.Plan, string, error) { return v.follow.find(id) })
	beside.Go(func() { v.follow.follow(ctx, again(ctx, hup)) })
	beside.Go(func() { v.ends(ctx, sched) })
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }()
	select {
	case <-sched.Ready():
	case err := <-ended:
		return err
	}
	defer v.offer(ctx, sched, kept, engine)()
	v.log.Info("ready", "after", time.Since(v.started).Round(time.Millisecond))
	return <-ended
}

// ends tells the scheduler, and the log, which runs have ended.
func (v *farServing) ends(ctx context.Context, sched *scheduler.Service) {
	began := time.Now()
	v.c.engine.Ends(ctx, endsEvery, func(run string, at time.Time, state machine.RunState) {
		if at.After(began) {
			v.log.Info("run is over", "run", run, "state", state)
		}
		sched.Ended(run, at)
	}, func(err error) {
		if err != nil {
			v.log.Warn("cannot see which runs have ended", "error", err)
			return
		}
		v.log.Info("sees again which runs have ended")
	})
}

// offer has other commands of this state folder ask the server while it leads. The function returned ends that.
func (v *farServing) offer(ctx context.Context, sched *scheduler.Service, kept *remembered.Store, engine onCluster) (end func()) {
	return offerAPI(ctx, v.log, server.Config{
		Engine: engine, Scheduler: sched, Catalog: v.follow.catalog, Store: kept, Hub: &farHub{ctx: ctx, c: v.c}, Log: v.log,
		Version: thisBuild().Version, Home: v.conf.Home, DAGs: v.conf.DAGs, Keeps: v.conf.Engine, PID: os.Getpid(),
	})
}

// leaderEvery is how often a server that stands by looks who leads.
const leaderEvery = 5 * time.Second

// tellLeader says who leads, whenever that changes.
func (v *farServing) tellLeader(ctx context.Context) {
	was := identity()
	for tick := time.NewTicker(leaderEvery); ; {
		if now, err := remembered.Leader(ctx, v.c.conn); err == nil && now != was && now != "" {
			if was = now; now != identity() {
				v.log.Info("another server leads; this one stands by", "leads", now)
			}
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// identity is how Temporal knows this process.
func identity() string { return temporalconf.Identity() }

// A farHub tells listeners of what changes in a run on Temporal, for as long as anybody listens.
type farHub struct {
	runner.Hub
	ctx context.Context //nolint:containedctx // of the term
	c   *cluster

	mu    sync.Mutex
	going map[string]bool
}

// Listen implements server.Hub.
func (h *farHub) Listen(run string, depth int) *runner.Listener {
	l := h.Hub.Listen(run, depth)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.going[run] || run == "" {
		return l
	}
	if h.going == nil {
		h.going = map[string]bool{}
	}
	h.going[run] = true
	go h.follow(run)
	return l
}

// follow looks at a run until it is over, or nobody listens any more.
func (h *farHub) follow(run string) {
	ctx, end := context.WithCancel(h.ctx)
	defer end()
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				h.mu.Lock()
				if ctx.Err() == nil && !h.Heard(run) {
					delete(h.going, run)
					end()
				}
				h.mu.Unlock()
			}
		}
	}()
	for ctx.Err() == nil {
		_, err := h.c.engine.Follow(ctx, run, nil, h.Observe, func(error) {})
		if err == nil || !errors.Is(err, temporal.ErrUnknown) {
			break
		}
		time.Sleep(endsEvery) // it is being started
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() == nil {
		delete(h.going, run)
	}
}
