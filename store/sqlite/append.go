package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"

	"weft/store"
)

// Append implements store.Journal. Events become JSON here, on the caller's time. done runs on the
// goroutine that writes: it must be quick, and must not wait for the store.
func (s *Store) Append(run string, recs []store.Record, update *store.Run, done func(error)) {
	a := &appending{run: run}
	o := &op{what: "cannot write the journal of run " + run, appends: true, do: a.write, done: done}
	if a.entries, o.err = store.Encode(run, recs); o.err != nil {
		o.err = refuse(o.err)
	} else if update != nil {
		a.row, o.err = rowToSet(run, *update)
	}
	a.update = update != nil
	s.w.put(o)
}

func rowToSet(run string, update store.Run) (row, error) {
	if update.ID != run {
		return row{}, refuse(fmt.Errorf("cannot write run %s: the row is that of run %s", run, update.ID))
	}
	return rowOf(update.Kept())
}

// An appending is one Append on its way.
type appending struct {
	run     string
	entries []store.Entry
	update  bool
	row     row
}

func (a *appending) write(t *tx) error {
	end, err := t.tail(a.run)
	if err != nil {
		return err
	}
	if err := store.Follow(a.run, end.seq, a.entries); err != nil {
		return refuse(err)
	}
	if a.update {
		if err := t.setRow(end.n, a.row); err != nil {
			return err
		}
	}
	return t.add(a.run, end, a.entries)
}

// A tail is where a journal ends.
type tail struct {
	n   int64 // the run's number
	seq uint64
	sum []byte
}

// tail tells where a run's journal ends. Unless this session has just written it itself, it looks
// it up and checks that the last record is the one that is remembered: nothing is chained to a
// damaged end.
func (t *tx) tail(run string) (tail, error) {
	if end, ok := t.ends.known[run]; ok {
		return end, nil
	}
	var end tail
	var there []byte
	var id string
	err := t.row(tailOf, run).Scan(&end.n, &id, &end.seq, &end.sum, &there)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return end, refuse(fmt.Errorf("cannot write run %s: %w", run, store.ErrNotFound))
	case err != nil:
		return end, err
	case id != run:
		return end, astray(run)
	case !bytes.Equal(there, end.sum):
		return end, refuse(store.Corrupt(run, end.seq, "not the last record that was written"))
	}
	return end, nil
}

// add puts entries behind the tail.
func (t *tx) add(run string, end tail, entries []store.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	last := store.Chain(run, end.sum, entries)
	for _, e := range entries {
		if _, err := t.exec(addEvent, end.n, int64(e.Seq), int64(e.After), int64(e.Hash), string(e.Event), e.Sum); err != nil {
			return err
		}
	}
	end.seq, end.sum = entries[len(entries)-1].Seq, last
	_, err := t.exec(moveTail, int64(end.seq), end.sum, end.n)
	if err == nil {
		t.ends.put(run, end)
	}
	return err
}

// setRow replaces a run's row. It comes before all other writes of its op: what it refuses has
// changed nothing.
func (t *tx) setRow(n int64, r row) error {
	res, err := t.exec(setRun, r.state, r.plan, r.dir, r.created, r.started, r.finished, r.tasks, r.sum,
		n, r.dag, r.kind, r.logical)
	if err != nil {
		return err
	}
	if hit, err := res.RowsAffected(); err != nil || hit == 0 {
		return refuse(fmt.Errorf("cannot write run %s: its DAG, type and logical date never change", r.id))
	}
	return nil
}
