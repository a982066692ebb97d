package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weft/handoff"
	"weft/logs"
	"weft/logs/away"
	"weft/machine"
	"weft/runner/temporal"
	remembered "weft/store/temporal"
	"weft/temporalconf"
)

func workerCommand(e *env) *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "carry out tasks of runs that Temporal keeps, until it is stopped",
		Long: `Work for runs that were started with the engine temporal: host them, and carry out the tasks of
one or more queues (a task's queue: key; without one it is default). Any number of workers, on any number of machines, share
the work. They need the same handoff, a place that all of them reach.

SIGTERM or Ctrl-C takes nothing more, gives what runs the time of drain (30s) to end, and stops; the rest runs again
elsewhere, under its number and key. What a worker that is killed leaves running ends within seconds.`,
		Example: `  weft worker
  weft worker --queue default --queue gpu --concurrency 4 --listen :9090`,
		Args: exactArgs(0, "weft worker takes no argument: --queue names what it works for"),
		RunE: func(*cobra.Command, []string) error { return e.work(o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.queues, "queue", nil, "a queue to work for; may be repeated (default default)")
	f.IntVar(&o.concurrency, "concurrency", 16, "tasks at a time, over all queues")
	f.StringVar(&o.listen, "listen", "", "serve /healthz, /readyz and /metrics at [HOST]:PORT; without a host, to this machine alone")
	temporalFlags(e, cmd)
	f.StringVar(&o.logFormat, "log-format", "text", "what the worker says of itself, on stderr: text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "the least that is said: debug, info, warn or error")
	return cmd
}

type workerOptions struct {
	serveOptions
	queues      []string
	concurrency int
	listen      string
}

func (o workerOptions) check() error {
	if o.concurrency < 1 || o.concurrency > 10_000 {
		return usagef("--concurrency is a number from 1 to 10000, not %d", o.concurrency)
	}
	if i := slices.IndexFunc(o.queues, func(q string) bool { return strings.TrimSpace(q) != q || q == "" || len(q) > 200 }); i >= 0 {
		return usagef("%q is no queue", o.queues[i])
	}
	return nil
}

// A working is one worker: what weft worker puts together.
type working struct {
	*env
	o       workerOptions
	log     *slog.Logger
	home    *workerHome
	logs    *workerLogs
	place   string // URI of the handoff
	values  handoff.Backend
	metrics *temporal.Metrics
	work    *temporal.Worker
}

// ownHandoff is the handoff of the configuration, or the folder of the state folder.
func (e *env) ownHandoff() string {
	if e.conf.Handoff != "" {
		return e.conf.Handoff
	}
	return handoff.FileURI(filepath.Join(e.conf.Home, "handoff"))
}

func (e *env) work(o workerOptions) error {
	log, err := o.logger(e)
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return err
	}
	v := &working{env: e, o: o, log: log, place: e.ownHandoff(), metrics: temporal.NewMetrics()}
	if v.values, err = handoff.Known().At(v.place); err != nil {
		return err
	}
	if v.home, err = claimWorkerHome(e.conf.Home, e.conf.Grace); err != nil {
		return err
	}
	defer v.home.close()
	ctx, hurry := stopped()
	return v.run(ctx, hurry)
}

// stopped are the signals to stop: the first ends the context, the second closes hurry, the third ends weft.
func stopped() (context.Context, <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		cancel()
		<-signals
		close(hurry)
		signal.Stop(signals)
	}()
	return ctx, hurry
}

// run works until it is stopped.
func (v *working) run(ctx context.Context, hurry <-chan struct{}) error {
	conn := v.temporalOptions()
	conn.Patience, conn.Metrics, conn.Claims = forGood, v.metrics.Handler(), temporalconf.NewClaims(v.values)
	far, err := v.openCluster(ctx, conn, v.log)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	defer far.close()
	v.runs.onCluster(far, v.finder())
	c, cfg := far.conn, v.config()
	cfg.Stow, cfg.Also = conn.Claims.Stow, func(r temporal.Registry) { remembered.Register(r, c) }
	if v.work, err = temporal.NewWorker(c, cfg); err != nil {
		return err
	}
	endPage, err := v.page()
	if err != nil {
		return err
	}
	defer endPage()
	g, err := startGuard(v.home, v.stderr, v.work.Until, func(err error) {
		v.log.Warn("the guard is gone; were this worker killed, what it runs would live until the next one begins", "error", err)
	})
	if err != nil {
		return err
	}
	defer g.end()
	defer v.capLogs()()
	v.log.Info("weft works", "version", thisBuild().Version, "queues", strings.Join(queuesOf(v.o.queues), ","), "concurrency", v.o.concurrency,
		"handoff", v.place, "home", v.home.dir, "pid", os.Getpid())
	context.AfterFunc(ctx, func() { v.log.Info("stopping: nothing more is taken", "drain", v.conf.Drain) })
	err = v.work.Run(ctx, hurry)
	shipping, cancel := context.WithTimeout(context.Background(), shipLimit)
	defer cancel()
	if err := v.logs.ship.Wait(shipping); err != nil {
		v.log.Warn(err.Error(), "folder", filepath.Join(v.home.dir, "logs"))
	}
	v.log.Info("stopped")
	return err
}

// shipLimit is how long a worker that ends waits for its logs to arrive.
const shipLimit = 30 * time.Second

func queuesOf(named []string) []string {
	if len(named) == 0 {
		return []string{"default"}
	}
	return named
}

// config is what the worker does, and with what.
func (v *working) config() temporal.Config {
	folders, from := &temporal.Folders{}, &workerFolders{e: v.env, place: v.place, values: v.values}
	x := newExecutor(v.conf, v.plugins, v.home.dir)
	x.Dir, x.Patient = folders.Dir, true
	v.logs = &workerLogs{
		store: logs.New(filepath.Join(v.home.dir, "logs"), v.conf.LogCap), cap: v.conf.LogCap, own: v.place,
		ship: &away.Shipper{Log: v.log, Remove: true}, going: map[logs.ID]*away.Shipment{},
	}
	v.logs.attach(x)
	return temporal.Config{
		Exec: x, Folders: folders, Knows: func(uses string) bool { return v.plugins.Get(uses) != nil }, Version: thisBuild().Version,
		Queues: queuesOf(v.o.queues), Concurrency: v.o.concurrency, Pokes: v.conf.PokeSlots,
		Place: v.place, Values: v.values, Folder: from.find,
		Drain: v.conf.Drain, Space: func() error { return roomIn(v.home.dir) },
		Left: func(run machine.RunInfo) { v.logs.left(run) }, Said: v.logs.said,
		Metrics: v.metrics, Log: v.log,
	}
}

// roomIn is an error if a file system has no space for a file.
func roomIn(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Blocks == 0 {
		return nil // who cannot tell tries
	}
	if fs.Bavail < 16 || fs.Files > 0 && fs.Ffree < 16 {
		return fmt.Errorf("cannot begin anything: the disk of %s is full", shown(dir))
	}
	return nil
}

// page serves health and metrics, if they are asked for.
func (v *working) page() (end func(), err error) {
	if v.o.listen == "" {
		return func() {}, nil
	}
	l, err := listenForWorker(v.o.listen)
	if err != nil {
		return nil, err
	}
	v.log.Info("health and metrics are served", "address", l.Addr().String())
	p := &workerPage{work: v.work, metrics: v.metrics}
	return p.serve(l, v.log), nil
}

// capLogs keeps the logs of what runs below their cap.
func (v *working) capLogs() (end func()) {
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(capInterval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				v.logs.store.CapAll()
			}
		}
	}()
	return func() { close(done); <-over }
}
