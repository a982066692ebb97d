package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"weft/store"
)

// Settle implements store.Schedules. Changes are one update of each DAG that they touch, several at one time: all or
// nothing for each, and for all together as far as the caller can tell, for each is tried until it is done. Only the
// end of the leader's term cuts that off; then nothing can be settled here any more, and the next leader begins with
// what is remembered. Nothing is settled by who does not lead.
func (s *Store) Settle(ctx context.Context, c *store.Changes) error {
	const doing = "cannot keep what is scheduled"
	if c.Empty() {
		return nil
	}
	if err := cmp.Or(ctx.Err(), s.o.Held.Err()); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if s.o.Token == 0 {
		return fmt.Errorf("%s: only the server that leads may: %w", doing, store.ErrGap)
	}
	s.settling.Lock()
	defer s.settling.Unlock()
	if s.broken != nil {
		return fmt.Errorf("%s: %w", doing, s.broken)
	}
	c.Keep()
	parts := split(c, s.next())
	ctx = context.WithoutCancel(ctx)
	err := s.met(ctx, parts)
	if err == nil {
		err = s.settle(ctx, parts)
	}
	if err != nil {
		s.broken = err
		if s.o.GiveUp != nil {
			s.o.GiveUp()
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	for _, p := range parts {
		for i, n := range p.answer.Absences {
			c.Absences[p.fresh[i]].ID = n
		}
	}
	return nil
}

// A part is what changes say of one DAG.
type part struct {
	dag string
	Settle
	fresh  []int // places of its new absences in the changes
	answer Settled
}

// next gives numbers that rise over all DAGs, so that lists of all of them have an order.
func (s *Store) next() func() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, s.o.Now().UnixMicro())
	return func() int64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last++
		return s.last
	}
}

// split makes one part for each DAG that changes touch, in the order in which they name them. New rows are proposed
// numbers.
func split(c *store.Changes, next func() int64) (parts []*part) {
	at := map[string]*part{}
	of := func(dag string) *part {
		p := at[dag]
		if p == nil {
			p = &part{dag: dag}
			at[dag], parts = p, append(parts, p)
		}
		return p
	}
	for i := range c.DAGs {
		of(c.DAGs[i].ID).DAG = &c.DAGs[i]
	}
	for _, d := range c.Due {
		p := of(d.DAG)
		p.Due = append(p.Due, d)
	}
	for _, d := range c.Settled {
		p := of(d.DAG)
		p.Settled = append(p.Settled, d)
	}
	for _, m := range c.Missed {
		p := of(m.DAG)
		p.Missed = append(p.Missed, Numbered{N: next(), Missed: m})
	}
	for i, a := range c.Absences {
		if p := of(a.DAG); a.ID == 0 {
			a.ID = next()
			p.Absences = slices.Insert(p.Absences, p.Fresh, a)
			p.Fresh++
			p.fresh = append(p.fresh, i)
		} else {
			p.Absences = append(p.Absences, a)
		}
	}
	for _, a := range c.DropAbsences {
		p := of(a.DAG)
		p.DropAbsences = append(p.DropAbsences, a.ID)
	}
	for _, m := range c.DropMissed {
		p := of(m.DAG)
		p.DropMissed = append(p.DropMissed, m.ID)
	}
	for _, b := range c.Backfills {
		p := of(b.DAG)
		p.Backfills = append(p.Backfills, b)
	}
	return parts
}

// met sees to DAGs that this leader has not met: after it has learned of all there are they are taken for new, else it
// claims them first.
func (s *Store) met(ctx context.Context, parts []*part) error {
	var news []string
	s.mu.Lock()
	for _, p := range parts {
		if s.dags[p.dag] != nil {
			continue
		}
		if p.New = s.whole; p.New {
			s.dags[p.dag] = &Kept{}
		} else {
			news = append(news, p.dag)
		}
	}
	s.mu.Unlock()
	return s.claim(ctx, news)
}

func (s *Store) settle(ctx context.Context, parts []*part) error {
	s.seq++
	for _, p := range parts {
		p.Token, p.Seq = s.o.Token, s.seq
	}
	errs := make([]error, len(parts))
	each(len(parts), func(i int) {
		p := parts[i]
		errs[i] = s.insist(ctx, p.dag, func() (err error) {
			p.answer, err = s.o.Far.Settle(ctx, p.dag, p.Settle)
			return err
		})
		if errs[i] != nil {
			return
		}
		p.number(p.answer)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dags[p.dag].settle(&p.Settle)
		for _, n := range slices.Concat(p.answer.Absences, p.answer.Missed) {
			s.last = max(s.last, n)
		}
	})
	return errors.Join(errs...)
}
