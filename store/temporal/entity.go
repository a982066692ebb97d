// Package temporal keeps what must be remembered where runs are driven by Temporal: of each DAG in a workflow of its
// own (an Entity), of the pools that all workers share in another, and who of several servers leads in a third.
//
//	Store ─▶ Far ─update, query▶ workflow weft/dag/<id> ─▶ Entity (pure)
//
// What is decided there is plain Go over plain data, so that all of it is tested without a server, too. Package
// runner/temporal has the runs themselves.
package temporal

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"weft/store"
)

// How much is kept of a DAG.
const (
	keptMissed    = 1000 // records of missed ticks, the newest
	keptBackfills = 100  // backfills that are over, the newest
)

// An Entity is all that is remembered of one DAG. It is what its workflow takes along when it goes on as a new
// execution, so its JSON is read by later wefts. Its methods are pure: moments are handed in.
type Entity struct {
	Kept
	// Leader is the token of the newest leader that has been here; those of lower ones are refused.
	Leader int64 `json:"leader,omitempty"`
	// Told is what was answered last: a leader that has not heard it asks again.
	Told Settled `json:"told,omitzero"`
	// Last is the newest number of a record or an absence.
	Last   int64            `json:"last,omitempty"`
	Missed []Numbered       `json:"missed,omitempty"` // as they came
	Ended  []store.Backfill `json:"ended,omitempty"`  // backfills that are over, as they were ordered
	Index
}

// A Kept is what a leader must know of a DAG to go on.
type Kept struct {
	DAG       store.DAG        `json:"dag"`                 // without an id: none has seen it yet
	Due       []store.Due      `json:"due,omitempty"`       // by time
	Absences  []store.Absence  `json:"absences,omitempty"`  // by ID
	Backfills []store.Backfill `json:"backfills,omitempty"` // that are not over, as they were ordered
}

// A Numbered is a record of missed ticks with its number, which rises.
type Numbered struct {
	N int64 `json:"n"`
	store.Missed
}

func (n Numbered) kept() store.Missed {
	n.ID = n.N
	return n.Missed
}

// A Claim is a leader's first word to a DAG.
type Claim struct {
	Token int64 `json:"token"`
}

// A Claimed answers it.
type Claimed struct {
	Kept
	Last  int64 `json:"last,omitempty"`
	Going int   `json:"going,omitempty"` // runs that are not over
}

// A Settle is what a leader has decided about one DAG: a part of store.Changes. Whole rows replace those that exist.
type Settle struct {
	Token int64 `json:"token"`
	Seq   int64 `json:"seq"` // rises with each settlement of a leader

	// New: the leader takes the DAG for one that was never seen; if it was, nothing of this is taken.
	New bool `json:"new,omitempty"`

	DAG          *store.DAG       `json:"dag,omitempty"`
	Due          []store.Due      `json:"due,omitempty"`
	Settled      []store.Due      `json:"settled,omitempty"`
	Missed       []Numbered       `json:"missed,omitempty"`   // N: the least number it may get
	Absences     []store.Absence  `json:"absences,omitempty"` // ID: likewise, of the first Fresh of them
	Fresh        int              `json:"fresh,omitempty"`
	DropAbsences []int64          `json:"drop_absences,omitempty"`
	DropMissed   []int64          `json:"drop_missed,omitempty"`
	Backfills    []store.Backfill `json:"backfills,omitempty"`
}

// A Settled answers it: the numbers of the new absences and records, in their order.
type Settled struct {
	Token    int64   `json:"token"`
	Seq      int64   `json:"seq"`
	Absences []int64 `json:"absences,omitempty"`
	Missed   []int64 `json:"missed,omitempty"`
}

// Refuses says why a DAG takes nothing from a leader, nil if it does: another has come after it. So whoever was stopped
// for a while, and does not know yet that it leads no more, does no harm.
func (e *Entity) Refuses(token int64) error {
	if token < e.Leader {
		return fmt.Errorf("server %d leads no more, %d does: %w", token, e.Leader, store.ErrGap)
	}
	return nil
}

// Claim lets a leader in, and shuts all earlier ones out.
func (e *Entity) Claim(c Claim) (Claimed, error) {
	if err := e.Refuses(c.Token); err != nil {
		return Claimed{}, err
	}
	e.Leader = c.Token
	return Claimed{Kept: e.Kept, Last: e.Last, Going: len(e.Going())}, nil
}

// Settle takes a decision, all of it or nothing. One that was taken already is answered as it was then.
func (e *Entity) Settle(s Settle) (Settled, error) {
	if err := e.Refuses(s.Token); err != nil {
		return Settled{}, err
	}
	if s.Token == e.Told.Token && s.Seq <= e.Told.Seq {
		if s.Seq < e.Told.Seq {
			return Settled{}, fmt.Errorf("settlement %d comes after %d: %w", s.Seq, e.Told.Seq, store.ErrGap)
		}
		return e.Told, nil
	}
	if s.New && e.DAG.ID != "" {
		return Settled{}, fmt.Errorf("DAG %s was remembered, and not listed: %w", e.DAG.ID, store.ErrGap)
	}
	e.Leader = s.Token
	out := Settled{Token: s.Token, Seq: s.Seq}
	for i := range s.Absences[:s.Fresh] {
		e.Last = max(e.Last+1, s.Absences[i].ID)
		out.Absences = append(out.Absences, e.Last)
	}
	for i := range s.Missed {
		e.Last = max(e.Last+1, s.Missed[i].N)
		out.Missed = append(out.Missed, e.Last)
	}
	s.number(out)
	e.Kept.settle(&s)
	e.Missed = slices.DeleteFunc(e.Missed, func(m Numbered) bool { return slices.Contains(s.DropMissed, m.N) })
	e.Missed = append(e.Missed, s.Missed...)
	e.Missed = newest(e.Missed, keptMissed)
	for _, b := range s.Backfills {
		e.Ended = slices.DeleteFunc(e.Ended, func(o store.Backfill) bool { return o.ID == b.ID })
		if b.Over() {
			e.Ended = ordered(append(e.Ended, b))
		}
	}
	e.Ended = newest(e.Ended, keptBackfills)
	e.Told = out
	return out, nil
}

// number gives the new rows the numbers that were answered.
func (s *Settle) number(by Settled) {
	s.Absences, s.Missed = slices.Clone(s.Absences), slices.Clone(s.Missed)
	for i, n := range by.Absences {
		s.Absences[i].ID = n
	}
	for i, n := range by.Missed {
		s.Missed[i].N = n
	}
}

// settle applies a decision whose rows have their numbers. Slices are replaced, never written to: others may look at
// them.
func (k *Kept) settle(s *Settle) {
	if s.DAG != nil {
		k.DAG = *s.DAG
	}
	k.Due = slices.DeleteFunc(slices.Clone(k.Due), func(d store.Due) bool {
		return slices.ContainsFunc(s.Settled, func(o store.Due) bool { return o.Logical.Equal(d.Logical) })
	})
	has := make(map[int64]bool, len(k.Due))
	for _, d := range k.Due {
		has[d.Logical.UnixMicro()] = true
	}
	for _, d := range s.Due {
		if at := d.Logical.UnixMicro(); !has[at] {
			has[at] = true
			k.Due = append(k.Due, d)
		}
	}
	slices.SortStableFunc(k.Due, func(a, b store.Due) int { return a.At.Compare(b.At) })

	k.Absences = slices.DeleteFunc(slices.Clone(k.Absences), func(a store.Absence) bool {
		return slices.Contains(s.DropAbsences, a.ID) || slices.ContainsFunc(s.Absences, func(o store.Absence) bool { return o.ID == a.ID })
	})
	k.Absences = append(k.Absences, s.Absences...)
	slices.SortFunc(k.Absences, func(a, b store.Absence) int { return cmp.Compare(a.ID, b.ID) })

	k.Backfills = slices.DeleteFunc(slices.Clone(k.Backfills), func(o store.Backfill) bool {
		return slices.ContainsFunc(s.Backfills, func(b store.Backfill) bool { return b.ID == o.ID })
	})
	for _, b := range s.Backfills {
		if !b.Over() {
			k.Backfills = append(k.Backfills, b)
		}
	}
	k.Backfills = ordered(k.Backfills)
}

// ordered sorts backfills by creation.
func ordered(list []store.Backfill) []store.Backfill {
	slices.SortFunc(list, func(a, b store.Backfill) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// newest drops the first of a list that is too long.
func newest[T any](list []T, most int) []T {
	if n := len(list) - most; n > 0 {
		return slices.Clone(list[n:])
	}
	return list
}

// head is the beginning of a list; limit 0 = all of it.
func head[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		return list[:limit]
	}
	return list
}

// ListMissed are the newest records, newest first.
func (e *Entity) ListMissed(limit int) []Numbered {
	list := slices.Clone(e.Missed)
	slices.SortFunc(list, func(a, b Numbered) int { return cmp.Compare(b.N, a.N) })
	return head(list, limit)
}

// ListBackfills are the newest ones, newest first.
func (e *Entity) ListBackfills(limit int) []store.Backfill {
	list := ordered(slices.Concat(e.Ended, e.Backfills))
	slices.Reverse(list)
	return head(list, limit)
}

// kept brings a moment into the form that every store keeps.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
