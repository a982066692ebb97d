package local

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// prepare makes a run durable: its plan, its row, the record that opens its journal.
func prepare(ctx context.Context, st store.Store, ps *plans, clock Clock, req runner.Request, hold bool) (*drive, error) {
	now := clock.Now().UTC().Truncate(time.Microsecond)
	if req.Run == "" {
		req.Run = runner.RunID(req.Type, req.LogicalDate, now)
	}
	hash, err := ps.keep(ctx, st, req.Plan)
	if err != nil {
		return nil, err
	}
	row, rec, err := firstRecord(req, hash, hold, now)
	if err != nil {
		return nil, err
	}
	if err := st.Create(ctx, row, []store.Record{rec}); err != nil {
		return nil, err
	}
	plan := ps.share(hash, req.Plan)
	var failed error // of a plan of a later epoch
	run := machine.New(ps.loader(context.WithoutCancel(ctx), st, &failed))
	run.Step(rec.Event)
	runtime.KeepAlive(plan) // until the run has it
	d := newDrive(run, row, 1)
	d.opening = &rec.Event
	return d, nil
}

func newDrive(run *machine.Run, row store.Run, seq uint64) *drive {
	return &drive{
		id: row.ID, run: run, row: row, seq: seq, durable: seq, stepped: seq,
		live: map[machine.Key]liveKind{}, stopping: map[machine.Key]string{}, alarms: map[string]*alarm{}, acks: map[uint64]func(error){},
	}
}

// firstRecord makes the run's row and the record that opens its journal.
func firstRecord(req runner.Request, hash string, hold bool, now time.Time) (store.Run, store.Record, error) {
	started, err := req.Started(hash)
	if err != nil {
		return store.Run{}, store.Record{}, err
	}
	started.Hold = hold
	row := store.Run{
		ID: machine.RunKey(req.Plan.DAG, req.Type, req.Run), DAG: req.Plan.DAG, Type: req.Type, LogicalDate: req.LogicalDate.UTC(), State: machine.RunQueued,
		Plan: hash, Dir: req.Dir, CreatedAt: now,
	}
	if !hold {
		row.State, row.StartedAt = machine.RunRunning, now
	}
	return row, store.Record{Seq: 1, Event: machine.Event{At: now, Fact: started}}, nil
}

// ErrReplay says that a journal no longer gives the states it gave when it was written.
var ErrReplay = errors.New("its journal gives other states than when it was written")

// open replays a run's journal into a drive.
func open(ctx context.Context, st store.Store, ps *plans, id string) (*drive, error) {
	row, err := st.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	recs, err := st.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	run, err := ps.replay(ctx, st, id, recs)
	if err != nil {
		return nil, err
	}
	return newDrive(run, row, recs[len(recs)-1].Seq), nil
}

// Replay folds a run's records into its machine, and holds each record's hash against the state
// that the replay comes to.
func Replay(ctx context.Context, st store.Plans, id string, recs []store.Record) (*machine.Run, error) {
	return newPlans().replay(ctx, st, id, recs)
}

func (ps *plans) replay(ctx context.Context, st store.Plans, id string, recs []store.Record) (*machine.Run, error) {
	var missing error
	run := machine.New(ps.loader(context.WithoutCancel(ctx), st, &missing))
	hashes := make([]uint64, len(recs)+1)
	for i, rec := range recs {
		if rec.After > uint64(i) || (rec.After > 0 && hashes[rec.After] != rec.Hash) {
			return nil, fmt.Errorf("cannot go on with run %s: record %d: %w", id, rec.Seq, ErrReplay)
		}
		if err := run.Check(rec.Event); err != nil {
			if missing != nil {
				err = missing
			}
			return nil, fmt.Errorf("cannot go on with run %s: record %d: %w", id, rec.Seq, err)
		}
		run.Step(rec.Event)
		hashes[i+1] = run.Hash()
	}
	return run, nil
}

// lose records that attempts were cut off: those whose live file was found, and those that the
// journal knows to have begun. A sensor's wait is not cut off: its next poke simply comes. It
// returns the keys, which the machine orders anew, or fails, once that is durable.
func (d *drive) lose(found map[machine.Key]bool) map[machine.Key]bool {
	lost := map[machine.Key]bool{}
	cut := machine.AttemptLost{Reason: "weft ended while it ran"}
	if d.core.gaveUp[d.id] != nil {
		cut = machine.AttemptLost{Reason: "weft could not write its journal", Ordered: true}
	}
	lose := func(key machine.Key) {
		lost[key] = true
		cut.Key = key
		d.record(cut)
	}
	for _, cmd := range d.run.Outstanding() {
		switch cmd := cmd.(type) {
		case machine.StartAttempt:
			o, ok := d.run.Order(cmd.Key)
			if ok && o.Task.Sensor == nil && (found[cmd.Key] || d.run.Began(cmd.Key)) {
				lose(cmd.Key)
			}
		case machine.StopAttempt:
			if o, ok := d.run.DrainOrder(cmd.Key); ok && o.Remote == nil { // of an epoch that is over: it has ended, that is all
				lose(cmd.Key)
			}
		}
	}
	return lost
}
