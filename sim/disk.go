package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"weft/machine"
	"weft/store"
)

// A backing is what store/mem gives: a store whose appends wait, and can be lost.
type backing interface {
	store.Store
	Pending() int
	Flush() int
	Persist(n int)
	Crash(torn int)
	Fail(err error)
}

// errDisk is a write that failed.
var errDisk = errors.New("no space left on device")

// A disk stands between the engine and the store: it decides when what is written becomes durable
// and where weft is killed, and keeps the ghost of each run.
type disk struct {
	backing
	s      *Sim
	due    bool          // a flush is planned
	full   time.Duration // until then nothing can be written
	ghosts map[string]*ghost
	failed map[string]bool
}

func newDisk(s *Sim, b backing) *disk {
	return &disk{backing: b, s: s, ghosts: map[string]*ghost{}, failed: map[string]bool{}}
}

// Append implements store.Journal.
func (d *disk) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	d.s.point("before an append")
	g := d.ghosts[run]
	if g != nil && len(recs) > 0 {
		g.ends[recs[len(recs)-1].Seq] = true
	}
	d.backing.Append(run, recs, update, func(err error) {
		switch {
		case err == nil && g != nil:
			delete(d.failed, run)
			g.durable(recs)
		case err != nil && !errors.Is(err, store.ErrGap):
			d.failed[run] = true
		case err != nil && !d.failed[run]:
			d.s.broken("doubled: run %s is written by two: %v", run, err)
		}
		done(err)
	})
	if d.s.fickle[run] && slices.ContainsFunc(recs, func(r store.Record) bool { return isEnd(r.Event.Fact) }) && d.s.chance(0.1) {
		delete(d.s.fickle, run)
		d.s.tellCore(func() { d.s.core.Record(run, machine.CancelAsked{By: "ann"}) })
	}
	if d.s.faults.jumps && d.s.chance(0.01) {
		d.s.after(0, d.s.setWall)
	}
	d.plan()
	d.s.point("after an append")
}

// plan has what waits flushed soon; now and then the disk stalls.
func (d *disk) plan() {
	if d.due {
		return
	}
	d.due = true
	wait := d.s.upTo(5 * time.Millisecond)
	if d.s.chance(0.02) {
		wait = d.s.upTo(3 * time.Second)
	}
	gen := d.s.gen
	d.s.after(wait, func() {
		if gen == d.s.gen && d.s.core != nil {
			d.flush()
		}
	})
}

// flush makes what waits durable, or crashes before, within or after.
func (d *disk) flush() {
	d.due = false
	s := d.s
	switch {
	case s.crashes("before a flush"):
		s.crash(s.rng.IntN(3))
		return
	case s.crashes("after a flush, before anyone was told"):
		d.Persist(1 + s.rng.IntN(d.Pending()+1))
		s.crash(s.rng.IntN(3))
		return
	case s.mono < d.full:
		d.Fail(errDisk)
	case s.faulty() && s.chance(0.004):
		s.logf("the disk refuses a write")
		d.Fail(errDisk)
		if s.chance(0.5) {
			d.full = s.mono + s.upTo(30*time.Second)
			s.logf("and all others until %s", d.full)
		}
	}
	d.Flush()
	s.outside("after a flush")
}

// lost is what a crash does to the disk.
func (d *disk) lost(torn int) {
	d.Crash(torn)
	d.due = false
}

// Create implements store.Runs.
func (d *disk) Create(ctx context.Context, row store.Run, recs []store.Record) error {
	d.s.point("before a run is created")
	if d.s.mono < d.full || d.s.faulty() && d.s.chance(0.01) {
		d.Fail(errDisk)
	}
	err := d.backing.Create(ctx, row, recs)
	if err == nil {
		d.created(row, recs)
		d.s.point("after a run is created")
	}
	return err
}

func (d *disk) created(row store.Run, recs []store.Record) {
	if d.ghosts[row.ID] != nil {
		d.s.broken("doubled: run %s is created twice", row.ID)
		return
	}
	g := newGhost(d.s, row.ID)
	d.ghosts[row.ID] = g
	d.s.order = append(d.s.order, row.ID)
	g.durable(recs)
	g.ends[g.seq] = true
}

// PutPlan implements store.Plans.
func (d *disk) PutPlan(ctx context.Context, hash string, body []byte) error {
	d.s.point("before a plan is kept")
	err := d.backing.PutPlan(ctx, hash, body)
	d.s.point("after a plan is kept")
	return err
}

// Read implements store.Journal.
func (d *disk) Read(ctx context.Context, run string) ([]store.Record, error) {
	d.s.point("before a journal is read")
	recs, err := d.backing.Read(ctx, run)
	d.s.point("after a journal is read")
	return recs, err
}

// DropAsks implements store.Asks.
func (d *disk) DropAsks(ctx context.Context, ids []int64) error {
	d.s.point("before orders are forgotten")
	err := d.backing.DropAsks(ctx, ids)
	d.s.point("after orders are forgotten")
	return err
}

// audit holds the journals against what was acknowledged, after a crash: all of it must be there,
// and of what was not acknowledged whole appends or nothing.
func (d *disk) audit() {
	for _, id := range d.s.order {
		g := d.ghosts[id]
		recs, err := d.backing.Read(d.s.ctx, id)
		switch {
		case err != nil:
			d.s.broken("cannot read the journal of run %s after a crash: %v", id, err)
		case uint64(len(recs)) < g.seq:
			d.s.broken("lost: %d records of run %s were acknowledged, %d are there after a crash", g.seq, id, len(recs))
		case !g.ends[uint64(len(recs))]:
			d.s.broken("torn: the journal of run %s ends within an append, at %d", id, len(recs))
		default:
			g.durable(recs[g.seq:])
		}
		if d.s.bad != nil {
			return
		}
	}
}
