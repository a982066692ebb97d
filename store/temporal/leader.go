package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// How a leader says that it is there. What is not said for leadTimeout ends its leadership on the server; it ends it
// itself leadSlack before that.
const (
	leadBeat    = 2 * time.Second
	leadTimeout = 10 * time.Second
	leadSlack   = 3 * time.Second
)

// A Term is the time in which a server leads.
type Term struct {
	// Token is higher than that of every leader before.
	Token int64
	// Was is when a server last had all decided until then, as it said by Beat; zero if none ever did.
	Was time.Time
	// Held ends when the server leads no more. Until then it may still settle what it has begun, though it was asked
	// to end.
	Held   context.Context //nolint:containedctx // it is the term
	beat   func(time.Time)
	giveUp func()
}

// GiveUp ends the term; whoever is next, maybe this server, begins with what is remembered.
func (t *Term) GiveUp() { t.giveUp() }

// Beat says that everything until a moment is decided. It never blocks; the next leader finds it in Was.
func (t *Term) Beat(at time.Time) { t.beat(at) }

// Lead waits until this server leads, and has it do the leader's work then. One leads at a time: who carries out the one
// activity of workflow weft/leader, which ends never and makes no history; if that server says nothing for ten seconds,
// the next one gets it. me names the server to people.
//
// The ctx of work ends when the server leads no more, or when ctx ends; then work returns soon. If it was only ctx that
// ended, the server leads until work has returned, and hands over at once. Lead returns when ctx has ended, or when work
// returned by itself, then with its error; else it stands by again.
func Lead(ctx context.Context, c client.Client, me string, log *slog.Logger, work func(ctx context.Context, t *Term) error) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &lead{client: c, me: me, log: log, work: work, asked: ctx, over: make(chan error, 1)}
	w := worker.New(c, ServeQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: 1,
		MaxConcurrentActivityTaskPollers:   1,
		WorkerStopTimeout:                  time.Minute,
		DisableEagerActivities:             true,
	})
	registerFlows(w)
	w.RegisterActivityWithOptions(l.lead, activity.RegisterOptions{Name: leadActivity})
	if err := w.Start(); err != nil {
		return fmt.Errorf("cannot stand by as a server: %w", err)
	}
	defer w.Stop() // takes nothing more, and waits for what it leads
	for !l.exists(ctx) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(leadBeat):
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.over:
		return err
	}
}

// exists has the workflow of leaders be there.
func (l *lead) exists(ctx context.Context) bool {
	_, err := l.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: LeaderID, TaskQueue: ServeQueue, StaticSummary: "which weft server leads",
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, LeaderWorkflow)
	if err != nil && ctx.Err() == nil {
		l.log.Warn("cannot reach Temporal to stand by; it is tried again", "error", err)
	}
	return err == nil
}

// endless is longer than any server lives.
const endless = 100 * 365 * 24 * time.Hour

// leaderFlow is one activity that never ends.
func leaderFlow(ctx workflow.Context) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: ServeQueue, StartToCloseTimeout: endless, HeartbeatTimeout: leadTimeout,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 1},
	})
	if err := workflow.ExecuteActivity(ctx, leadActivity).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("the leader's activity ended; it begins anew", "error", err)
	}
	return workflow.NewContinueAsNewError(ctx, LeaderWorkflow)
}

// lead is one server that leads, or stands by.
type lead struct {
	client client.Client
	me     string
	log    *slog.Logger
	work   func(ctx context.Context, t *Term) error
	asked  context.Context //nolint:containedctx // of Lead: what it starts ends with it
	over   chan error
}

// lead does the leader's work, and says meanwhile that it does.
func (l *lead) lead(ctx context.Context) error {
	info := activity.GetInfo(ctx)
	stop := activity.GetWorkerStopChannel(ctx)
	var was time.Time
	if activity.HasHeartbeatDetails(ctx) {
		var said beatDetails
		if err := activity.GetHeartbeatDetails(ctx, &said); err == nil {
			was = said.Was
		}
	}
	if l.asked.Err() != nil { // it is ending
		<-stop
		return handOver()
	}
	held, lose := context.WithCancel(context.WithoutCancel(l.asked))
	defer lose()
	t := &Term{Token: tokenOf(info), Was: was, Held: held, giveUp: lose}
	p := &pulse{lead: l, token: info.TaskToken, was: was, told: was, news: make(chan struct{}, 1), lose: lose}
	t.beat = p.set
	l.log.Info("this server leads", "server", l.me, "token", t.Token, "was", was)

	ctx, cancel := context.WithCancel(l.asked)
	defer cancel()
	context.AfterFunc(held, cancel)
	beating, rest := context.WithCancel(held)
	var beside sync.WaitGroup
	beside.Go(func() { p.beat(beating) })
	err := l.work(ctx, t)
	rest()
	beside.Wait()
	if held.Err() != nil {
		l.log.Warn("this server leads no more", "server", l.me, "token", t.Token)
		return errors.New("another server leads")
	}
	p.say(held) // what was said last
	if l.asked.Err() == nil {
		l.over <- err
	}
	<-stop // so that it is not this server that gets it again
	return handOver()
}

// handOver has the server's activity be done by another at once.
func handOver() error {
	return temporal.NewApplicationErrorWithOptions("the server ended, another takes over", "weft.over",
		temporal.ApplicationErrorOptions{NextRetryDelay: time.Millisecond})
}

// tokenOf makes a number that rises with each leader: of the moment at which the activity was ordered (milliseconds),
// which is later in a later execution of the workflow, and of how often it was begun since.
func tokenOf(info activity.Info) int64 {
	return info.ScheduledTime.UnixMilli()<<20 | int64(info.Attempt)&(1<<20-1)
}

// beatDetails are what a leader says with each heartbeat.
type beatDetails struct {
	Server string    `json:"server"`
	Was    time.Time `json:"was,omitzero"`
}

// A pulse is a leader's heartbeats. They are its own, so that it knows which were heard.
type pulse struct {
	*lead
	token []byte
	lose  func()

	mu   sync.Mutex
	was  time.Time
	told time.Time     // what was said of it last
	news chan struct{} // it is to be said soon
}

// set takes what is to be said. What is a second newer than what was said is said now.
func (p *pulse) set(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.was = at
	if d := at.Sub(p.told); d > time.Second || d < -time.Second {
		select {
		case p.news <- struct{}{}:
		default:
		}
	}
}

// beat says that the server leads until ctx ends, and ends its leadership if that was not heard for too long. Both
// clocks count: while a machine sleeps one of them stands still.
func (p *pulse) beat(ctx context.Context) {
	heard := time.Now()
	tick := time.NewTicker(leadBeat)
	defer tick.Stop()
	for {
		at := time.Now()
		switch err := p.say(ctx); {
		case ctx.Err() != nil:
			return
		case err == nil:
			heard = at
		case gone(err):
			p.lose()
			return
		}
		if late(heard, time.Now()) {
			p.lose()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.news:
		}
		if late(heard, time.Now()) { // this process was stopped meanwhile
			p.lose()
			return
		}
	}
}

func late(heard, now time.Time) bool {
	const most = leadTimeout - leadSlack
	return now.Sub(heard) > most || now.Round(0).Sub(heard.Round(0)) > most
}

// say sends one heartbeat and waits for the answer.
func (p *pulse) say(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leadBeat)
	defer cancel()
	p.mu.Lock()
	was := p.was
	p.told = was
	p.mu.Unlock()
	return p.client.RecordActivityHeartbeat(ctx, p.token, beatDetails{Server: p.me, Was: was})
}

// gone tells that a server knows nothing of a leader any more.
func gone(err error) bool {
	var missing *serviceerror.NotFound
	var cancelled *temporal.CanceledError
	return errors.As(err, &missing) || errors.As(err, &cancelled)
}
