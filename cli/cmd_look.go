package cli

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"weft/machine"
	"weft/runner/local"
	"weft/spec"
	"weft/store"
)

// openRun opens the state folder, or Temporal, and finds a run in it: by its key (of scheduled runs DAG/ID), by its id or a
// beginning of either that only one has, or as `latest`.
func (e *env) openRun(name string) (*session, store.Run, error) {
	s, err := e.openRuns(false)
	if err != nil {
		return nil, store.Run{}, err
	}
	row, err := s.findRun(name)
	if err != nil {
		s.close()
		return nil, store.Run{}, err
	}
	return s, row, nil
}

// latest stands for the run that was started last.
const latest = "latest"

// maxNamed bounds how many runs a message names.
const maxNamed = 5

func (s *session) findRun(name string) (store.Run, error) {
	ctx := context.Background()
	row, err := s.list().GetRun(ctx, name)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return row, err
	}
	rows, err := s.list().ListRuns(ctx, store.Filter{})
	if err != nil {
		return store.Run{}, err
	}
	if name == latest && len(rows) > 0 {
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].CreatedAt.After(rows[j].CreatedAt) })
		return rows[0], nil
	}
	var fits []store.Run
	var ids []string
	for _, r := range rows {
		if strings.HasPrefix(r.ID, name) || strings.HasPrefix(r.RunID(), name) {
			fits, ids = append(fits, r), append(ids, r.ID)
		}
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) == 0:
		return store.Run{}, &hinted{fmt.Errorf("cannot find run %q", name), "weft runs lists them"}
	case len(ids) > maxNamed:
		ids = append(ids[:maxNamed], fmt.Sprintf("and %d more", len(ids)-maxNamed))
	}
	return store.Run{}, &hinted{fmt.Errorf("cannot tell which run %q is", name), "it may be " + strings.Join(ids, ", ")}
}

// replay folds a run's journal into its machine, to look at.
func (s *session) replay(id string) (*machine.Run, error) {
	r, _, err := s.replayed(id)
	return r, err
}

// replayed is replay, and tells how many records there are.
func (s *session) replayed(id string) (*machine.Run, uint64, error) {
	if s.far != nil {
		return s.far.run(id)
	}
	recs, err := s.store.Read(context.Background(), id)
	if err != nil {
		return nil, 0, err
	}
	r, err := local.Replay(context.Background(), s.store, id, recs)
	return r, uint64(len(recs)), err
}

// noTask says that a run has no such task, and which was meant or which there are.
func noTask(p *machine.Plan, run, task string) error {
	var ids []string
	for i := range p.Tasks {
		ids = append(ids, p.Tasks[i].ID)
	}
	err := fmt.Errorf("cannot find task %q in run %s", task, run)
	if near := spec.Nearest(task, ids); len(near) > 0 {
		return &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	if len(ids) > maxNamed*2 {
		ids = append(ids[:maxNamed*2], "…")
	}
	return &hinted{err, "its tasks are " + strings.Join(ids, ", ")}
}
