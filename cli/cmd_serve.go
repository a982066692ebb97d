package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weft/catalog"
	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/spec"
	"weft/store"
)

func serveCommand(e *env) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "run DAGs by their schedules, until it is stopped",
		Long: `Serve a folder or bucket of DAGs: begin their runs when they are due, go on with what was cut
off, and carry out what other commands order. One server serves a state folder.

DAGs are read again when they change; each run keeps the version that it began with. SIGTERM or
Ctrl-C begins nothing more, gives what runs the time of drain (30s) to end, and stops; the next
server goes on with the rest. SIGHUP looks for changed DAGs at once.

With --engine temporal runs live on a Temporal server, and weft worker carries their tasks out; of any number of servers
one leads, and the others stand by.`,
		Example: `  weft serve
  weft serve --dags s3://acme-data/dags --log-format json
  weft serve --engine temporal --temporal-address temporal.acme.example:7233`,
		Args: exactArgs(0, "weft serve takes no argument: --dags names the DAGs"),
		RunE: func(*cobra.Command, []string) error { return e.serve(o) },
	}
	f := cmd.Flags()
	f.StringVar(&e.dags, "dags", "", "the DAGs: a folder, or s3://BUCKET/PREFIX (default dags, or WEFT_DAGS)")
	f.StringVar(&o.logFormat, "log-format", "text", "what the server says of itself, on stderr: text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "the least that is said: debug, info, warn or error")
	sandboxFlag(e, cmd, beginsInSandbox)
	return cmd
}

type serveOptions struct{ logFormat, logLevel string }

// logger says what the server does.
func (o serveOptions) logger(e *env) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usagef("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	h := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(e.stderr, h)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(e.stderr, h)), nil
	}
	return nil, usagef("--log-format is text or json, not %q", o.logFormat)
}

// forGood is how long a server waits for space on its disk.
const forGood = 10 * 365 * 24 * time.Hour

// A serving is one server: what weft serve puts together.
type serving struct {
	*env
	s       *session
	log     *slog.Logger
	lead    *leader
	sched   *scheduler.Service
	follow  *follower
	hub     runner.Hub     // tells other commands what changes
	beside  sync.WaitGroup // what goes on beside the scheduler
	started time.Time
}

func (e *env) serve(o serveOptions) error {
	log, err := o.logger(e)
	if err != nil {
		return err
	}
	if e.onTemporal() {
		return e.serveFar(log)
	}
	lead, err := lead(e.conf.Home)
	if err != nil {
		return err
	}
	defer lead.close()
	s, err := openSession(e.conf, true)
	if err != nil {
		return err
	}
	defer s.close()
	s.patience = forGood
	v := &serving{env: e, s: s, log: log, lead: lead, started: time.Now()}
	return v.run()
}

// run serves until a signal says to stop.
func (v *serving) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	v.s.here = v.sameWorld
	if err := v.drive(v.s, v.observe); err != nil {
		return err
	}
	if err := v.open(ctx); err != nil {
		return err
	}
	v.log.Info("weft serves", "version", thisBuild().Version, "home", v.conf.Home, "dags", v.conf.DAGs, "pid", os.Getpid())
	v.follow.refresh(ctx)
	if v.follow.catalog.Now() == nil && v.follow.dir != "" {
		return &hinted{errors.New(v.follow.said), "weft init makes a folder of DAGs; WEFT_DAGS or dags in weft.yaml names another"}
	}
	ended := make(chan error, 1)
	go func() { ended <- v.sched.Run(ctx) }()
	v.beside.Go(func() { v.follow.follow(ctx, again(ctx, hup)) })
	v.beside.Go(func() { v.retain(ctx) })
	v.beside.Go(func() { v.tellStalls(ctx) })
	select {
	case <-v.sched.Ready():
	case err := <-ended:
		return err
	}
	defer v.offer(ctx)()
	v.log.Info("ready", "after", time.Since(v.started).Round(time.Millisecond))
	err := <-ended
	stop() // a second signal ends weft at once
	v.drain()
	v.beside.Wait()
	return err
}

// drain gives what runs its time to end, and leaves the rest to the next server.
func (v *serving) drain() {
	v.log.Info("stopping: nothing more begins", "drain", v.conf.Drain)
	if err := v.s.engine.Drain(context.Background(), v.conf.Drain); err != nil {
		v.log.Error("cannot leave everything in order; the next server mends it", "error", err)
	}
	v.log.Info("stopped")
}

// again passes SIGHUP on as a wish to look at once.
func again(ctx context.Context, hup <-chan os.Signal) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		for {
			select {
			case <-hup:
			case <-ctx.Done():
				return
			}
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// open makes the catalog and the scheduler.
func (v *serving) open(ctx context.Context) error {
	cat, dir, err := v.openPlace(ctx)
	if err != nil {
		return err
	}
	v.follow = &follower{catalog: cat, dir: dir, except: v.conf.Home, every: v.conf.Poll, log: v.log}
	v.sched = scheduler.New(scheduler.Config{
		Store: v.s.store, Engine: orderly{v.s.engine, v.s}, Catalog: cat, Clock: clock.Real, Log: v.log, Schedules: true,
		Request: func(plan *machine.Plan, dir string) runner.Request {
			req := requestOf(v.conf, plan, dir)
			req.Sandbox = v.sandbox
			return req
		},
		Replay:   func(_ context.Context, run string) (*machine.Run, error) { return v.s.replay(run) },
		Reopened: store.ReopenedBy(v.s.store),
		Beat:     func() time.Time { return v.lead.was }, SetBeat: v.lead.beat,
	})
	v.follow.changed = v.sched.Nudge
	v.runs.serve(v.find)
	return nil
}

// find finds the version of a DAG that is in force, for dag.run.
func (v *serving) find(_ context.Context, id string) (*machine.Plan, string, error) {
	return v.follow.find(id)
}

// find finds the version of a DAG that is in force.
func (f *follower) find(id string) (*machine.Plan, string, error) {
	now := f.catalog.Now()
	entry, ok := now.Entries[id]
	if !ok {
		err := fmt.Errorf("cannot find DAG %q: none of that id is in force", id)
		if near := spec.Nearest(id, now.IDs()); len(near) > 0 {
			return nil, "", &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
		}
		return nil, "", err
	}
	return f.catalog.Plan(entry)
}

// openPlace makes the catalog of what is served. dir is the folder, "" of a bucket.
func (v *env) openPlace(ctx context.Context) (c *catalog.Catalog, dir string, err error) {
	if remote(v.conf.DAGs) {
		c, _, err = v.openCatalog(ctx, v.conf.DAGs)
		return c, "", err
	}
	return v.openFolder(v.conf.DAGs)
}

// observe hears of every change of every run, on the engine's thread.
func (v *serving) observe(u runner.Update) {
	v.hub.Observe(u)
	switch u.Type {
	case "run_started":
		v.log.Info("run begins", "run", u.Run, "state", u.State)
	case "run_finished":
		v.log.Info("run is over", "run", u.Run, "state", u.State, "reason", u.Reason)
		v.sched.Ended(u.Run, u.At)
		v.s.dirs.Delete(u.Run)
	}
}
