package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/store"
)

// prepare makes a run durable: its plan, its row, the record that opens its journal.
func prepare(ctx context.Context, st store.Store, clock Clock, req runner.Request, hold bool) (*drive, error) {
	now := clock.Now().UTC().Truncate(time.Microsecond)
	if req.Run == "" {
		req.Run = runner.RunID(req.Type, req.LogicalDate, now)
	}
	body, hash := req.Plan.Encode()
	row, rec, err := firstRecord(req, hash, hold, now)
	if err != nil {
		return nil, err
	}
	if err := st.PutPlan(ctx, hash, body); err != nil {
		return nil, err
	}
	if err := st.Create(ctx, row, []store.Record{rec}); err != nil {
		return nil, err
	}
	run := machine.New(func(h string) *machine.Plan {
		if h == hash {
			return req.Plan
		}
		var failed error // a plan of a later epoch
		return loader(context.WithoutCancel(ctx), st, &failed)(h)
	})
	run.Step(rec.Event)
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
	params, vars, err := req.Inputs()
	if err != nil {
		return store.Run{}, store.Record{}, err
	}
	row := store.Run{
		ID: machine.RunKey(req.Plan.DAG, req.Type, req.Run), DAG: req.Plan.DAG, Type: req.Type, LogicalDate: req.LogicalDate.UTC(), State: machine.RunQueued,
		Plan: hash, Dir: req.Dir, CreatedAt: now,
	}
	if !hold {
		row.State, row.StartedAt = machine.RunRunning, now
	}
	return row, store.Record{Seq: 1, Event: machine.Event{At: now, Fact: machine.RunStarted{
		Rules: machine.Rules, DAG: req.Plan.DAG, Run: req.Run, RunType: req.Type,
		LogicalDate: req.LogicalDate.UTC(), IntervalStart: req.IntervalStart.UTC(), IntervalEnd: req.IntervalEnd.UTC(),
		DS: dayIn(req.LogicalDate, req.Plan.Timezone), Params: params, Vars: vars, Plan: hash, By: req.By, Hold: hold,
		MaxInstances: req.MaxInstances, Handoff: req.Handoff, Sandbox: req.Sandbox, Parent: req.Parent,
	}}}, nil
}

// dayIn is the date of a moment in a zone; an unknown zone was refused by the validator.
func dayIn(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format(time.DateOnly)
}

// ErrReplay says that a journal no longer gives the states it gave when it was written.
var ErrReplay = errors.New("its journal gives other states than when it was written")

// open replays a run's journal into a drive.
func open(ctx context.Context, st store.Store, id string) (*drive, error) {
	row, err := st.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	recs, err := st.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	run, err := Replay(ctx, st, id, recs)
	if err != nil {
		return nil, err
	}
	return newDrive(run, row, recs[len(recs)-1].Seq), nil
}

// Replay folds a run's records into its machine, and holds each record's hash against the state
// that the replay comes to.
func Replay(ctx context.Context, plans store.Plans, id string, recs []store.Record) (*machine.Run, error) {
	var missing error
	run := machine.New(loader(ctx, plans, &missing))
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

// loader reads plans from the store, each once.
func loader(ctx context.Context, plans store.Plans, failed *error) machine.Plans {
	have := map[string]*machine.Plan{}
	return func(hash string) *machine.Plan {
		if p := have[hash]; p != nil {
			return p
		}
		body, err := plans.GetPlan(ctx, hash)
		if err != nil {
			*failed = err
			return nil
		}
		p, err := machine.DecodePlan(body)
		if err != nil {
			*failed = err
			return nil
		}
		have[hash] = p
		return p
	}
}

// lose records that attempts were cut off: those whose live file was found, and those that the
// journal knows to have begun. A sensor's wait is not cut off: its next poke simply comes. It
// returns the keys, which the machine orders anew, or fails, once that is durable.
func (d *drive) lose(found map[machine.Key]bool, reason string) map[machine.Key]bool {
	lost := map[machine.Key]bool{}
	for _, cmd := range d.run.Outstanding() {
		switch cmd := cmd.(type) {
		case machine.StartAttempt:
			o, ok := d.run.Order(cmd.Key)
			if ok && o.Task.Sensor == nil && (found[cmd.Key] || d.run.Began(cmd.Key)) {
				lost[cmd.Key] = true
				d.record(machine.AttemptLost{Key: cmd.Key, Reason: reason})
			}
		case machine.StopAttempt:
			if o, ok := d.run.DrainOrder(cmd.Key); ok && o.Remote == nil { // of an epoch that is over: it has ended, that is all
				lost[cmd.Key] = true
				d.record(machine.AttemptLost{Key: cmd.Key, Reason: reason})
			}
		}
	}
	return lost
}
