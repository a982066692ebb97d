package mem

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"weft/store"
)

// scheduled is what a server remembers.
type scheduled struct {
	dags      map[string]store.DAG
	due       map[date]store.Due
	missed    []store.Missed
	absences  []store.Absence
	backfills map[string]store.Backfill
	last      int64 // the newest number of a record or an absence
}

// Scheduled implements store.Schedules.
func (s *Store) Scheduled(ctx context.Context) (out store.Scheduled, err error) {
	if err := s.begin(ctx, "cannot read what is scheduled"); err != nil {
		return out, err
	}
	defer s.mu.Unlock()
	out.DAGs = slices.SortedFunc(maps.Values(s.sched.dags), func(a, b store.DAG) int { return cmp.Compare(a.ID, b.ID) })
	out.Due = slices.SortedFunc(maps.Values(s.sched.due), func(a, b store.Due) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.DAG, b.DAG))
	})
	out.Absences = append(out.Absences, s.sched.absences...)
	for _, b := range slices.Backward(s.backfills("")) {
		if !b.Over() {
			out.Backfills = append(out.Backfills, b)
		}
	}
	return out, nil
}

// backfills are those of a DAG, newest first; mu is held.
func (s *Store) backfills(dag string) (out []store.Backfill) {
	for _, b := range s.sched.backfills {
		if dag == "" || b.DAG == dag {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b store.Backfill) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return out
}

func head[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		return list[:limit]
	}
	return list
}

// ListMissed implements store.Schedules.
func (s *Store) ListMissed(ctx context.Context, dag string, limit int) (out []store.Missed, err error) {
	if err := s.begin(ctx, "cannot list missed ticks"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.sched.missed) {
		if dag == "" || m.DAG == dag {
			out = append(out, m)
		}
	}
	return head(out, limit), nil
}

// ListBackfills implements store.Schedules.
func (s *Store) ListBackfills(ctx context.Context, dag string, limit int) ([]store.Backfill, error) {
	if err := s.begin(ctx, "cannot list backfills"); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	return head(s.backfills(dag), limit), nil
}

// Settle implements store.Schedules.
func (s *Store) Settle(ctx context.Context, c *store.Changes) error {
	const doing = "cannot keep what is scheduled"
	if c.Empty() {
		return nil
	}
	c.Keep()
	if err := s.begin(ctx, doing); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if err := s.commit(doing); err != nil {
		return err
	}
	k := &s.sched
	if k.dags == nil {
		k.dags, k.due, k.backfills = map[string]store.DAG{}, map[date]store.Due{}, map[string]store.Backfill{}
	}
	for _, d := range c.Settled {
		delete(k.due, date{d.DAG, d.Logical.UnixMicro()})
	}
	k.absences = slices.DeleteFunc(k.absences, func(a store.Absence) bool {
		return slices.ContainsFunc(c.DropAbsences, func(b store.Absence) bool { return a.ID == b.ID })
	})
	k.missed = slices.DeleteFunc(k.missed, func(m store.Missed) bool {
		return slices.ContainsFunc(c.DropMissed, func(n store.Missed) bool { return m.ID == n.ID })
	})
	for _, d := range c.DAGs {
		k.dags[d.ID] = d
	}
	for _, d := range c.Due {
		at := date{d.DAG, d.Logical.UnixMicro()}
		if _, there := k.due[at]; !there {
			k.due[at] = d
		}
	}
	for _, m := range c.Missed {
		k.last++
		m.ID = k.last
		k.missed = append(k.missed, m)
	}
	for i := range c.Absences {
		k.absent(&c.Absences[i])
	}
	for _, b := range c.Backfills {
		k.backfills[b.ID] = b
	}
	return nil
}

// absent puts an absence, in the order of numbers.
func (k *scheduled) absent(a *store.Absence) {
	if a.ID == 0 {
		k.last++
		a.ID = k.last
	}
	at, there := slices.BinarySearchFunc(k.absences, a.ID, func(b store.Absence, id int64) int { return cmp.Compare(b.ID, id) })
	if there {
		k.absences[at] = *a
		return
	}
	k.absences = slices.Insert(k.absences, at, *a)
}

var _ store.Schedules = (*Store)(nil)
