package temporal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/machine"
	"weft/store"
)

// GetRun implements store.RunList. A run that its DAG has forgotten is asked of its own workflow, as long as the
// namespace keeps it.
func (s *Store) GetRun(ctx context.Context, id string) (store.Run, error) {
	asking, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	k, err := s.known(asking, id)
	var late unanswered
	switch {
	case err == nil:
		return k.Run, nil
	case errors.Is(err, store.ErrNotFound):
		return s.o.Far.Look(ctx, id)
	case errors.As(err, &late) && ctx.Err() == nil && s.o.Token == 0:
		// Nobody hosts the index just now. That a run is there the server knows by itself, and an order to it waits there.
		if row, err := s.o.Far.Look(ctx, id); err == nil {
			return row, nil
		}
	}
	return k.Run, err
}

// indexPatience is how long a run is looked for in the index of its DAG, which a worker has to answer.
const indexPatience = 10 * time.Second

// known finds a run in the index of its DAG.
func (s *Store) known(ctx context.Context, id string) (Known, error) {
	dags, err := s.dagsOf(ctx, id)
	if err != nil {
		return Known{}, err
	}
	for _, list := range dags {
		found, err := ask(list, func(dag string) ([]Known, error) { return s.o.Far.Runs(ctx, dag, Asked{Run: id}) })
		if err != nil {
			return Known{}, err
		}
		for _, k := range slices.Concat(found...) {
			s.meet(k)
			return k, nil
		}
	}
	return Known{}, fmt.Errorf("cannot find run %s: %w", id, store.ErrNotFound)
}

// dagsOf are the DAGs of which a run may be, the likely ones first: the id of a manual one does not tell.
func (s *Store) dagsOf(ctx context.Context, id string) ([][]string, error) {
	if dag := dagOf(id); dag != "" {
		return [][]string{{dag}}, nil
	}
	s.mu.Lock()
	dag := s.whose[id]
	s.mu.Unlock()
	if dag == "" {
		row, err := s.o.Far.Look(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		dag = row.DAG
	}
	if dag != "" {
		return [][]string{{dag}}, nil
	}
	all, err := s.every(ctx)
	return [][]string{all}, err
}

// mostWhose bounds how many ids of manual runs are kept in mind.
const mostWhose = 10_000

// meet remembers which DAG a manual run is of.
func (s *Store) meet(k Known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if dagOf(k.ID) != "" {
		return
	}
	if len(s.whose) >= mostWhose {
		clear(s.whose)
	}
	s.whose[k.ID] = k.DAG
}

// ListRuns implements store.RunList.
func (s *Store) ListRuns(ctx context.Context, f store.Filter) ([]store.Run, error) {
	dags := []string{f.DAG}
	var err error
	switch {
	case f.DAG != "":
	case unfinished(f.States):
		dags, err = s.maybeBusy(ctx)
	default:
		dags, err = s.every(ctx)
	}
	if err != nil {
		return nil, err
	}
	lists, err := ask(dags, func(dag string) ([]Known, error) { return s.o.Far.Runs(ctx, dag, Asked{Filter: f}) })
	if err != nil {
		return nil, err
	}
	var out []store.Run
	for _, k := range slices.Concat(lists...) {
		s.meet(k)
		out = append(out, k.Run)
	}
	if f.DAG == "" && unfinished(f.States) {
		s.saw(out)
	}
	slices.SortFunc(out, store.Newest)
	return head(out, f.Limit), nil
}

// unfinished tells whether states are those of runs that go on.
func unfinished(states []machine.RunState) bool {
	return len(states) > 0 && !slices.ContainsFunc(states, machine.RunState.Terminal)
}

// maybeBusy are the DAGs that may have runs which go on: those that had some when they were looked at last, and those
// whose runs the server lists. At first it is all of them, for that list lags behind a little.
func (s *Store) maybeBusy(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	seen, busy := s.looked, maps.Clone(s.busy)
	s.mu.Unlock()
	listed, all, err := s.o.Far.Busy(ctx)
	if err != nil {
		return nil, err
	}
	if all || !seen {
		return s.every(ctx)
	}
	for _, dag := range listed {
		busy[dag] = true
	}
	return slices.Sorted(maps.Keys(busy)), nil
}

// saw remembers which DAGs have runs that go on.
func (s *Store) saw(going []store.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.busy)
	s.looked = true
	for _, r := range going {
		s.busy[r.DAG] = true
	}
}

// LastRuns implements store.RunList.
func (s *Store) LastRuns(ctx context.Context) ([]store.Run, error) {
	dags, err := s.every(ctx)
	if err != nil {
		return nil, err
	}
	lists, err := ask(dags, func(dag string) ([]Known, error) {
		return s.o.Far.Runs(ctx, dag, Asked{Filter: store.Filter{Limit: 1}})
	})
	if err != nil {
		return nil, err
	}
	var out []store.Run
	for _, k := range slices.Concat(lists...) {
		s.meet(k)
		out = append(out, k.Run)
	}
	slices.SortFunc(out, func(a, b store.Run) int { return strings.Compare(a.DAG, b.DAG) })
	return out, nil
}

// Reopened tells whether somebody has had a run begin again after it was over; see scheduler.Config.
func (s *Store) Reopened(ctx context.Context, run, by string) (bool, error) {
	k, err := s.known(ctx, run)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return slices.Contains(k.By, by), err
}
