package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/server"
	"weft/store"
)

// runFar starts a run on Temporal, and shows it to its end.
func (e *env) runFar(req runner.Request, o runOptions) error {
	s, err := e.openRuns(true)
	if err != nil {
		return err
	}
	defer s.close()
	run, err := s.far.on().Start(context.Background(), req)
	existed := errors.Is(err, store.ErrExists) && o.id != ""
	if err != nil && !existed {
		return err
	}
	plan, state := req.Plan, machine.RunQueued
	if existed {
		r, err := s.replay(run)
		if err != nil {
			return err
		}
		if other := r.Info().DAG; other != req.Plan.DAG {
			return &hinted{fmt.Errorf("cannot start run %s of %s: a run of %s has that id", run, req.Plan.DAG, other), "choose another --run-id"}
		}
		plan, state = r.Plan(), r.State()
		if state.Terminal() && !o.detach {
			e.overAlready(run)
		}
	}
	if o.detach {
		return e.began(server.Accepted{Run: run, Existed: existed, State: state}, o.json)
	}
	watch := e.watch(o.json, true)
	defer watch.Close()
	watch.begin(plan)
	return e.followFar(s, watch, nil, run)
}

// giveFar has an order by hand carried out by a run on Temporal, and shows the run to its end.
func (e *env) giveFar(s *session, r *machine.Run, order machine.Fact, asJSON bool) error {
	ctx, run := context.Background(), r.Info().Key()
	watch := e.watch(asJSON, true)
	defer watch.Close()
	var err error
	switch order := order.(type) {
	case machine.Reopened:
		if order.Dir != "" {
			err = s.far.publish(ctx, order.Dir)
		}
		if err == nil {
			err = s.far.engine.Reopen(ctx, run, order)
		}
	case machine.Marked:
		err = s.far.engine.Mark(ctx, run, order)
	}
	switch {
	case errors.Is(err, runner.ErrRefused):
		return errChanged(run)
	case err != nil:
		return foreseen(err)
	}
	var seen *machine.Summary
	if show(watch, r, order) {
		sum := r.Summarize()
		seen = &sum
	}
	return e.followFar(s, watch, seen, run)
}

// followFar shows runs on Temporal to their ends; the worst of them is the answer. seen is what of one has been shown.
// Ctrl-C cancels them; pressed twice it leaves.
func (e *env) followFar(s *session, watch *watching, seen *machine.Summary, runs ...string) error {
	watch.again = "Ctrl-C again leaves"
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var left atomic.Bool
	signals := make(chan os.Signal, 2)
	heed(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		watch.interrupt()
		for _, run := range runs {
			go func() {
				if err := s.far.engine.Cancel(ctx, run, userName(), "interrupted"); err != nil && ctx.Err() == nil {
					e.complain(err)
				}
			}()
		}
		select {
		case <-ctx.Done():
		case <-signals:
			left.Store(true)
			leave()
		}
	}()
	var worst error
	for _, run := range runs {
		sum, err := s.far.engine.Follow(ctx, run, seen, watch.Update, e.missing(run))
		if left.Load() {
			watch.Close()
			fmt.Fprintln(e.stderr, "left; what is cancelled ends by itself")
			return errInterrupted
		}
		if err != nil {
			return &hinted{fmt.Errorf("cannot see the end of run %s: %w", run, err), "it goes on: weft runs show " + shellWord(run) + " tells how far it is"}
		}
		watch.finish(sum)
		if sum.State != machine.RunSuccess {
			worst = errRunFailed
		}
	}
	if watch.interrupted.Load() {
		return errInterrupted
	}
	return worst
}

// missing says once that a run cannot be seen just now, and that it can be seen again.
func (e *env) missing(run string) func(error) {
	var mu sync.Mutex
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			fmt.Fprintf(e.stderr, "waits: %v\n", err)
			return
		}
		fmt.Fprintf(e.stderr, "run %s is seen again\n", run)
	}
}

// cancelFar ends a run on Temporal.
func (e *env) cancelFar(s *session, row store.Run, order machine.CancelAsked) error {
	ctx := context.Background()
	if err := s.far.engine.Cancel(ctx, row.ID, order.By, order.Reason); err != nil {
		return foreseen(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.conf.Grace+10*time.Second)
	defer cancel()
	sum, err := s.far.engine.Wait(ctx, row.ID)
	if err != nil {
		return &hinted{fmt.Errorf("cannot see the end of run %s yet: the order is given", row.ID), "weft runs show " + shellWord(row.ID) + " tells how far it is"}
	}
	_, err = fmt.Fprintf(e.stdout, "%s is %s\n", row.ID, sum.State)
	return err
}
