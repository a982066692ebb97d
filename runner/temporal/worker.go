package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"weft/clock"
	"weft/handoff"
	"weft/machine"
	"weft/runner"
)

// Config says what a worker does, and with what.
type Config struct {
	Exec    Executor
	Folders *Folders               // of runs: Exec asks it
	Knows   func(uses string) bool // whether there is such a plugin; nil = any
	Version string                 // of this weft, for messages

	Queues      []string // `queue:` of tasks; none = default
	HostsOnly   bool     // it hosts runs, and does what any weft can do, but carries out no task
	Concurrency int      // attempts at a time, over all queues; 0 = 16
	Pokes       int      // pokes and checks at a time; 0 = 64

	Place  string                                                         // URI of the handoff where plans lie, and what runs without one of their own keep
	Values handoff.Backend                                                // the same, opened
	Folder func(ctx context.Context, from Source) (dir string, err error) // nil: that of the order, which must be there

	Drain time.Duration // for what runs to end by itself when the worker is stopped
	Pace  Pace
	Hold  time.Duration // how long an attempt waits here for a slot before another worker gets it; 0 = 3 s

	// Stow has a result be where it goes when it is too large for Temporal; nil: it is sent as it is. What cannot be sent would
	// be done again.
	Stow func(ctx context.Context, result any) error

	Space func() error              // why nothing may begin for now; nil = it always may
	Left  func(run machine.RunInfo) // told when nothing was done for a run here for a while
	Said  func(o machine.Order)     // told when an activity for an attempt has ended, and all of its log is written

	Metrics *Metrics         // nil = nothing is counted
	Also    func(r Registry) // what else the worker takes from Queue
	Log     *slog.Logger
	Clock   clock.Clock // nil = the machine's
}

// A Registry takes workflows and activities.
type Registry = worker.Registry

func (c Config) orUsual() Config {
	if len(c.Queues) == 0 {
		c.Queues = []string{""}
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 16
	}
	if c.Pokes <= 0 {
		c.Pokes = 64
	}
	if c.Hold <= 0 {
		c.Hold = 3 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = clock.Real
	}
	if c.Folders == nil {
		c.Folders = &Folders{}
	}
	c.Pace = c.Pace.orUsual()
	return c
}

// Folders are those of the DAG files of runs that a worker does something for, by machine.RunKey.
type Folders struct{ all sync.Map }

// Dir is a run's folder, "" if nothing is known of the run.
func (f *Folders) Dir(run string) string {
	dir, _ := f.all.Load(run)
	s, _ := dir.(string)
	return s
}

// A Worker hosts runs, and carries out attempts of the queues that it was given.
type Worker struct {
	client client.Client
	hands  *hands
	parts  []worker.Worker
	fatal  chan error // what no waiting mends
}

// Bounds of what a worker does beside attempts, and of how it asks for work.
const (
	lightAtOnce   = 100              // activities of Queue
	workflowSlots = 200              // workflow tasks at a time
	afterDrain    = 15 * time.Second // for what was told to end at the end of a drain, and to tell of it
	mostPollers   = 4
)

// NewWorker makes a worker of a client; Run has it work.
func NewWorker(c client.Client, cfg Config) (*Worker, error) {
	cfg = cfg.orUsual()
	h := newHands(cfg, c)
	w := &Worker{client: c, hands: h, fatal: make(chan error, 1)}
	base := worker.Options{
		DisableEagerActivities: true, DisableRegistrationAliasing: true, WorkerStopTimeout: cfg.Drain + afterDrain,
		OnFatalError: func(err error) {
			select {
			case w.fatal <- err:
			default:
			}
		},
	}
	host := base
	host.Tuner = tuner(fixed(lightAtOnce))
	w.parts = append(w.parts, worker.New(c, Queue, host))
	RegisterWorkflows(w.parts[0])
	h.registerLight(w.parts[0])
	if cfg.Also != nil {
		cfg.Also(w.parts[0])
	}
	names := slices.Clone(cfg.Queues)
	if cfg.HostsOnly {
		names = nil
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		for queue, g := range map[string]*gate{TaskQueue(name): h.gate, WatchQueue(name): h.pokes} {
			o := base
			o.DisableWorkflowWorker, o.Tuner = true, tuner(g)
			o.MaxConcurrentActivityTaskPollers = min(g.size, mostPollers)
			part := worker.New(c, queue, o)
			h.register(part)
			w.parts = append(w.parts, part)
		}
	}
	cfg.gauges(h)
	return w, nil
}

// tuner bounds activities by a supplier.
func tuner(activities worker.SlotSupplier) worker.WorkerTuner {
	t, err := worker.NewCompositeTuner(worker.CompositeTunerOptions{
		WorkflowSlotSupplier: fixed(workflowSlots), ActivitySlotSupplier: activities, LocalActivitySlotSupplier: fixed(1),
		NexusSlotSupplier: fixed(1), SessionActivitySlotSupplier: fixed(1),
	})
	if err != nil {
		panic("temporal: " + err.Error()) // it never fails
	}
	return t
}

func fixed(n int) worker.SlotSupplier {
	s, err := worker.NewFixedSizeSlotSupplier(n)
	if err != nil {
		panic("temporal: " + err.Error()) // n is above 0
	}
	return s
}

// register has a part carry out what tasks order.
func (h *hands) register(r worker.ActivityRegistry) {
	as := func(name string, do any) { r.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name}) }
	as(AttemptActivity, func(ctx context.Context, o Order, v Views) (machine.Outcome, error) {
		return h.attempt(ctx, activity.GetInfo(ctx), o, v)
	})
	as(PokeActivity, func(ctx context.Context, o Order, v Views) (machine.Outcome, error) {
		return h.poke(ctx, activity.GetInfo(ctx), o, v)
	})
	as(IntendActivity, func(ctx context.Context, o Order, v Views) (runner.Intent, error) {
		return h.intend(ctx, activity.GetInfo(ctx), o, v)
	})
	as(SubmitActivity, func(ctx context.Context, o Order, v Views) (runner.Submitted, error) {
		return h.submit(ctx, activity.GetInfo(ctx), o, v)
	})
	as(CheckActivity, func(ctx context.Context, o Order, v Views) (machine.Outcome, error) {
		return h.check(ctx, activity.GetInfo(ctx), o, v)
	})
	as(HaltActivity, func(ctx context.Context, o Order, reason string) (machine.Outcome, error) {
		return h.halt(ctx, activity.GetInfo(ctx), o, reason)
	})
}

// registerLight has a part do what any weft can.
func (h *hands) registerLight(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(func(ctx context.Context, o Order, v Views, q machine.Evaluate) (machine.Evaluated, error) {
		return h.evaluate(ctx, activity.GetInfo(ctx), o, v, q)
	}, activity.RegisterOptions{Name: EvaluateActivity})
}

// gauges has the metrics ask the worker.
func (c Config) gauges(h *hands) {
	if c.Metrics == nil {
		return
	}
	c.Metrics.Gauge("weft_worker_slots", func() float64 { return float64(h.gate.size) })
	c.Metrics.Gauge("weft_worker_slots_used", func() float64 { held, _ := h.gate.busy(); return float64(held) })
	c.Metrics.Gauge("weft_worker_waiting", func() float64 { _, waiting := h.gate.busy(); return float64(waiting) })
	c.Metrics.Gauge("weft_worker_activities", func() float64 { jobs, _ := h.running(); return float64(jobs) })
	c.Metrics.Gauge("weft_worker_draining", func() float64 {
		if _, draining := h.running(); draining {
			return 1
		}
		return 0
	})
}

// Run works until ctx ends: then nothing more is taken on, what runs has the time of Drain to end by itself, and the rest is
// ended and runs again elsewhere, under its number and key. A second end, hurry, cuts that time short. The error is why it
// could not begin, or what no waiting mends.
func (w *Worker) Run(ctx context.Context, hurry <-chan struct{}) error {
	for i, part := range w.parts {
		if err := part.Start(); err != nil {
			for _, begun := range w.parts[:i] {
				begun.Stop()
			}
			return cannotStart(err)
		}
	}
	tidying, stop := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	beside.Go(func() { w.hands.keepTidy(tidying) })
	var fatal error
	select {
	case <-ctx.Done():
	case err := <-w.fatal:
		fatal = fmt.Errorf("cannot go on working: %w", err)
	}
	w.drain(hurry)
	stop()
	beside.Wait()
	w.hands.tidy(true)
	return fatal
}

// Reach is nil if Temporal answers.
func (w *Worker) Reach(ctx context.Context) error {
	_, err := w.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// cannotStart explains why a worker does not start.
func cannotStart(err error) error {
	var absent *temporal.NamespaceNotFoundError
	if errors.As(err, &absent) {
		return fmt.Errorf("cannot work: there is no such namespace: %w", err)
	}
	return fmt.Errorf("cannot work: %w", err)
}

func (h *hands) keepTidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.tidy(false)
		case <-ctx.Done():
			return
		}
	}
}

// drain ends all in order.
func (w *Worker) drain(hurry <-chan struct{}) {
	grace, cancel := context.WithTimeout(context.Background(), w.hands.cfg.Drain)
	defer cancel()
	go func() {
		select {
		case <-hurry:
			cancel()
		case <-grace.Done():
		}
	}()
	go w.hands.drain(grace)
	var parts sync.WaitGroup
	for _, part := range w.parts {
		parts.Go(part.Stop)
	}
	parts.Wait()
}

// Until is when what the worker has in hand ends at the latest if it hears no more of the server; false: it has nothing in
// hand.
func (w *Worker) Until() (time.Duration, bool) { return w.hands.until() }

// Status is how a worker is.
type Status struct {
	Slots    int  `json:"slots"`
	Used     int  `json:"used"`
	Waiting  int  `json:"waiting"`
	InHand   int  `json:"in_hand"`
	Draining bool `json:"draining"`
}

// Status tells how the worker is.
func (w *Worker) Status() Status {
	h := w.hands
	used, waiting := h.gate.busy()
	jobs, draining := h.running()
	return Status{Slots: h.gate.size, Used: used, Waiting: waiting, InHand: jobs, Draining: draining}
}
