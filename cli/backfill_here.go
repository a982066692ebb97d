package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/store"
)

// keepBackfill changes what is kept of a backfill that nobody carries out.
func (e *env) keepBackfill(id, state string) error {
	if e.onTemporal() {
		return e.errNotServed("change backfill " + id)
	}
	l, err := lead(e.conf.Home)
	if err != nil {
		return err
	}
	defer l.close()
	s, err := openSession(e.conf, false)
	if err != nil {
		return err
	}
	defer s.close()
	ctx := context.Background()
	kept, err := s.store.Scheduled(ctx)
	if err != nil {
		return err
	}
	for _, row := range kept.Backfills {
		if row.ID != id {
			continue
		}
		if row.State = state; row.Over() {
			row.EndedAt, row.Reason = time.Now(), state+" by "+userName()
		}
		return s.store.Settle(ctx, &store.Changes{Backfills: []store.Backfill{row}})
	}
	return &hinted{fmt.Errorf("%w: %s", scheduler.ErrNoBackfill, id), "weft backfill list shows them"}
}

// backfillHere carries a backfill out without a server, until it is over. Ctrl-C pauses it, and leaves what runs to
// whoever resumes it.
func (e *env) backfillHere(asJSON bool, begin func(context.Context, *scheduler.Service) (store.Backfill, error)) error {
	l, err := lead(e.conf.Home)
	if err != nil {
		return err
	}
	defer l.close()
	s, err := openSession(e.conf, true)
	if err != nil {
		return err
	}
	defer s.close()
	interrupted, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cat, err := e.inForce(interrupted)
	if err != nil {
		return err
	}
	var svc *scheduler.Service
	observe := func(u runner.Update) {
		if u.Type == "run_finished" {
			svc.Ended(u.Run, u.At)
		}
		if !asJSON && (u.Type == "run_started" || u.Type == "run_finished") {
			fmt.Fprintf(e.stdout, "%s  %s  %s\n", u.At.Local().Format(time.TimeOnly), u.Run, u.State)
		}
	}
	svc = scheduler.New(scheduler.Config{
		Store: s.store, Engine: &onlyNew{s: s}, Catalog: cat, Clock: clock.Real,
		Request: func(plan *machine.Plan, dir string) runner.Request {
			req := requestOf(e.conf, plan, dir)
			req.Sandbox = e.sandbox
			return req
		},
		Replay:   func(_ context.Context, run string) (*machine.Run, error) { return s.replay(run) },
		Reopened: store.ReopenedBy(s.store),
		Beat:     func() time.Time { return time.Time{} }, SetBeat: func(time.Time) { l.beat(l.was) },
	})
	if err := e.drive(s, observe); err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	row, err := begin(ctx, svc)
	if err == nil {
		row, err = e.seeBackfill(interrupted, svc, s.store, row.ID)
	}
	end()
	<-ended
	if drained := s.engine.Drain(context.Background(), e.conf.Grace); err == nil {
		err = drained
	}
	if err != nil {
		return usageOf(err)
	}
	return e.endBackfill(row, asJSON)
}

// seeBackfill waits for the end of a backfill; when it is interrupted, it pauses it.
func (e *env) seeBackfill(interrupted context.Context, svc *scheduler.Service, st store.Schedules, id string) (store.Backfill, error) {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		list, err := st.ListBackfills(context.Background(), "", 0)
		if err != nil {
			return store.Backfill{}, err
		}
		for _, row := range list {
			if row.ID == id && row.State != "running" {
				return row, nil
			}
		}
		select {
		case <-look.C:
		case <-interrupted.Done():
			if err := svc.PauseBackfill(context.Background(), id, true); err != nil && !errors.Is(err, scheduler.ErrNoBackfill) {
				return store.Backfill{}, err
			}
		}
	}
}

// endBackfill tells how it ended.
func (e *env) endBackfill(row store.Backfill, asJSON bool) error {
	if asJSON {
		if err := e.printLine(row); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.stdout, "\n%s: %d of %d dates, %d begun, %d again, %d left\n", row.State, row.Next, row.Dates, row.Begun, row.Again, row.Left)
	}
	switch row.State {
	case "paused":
		fmt.Fprintf(e.stderr, "weft backfill resume %s goes on\n", shellWord(row.ID))
		return errInterrupted
	case "failed":
		return errRunFailed
	}
	return nil
}

// onlyNew is a session's engine that takes up nothing but what the backfill's own runs are: others are left to whoever
// resumes them.
type onlyNew struct {
	s *session
}

func (o *onlyNew) Start(ctx context.Context, req runner.Request) (string, error) {
	return o.s.start(ctx, req)
}

func (o *onlyNew) Resume(ctx context.Context, run string) error { return o.s.engine.Resume(ctx, run) }

func (o *onlyNew) Cancel(ctx context.Context, run, by, reason string) error {
	return o.s.engine.Cancel(ctx, run, by, reason)
}

func (o *onlyNew) Reopen(ctx context.Context, run string, order machine.Reopened) error {
	return o.s.engine.Reopen(ctx, run, order)
}

func (o *onlyNew) Wait(ctx context.Context, run string) (machine.Summary, error) {
	return o.s.engine.Wait(ctx, run)
}

// ResumeAll implements scheduler.Engine.
func (o *onlyNew) ResumeAll(ctx context.Context, runs ...string) map[string]error {
	out := map[string]error{}
	var mine []string
	for _, run := range runs {
		row, err := o.s.store.GetRun(ctx, run)
		if err == nil && row.Type == "backfill" {
			mine = append(mine, run)
			continue
		}
		out[run] = errors.New("it is none of a backfill")
	}
	for run, err := range o.s.engine.ResumeAll(ctx, mine...) {
		out[run] = err
	}
	return out
}
