package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"weft/store"
)

// Options make a Store.
type Options struct {
	Far   Far
	Plans store.Plans
	// Known lists DAGs to be asked for beside those that Far can list: those in force.
	Known func() []string
	// Token is the leader's: it alone may settle, and holds what it has settled in memory. 0: one who looks.
	Token int64
	// Held ends when the leader leads no more; nil: never. What is being settled is tried until then.
	Held context.Context //nolint:containedctx // a store is of one term
	// GiveUp, if not nil, is called when the leader does not know what is remembered and can settle nothing any more:
	// its term is to end, so that the next one begins with what is there.
	GiveUp func()
	Now    func() time.Time
	Log    *slog.Logger
}

// A Store is what scheduler and server ask of a store.Store: what is scheduled, the list of runs, plans. It may be used
// by many goroutines.
type Store struct {
	store.Plans
	o Options

	settling sync.Mutex // one settlement at a time
	seq      int64
	broken   error // the leader's knowledge is not what is remembered: it must begin anew

	mu     sync.Mutex
	dags   map[string]*Kept  // of a leader: what it claimed and settled since
	last   int64             // the newest number given
	busy   map[string]bool   // DAGs with runs that go on, as was seen last
	whole  bool              // dags are all there are
	looked bool              // busy is of all DAGs
	whose  map[string]string // DAGs of manual runs
}

// New makes a store.
func New(o Options) *Store {
	if o.Held == nil {
		o.Held = context.Background()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Known == nil {
		o.Known = func() []string { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{Plans: o.Plans, o: o, dags: map[string]*Kept{}, busy: map[string]bool{}, whose: map[string]string{}}
}

// every are the DAGs of which something may be remembered.
func (s *Store) every(ctx context.Context) ([]string, error) {
	all := map[string]bool{}
	listed, err := s.o.Far.DAGs(ctx)
	if err != nil {
		return nil, err
	}
	for _, dag := range slices.Concat(listed, s.o.Known()) {
		all[dag] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for dag := range s.dags {
		all[dag] = true
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// ask asks DAGs, several at one time, and gathers what they answer, in their order. What is not remembered is left out.
func ask[T any](dags []string, of func(dag string) (T, error)) ([]T, error) {
	answers := make([]T, len(dags))
	errs := make([]error, len(dags))
	each(len(dags), func(i int) { answers[i], errs[i] = of(dags[i]) })
	out := answers[:0]
	for i, err := range errs {
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			out = append(out, answers[i])
		}
	}
	return out, nil
}

// claim has the leader let into DAGs, and learn what is remembered of them.
func (s *Store) claim(ctx context.Context, dags []string) error {
	dags = slices.DeleteFunc(slices.Clone(dags), func(dag string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.dags[dag] != nil
	})
	_, err := ask(dags, func(dag string) (struct{}, error) {
		var c Claimed
		err := s.insist(ctx, dag, func() (err error) {
			c, err = s.o.Far.Claim(ctx, dag, Claim{s.o.Token})
			return err
		})
		if err != nil {
			return struct{}{}, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dags[dag] = &c.Kept
		s.last = max(s.last, c.Last)
		s.busy[dag] = c.Going > 0
		return struct{}{}, nil
	})
	return err
}

// insist tries until it is done, refused, or not to be done any more.
func (s *Store) insist(ctx context.Context, dag string, do func() error) error {
	for pause := time.Duration(0); ; pause = min(max(2*pause, 50*time.Millisecond), 5*time.Second) {
		err := do()
		if err == nil || errors.Is(err, store.ErrGap) {
			return err
		}
		if ended := cmp.Or(s.o.Held.Err(), ctx.Err()); ended != nil {
			return errors.Join(ended, err)
		}
		s.o.Log.Warn("what is to be remembered is tried again", "dag", dag, "error", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-s.o.Held.Done():
		case <-ctx.Done():
		}
	}
}

// Scheduled implements store.Schedules. A leader asks once; from then on it knows what it has settled.
func (s *Store) Scheduled(ctx context.Context) (out store.Scheduled, err error) {
	if err := ctx.Err(); err != nil {
		return out, fmt.Errorf("cannot read what is scheduled: %w", err)
	}
	var kept []Kept
	s.mu.Lock()
	loaded := s.o.Token > 0 && s.whole
	s.mu.Unlock()
	if !loaded {
		dags, err := s.every(ctx)
		if s.o.Token > 0 && err != nil {
			err = s.insist(ctx, "every DAG", func() (err error) {
				dags, err = s.every(ctx)
				return err
			})
		}
		if err != nil {
			return out, err
		}
		if s.o.Token == 0 {
			kept, err = ask(dags, func(dag string) (Kept, error) { return s.o.Far.Kept(ctx, dag) })
		} else {
			err = s.claim(ctx, dags)
		}
		if err != nil {
			return out, err
		}
	}
	if s.o.Token > 0 {
		s.mu.Lock()
		s.whole, s.looked = true, true
		for _, dag := range slices.Sorted(maps.Keys(s.dags)) {
			kept = append(kept, *s.dags[dag])
		}
		s.mu.Unlock()
	}
	return together(kept), nil
}

// together puts what is remembered of DAGs into the order of store.Scheduled.
func together(kept []Kept) (out store.Scheduled) {
	for _, k := range kept {
		if k.DAG.ID != "" {
			out.DAGs = append(out.DAGs, k.DAG)
		}
		out.Due = append(out.Due, k.Due...)
		out.Absences = append(out.Absences, k.Absences...)
		out.Backfills = append(out.Backfills, k.Backfills...)
	}
	slices.SortStableFunc(out.DAGs, func(a, b store.DAG) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortStableFunc(out.Due, func(a, b store.Due) int {
		if by := a.At.Compare(b.At); by != 0 {
			return by
		}
		return cmp.Compare(a.DAG, b.DAG)
	})
	slices.SortStableFunc(out.Absences, func(a, b store.Absence) int { return cmp.Compare(a.ID, b.ID) })
	out.Backfills = ordered(out.Backfills)
	return out
}

// ListMissed implements store.Schedules.
func (s *Store) ListMissed(ctx context.Context, dag string, limit int) ([]store.Missed, error) {
	dags, err := s.of(ctx, dag)
	if err != nil {
		return nil, err
	}
	lists, err := ask(dags, func(dag string) ([]Numbered, error) { return s.o.Far.Missed(ctx, dag, limit) })
	if err != nil {
		return nil, err
	}
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Numbered) int { return cmp.Compare(b.N, a.N) })
	var out []store.Missed
	for _, m := range head(all, limit) {
		out = append(out, m.kept())
	}
	return out, nil
}

// ListBackfills implements store.Schedules.
func (s *Store) ListBackfills(ctx context.Context, dag string, limit int) ([]store.Backfill, error) {
	dags, err := s.of(ctx, dag)
	if err != nil {
		return nil, err
	}
	lists, err := ask(dags, func(dag string) ([]store.Backfill, error) { return s.o.Far.Backfills(ctx, dag, limit) })
	if err != nil {
		return nil, err
	}
	all := ordered(slices.Concat(lists...))
	slices.Reverse(all)
	return head(all, limit), nil
}

// of is one DAG, or all if it is "".
func (s *Store) of(ctx context.Context, dag string) ([]string, error) {
	if dag != "" {
		return []string{dag}, nil
	}
	return s.every(ctx)
}
