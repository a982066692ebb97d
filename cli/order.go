package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weft/machine"
	"weft/runner/local"
)

// give has an order by hand carried out (machine.Reopened, machine.Marked): here, and then the run
// is driven to its end; by a live server; or by the process that drives the run already.
func (e *env) give(s *session, r *machine.Run, order machine.Fact, asJSON bool) error {
	if s.far != nil {
		return e.giveFar(s, r, order, asJSON)
	}
	if done, err := e.order(s, r, order, asJSON); done {
		return err
	}
	run := r.Info().Key()
	err := s.free(run)
	switch {
	case err == nil:
		return e.carry(s, r, order, asJSON)
	case !errors.Is(err, local.ErrDriven):
		return err
	}
	if o, ok := order.(machine.Reopened); ok && o.Dir != "" { // the driver knows the old folder
		hint, cannot := moved(err, o)
		return &hinted{cannot, hint}
	}
	taken, err := e.leave(s, run, order)
	if err != nil {
		return err
	}
	if !taken {
		if r, err = s.replay(run); err == nil {
			err = e.carry(s, r, order, asJSON)
		}
		return err
	}
	if r, err = s.replay(run); err != nil {
		return err
	}
	if asJSON {
		return e.printLine(r.Summarize())
	}
	fmt.Fprintf(e.stdout, "done; another weft drives %s: weft logs -f %s follows it\n", run, shellWord(run))
	return nil
}

// carry records the order and drives the run to its end.
func (e *env) carry(s *session, r *machine.Run, order machine.Fact, asJSON bool) error {
	ctx, run := context.Background(), r.Info().Key()
	if err := e.stay(r); err != nil {
		return err
	}
	watch := e.watch(asJSON, true)
	defer watch.Close()
	if err := e.drive(s, watch.Update); err != nil {
		return err
	}
	if !show(watch, r, order) {
		return errChanged(run)
	}
	var err error
	switch order := order.(type) {
	case machine.Reopened:
		err = s.engine.Reopen(ctx, run, order)
	case machine.Marked:
		err = s.engine.Mark(ctx, run, order)
	}
	switch {
	case errors.Is(err, local.ErrRefused):
		return errChanged(run)
	case err != nil:
		return driven(err)
	}
	return e.await(s, watch, run)
}

// show shows where a run stands as an order is carried out; false if the run will not take it. Where the run begins
// again tells its machine, which is only looked at.
func show(watch *watching, r *machine.Run, order machine.Fact) bool {
	now := time.Now().UTC()
	if _, clear := order.(machine.Reopened); clear {
		if r.Step(machine.Event{At: now, Fact: order}); len(r.Changes()) == 0 {
			return false
		}
	}
	watch.followSince(r, now)
	return true
}

// How often leave looks whether the order has been taken, and whether its driver still lives.
const (
	takenPoll = 50 * time.Millisecond
	alivePoll = time.Second
)

// leave puts the order down, durable, for the process that drives the run, and waits until that
// takes it. taken is false if the driver let go of the run without: then there is none any more.
// Should that happen later, whoever resumes the run finds the order.
func (e *env) leave(s *session, run string, order machine.Fact) (taken bool, err error) {
	ctx := context.Background()
	recs, err := s.store.Read(ctx, run)
	if err != nil {
		return false, err
	}
	if err := s.store.PutAsk(ctx, run, machine.Event{At: time.Now().UTC(), Fact: order}); err != nil {
		return false, err
	}
	patience := time.After(s.conf.Grace + 10*time.Second)
	look, alive := time.NewTicker(takenPoll), time.NewTicker(alivePoll)
	defer look.Stop()
	defer alive.Stop()
	for {
		select {
		case <-patience:
			return false, &hinted{
				fmt.Errorf("cannot see run %s take the order yet: the order is given", run),
				"weft runs show " + shellWord(run) + " tells how far it is",
			}
		case <-alive.C:
			if s.free(run) != nil {
				continue
			}
			found, err := s.took(run, len(recs), order)
			return found, err
		case <-look.C:
			if found, err := s.took(run, len(recs), order); found || err != nil {
				return found, err
			}
		}
	}
}

// took tells whether the journal of a run has the order behind its first records; an error if it
// has and the run did not take it.
func (s *session) took(run string, from int, order machine.Fact) (bool, error) {
	ctx := context.Background()
	recs, err := s.store.Read(ctx, run)
	if err != nil {
		return false, err
	}
	want, err := json.Marshal(order)
	if err != nil {
		return false, err
	}
	for i := from; i < len(recs); i++ {
		got, err := json.Marshal(recs[i].Event.Fact)
		if err != nil || !bytes.Equal(got, want) {
			continue
		}
		r, err := local.Replay(ctx, s.store, run, recs[:i])
		if err != nil {
			return false, err
		}
		if r.Step(recs[i].Event); len(r.Changes()) == 0 {
			return false, errChanged(run)
		}
		return true, nil
	}
	return false, nil
}
