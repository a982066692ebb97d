package sim

import (
	"context"
	"errors"
	"slices"

	"weft/machine"
	"weft/store"
)

// A deaf store stands between the engine and the disk and changes what passes.
type deaf struct {
	store.Store
	append func(run string, recs []store.Record, update *store.Run, done func(error))
	read   func(run string, recs []store.Record) []store.Record
	create func(err error) error
}

// Append implements store.Journal.
func (d *deaf) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	if d.append == nil {
		d.Store.Append(run, recs, update, done)
		return
	}
	d.append(run, recs, update, done)
}

// Read implements store.Journal.
func (d *deaf) Read(ctx context.Context, run string) ([]store.Record, error) {
	recs, err := d.Store.Read(ctx, run)
	if d.read != nil {
		recs = d.read(run, recs)
	}
	return recs, err
}

// Create implements store.Runs.
func (d *deaf) Create(ctx context.Context, row store.Run, recs []store.Record) error {
	err := d.Store.Create(ctx, row, recs)
	if d.create != nil {
		err = d.create(err)
	}
	return err
}

// acksAtOnce tells the engine that an append is durable before it is, if it holds such a fact.
func acksAtOnce(which func(machine.Fact) bool) func(*Sim, store.Store) store.Store {
	return func(_ *Sim, under store.Store) store.Store {
		return &deaf{Store: under, append: func(run string, recs []store.Record, update *store.Run, done func(error)) {
			if !slices.ContainsFunc(recs, func(r store.Record) bool { return which(r.Event.Fact) }) {
				under.Append(run, recs, update, done)
				return
			}
			done(nil)
			under.Append(run, recs, update, func(error) {})
		}}
	}
}

// blank has the engine not see such facts when it reads a journal: it forgot them.
func blank(which func(machine.Fact) bool) func(*Sim, store.Store) store.Store {
	return func(s *Sim, under store.Store) store.Store {
		return &deaf{Store: under, read: func(run string, recs []store.Record) []store.Record {
			for i := range recs {
				recs[i].After = 0 // and the hashes do not give it away
				if f := recs[i].Event.Fact; which(f) && s.forgettable(run, f) {
					recs[i].Event.Fact = machine.TimerFired{Timer: "nobody's"}
				}
			}
			return recs
		}}
	}
}

// isFirstPoke is told from other starts by forgettable, which knows the plan.
func isFirstPoke(f machine.Fact) bool { return isStart(f) }

// forgettable narrows what blank forgets to what its bug is about.
func (s *Sim) forgettable(run string, f machine.Fact) bool {
	start, ok := f.(machine.AttemptStarted)
	if !ok {
		return true
	}
	t := s.dags[run].plan.Task(start.Task)
	return t != nil && (t.Sensor == nil) == s.bug.forgetFound
}

// reorders swaps the start of an attempt with what follows it in the journal.
func reorders(_ *Sim, under store.Store) store.Store {
	return &deaf{Store: under, append: func(run string, recs []store.Record, update *store.Run, done func(error)) {
		recs = slices.Clone(recs)
		for i := 0; i+1 < len(recs); i++ {
			if isStart(recs[i].Event.Fact) && !isStart(recs[i+1].Event.Fact) {
				recs[i].Event, recs[i+1].Event = recs[i+1].Event, recs[i].Event
				i++
			}
		}
		under.Append(run, recs, update, done)
	}}
}

// createsTwice does not look whether a run's id is taken.
func createsTwice(_ *Sim, under store.Store) store.Store {
	return &deaf{Store: under, create: func(err error) error {
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	}}
}

// An unsynced store acknowledges what is in the page cache only: a crash drops it.
type unsynced struct {
	backing
	waiting []write
	cache   []write
}

type write struct {
	run    string
	recs   []store.Record
	update *store.Run
	done   func(error)
}

func noSync(_ *Sim, under backing) backing { return &unsynced{backing: under} }

// Append implements store.Journal.
func (u *unsynced) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	u.waiting = append(u.waiting, write{run, recs, update, done})
}

// Pending counts what waits for Flush.
func (u *unsynced) Pending() int { return len(u.waiting) }

// Flush acknowledges.
func (u *unsynced) Flush() int {
	group := u.waiting
	u.waiting = nil
	for _, w := range group {
		u.cache = append(u.cache, w)
		w.done(nil)
	}
	if len(u.cache) > 12 {
		u.sync()
	}
	return len(group)
}

// sync writes what was acknowledged.
func (u *unsynced) sync() {
	for _, w := range u.cache {
		u.backing.Append(w.run, w.recs, w.update, func(error) {})
	}
	u.cache = nil
	u.backing.Flush()
}

// Persist writes the cache: the crash that follows then loses nothing of it.
func (u *unsynced) Persist(int) { u.sync() }

// Crash drops the cache.
func (u *unsynced) Crash(torn int) {
	u.waiting, u.cache = nil, nil
	u.backing.Crash(torn)
}

// Read sees the cache, as long as weft lives.
func (u *unsynced) Read(ctx context.Context, run string) ([]store.Record, error) {
	u.sync()
	return u.backing.Read(ctx, run)
}

// A tearing store keeps half an append after a crash.
type tearing struct {
	backing
	waiting []write
}

func tornIn(_ *Sim, under backing) backing { return &tearing{backing: under} }

// Append implements store.Journal.
func (t *tearing) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	t.waiting = append(t.waiting, write{run: run, recs: recs})
	t.backing.Append(run, recs, update, done)
}

// Flush makes durable what waits.
func (t *tearing) Flush() int {
	t.waiting = nil
	return t.backing.Flush()
}

// Persist makes durable what waits, and tells nobody.
func (t *tearing) Persist(n int) {
	t.waiting = t.waiting[min(n, len(t.waiting)):]
	t.backing.Persist(n)
}

// Crash keeps what came to the disk of the first append, as if it were whole.
func (t *tearing) Crash(torn int) {
	t.backing.Crash(0)
	if len(t.waiting) > 0 && torn > 0 && torn < len(t.waiting[0].recs) {
		t.backing.Append(t.waiting[0].run, t.waiting[0].recs[:torn], nil, func(error) {})
		t.backing.Persist(1)
	}
	t.waiting = nil
}
