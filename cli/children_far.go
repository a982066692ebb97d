package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/store"
)

// farRuns is what dag.run and dag.wait ask where runs are on Temporal: nobody drives them here.
type farRuns struct {
	c    *cluster
	find finder
}

// onCluster has the runs be those of a Temporal server.
func (r *runs) onCluster(c *cluster, find finder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.far = &farRuns{c, find}
}

// away is where runs are on Temporal; nil: they are here.
func (r *runs) away() *farRuns {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.far
}

func (f *farRuns) start(ctx context.Context, o plugins.RunOrder) (plugins.RunStatus, error) {
	if got, ok, err := f.look(ctx, o.ID); err != nil || ok {
		return got, err
	}
	req, err := f.request(ctx, o)
	if err != nil {
		return plugins.RunStatus{}, err
	}
	if _, err := f.c.on().Start(ctx, req); err != nil && !errors.Is(err, store.ErrExists) {
		// A second order under the id finds what the first may have begun.
		return plugins.RunStatus{}, &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: fmt.Errorf("cannot start %s: %w", o.DAG, err)}
	}
	return plugins.RunStatus{ID: o.ID, DAG: o.DAG, State: string(machine.RunQueued)}, nil
}

// request makes the request of a child: as `weft run` would, with its parent.
func (f *farRuns) request(ctx context.Context, o plugins.RunOrder) (req runner.Request, err error) {
	above, _, err := f.c.engine.Run(ctx, o.By.Run)
	if err != nil {
		return req, cannotLook(o.By.Run, err)
	}
	parent, err := parentOf(o, above.Info().Parent)
	if err != nil {
		return req, err
	}
	plan, dir, err := f.find(ctx, o.DAG)
	if err != nil {
		return req, notFound(err)
	}
	params, err := paramsOf(plan, o)
	if err != nil {
		return req, err
	}
	req = manualAt(f.c.conf, plan, dir, &o.LogicalDate, time.Now())
	req.Run, req.Params, req.Parent = o.ID, params, parent
	req.By = fmt.Sprintf("task %s of run %s", o.By.Task, o.By.Run)
	return req, nil
}

// look asks the server alone for as long as a run goes on: a hundred parents who wait cost no queries.
func (f *farRuns) look(ctx context.Context, id string) (plugins.RunStatus, bool, error) {
	row, err := f.c.far.Look(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return plugins.RunStatus{}, false, nil
	case err != nil:
		return plugins.RunStatus{}, false, cannotLook(id, err)
	case !row.State.Terminal():
		return plugins.RunStatus{ID: id, DAG: row.DAG, State: string(row.State)}, true, nil
	}
	m, _, err := f.c.engine.Run(ctx, id)
	if err != nil {
		return plugins.RunStatus{}, false, cannotLook(id, err)
	}
	return statusOf(m), true, nil
}

func (f *farRuns) newest(ctx context.Context, dag string, at time.Time, task string) (plugins.RunStatus, bool, error) {
	rows, err := f.c.kept.ListRuns(ctx, store.Filter{DAG: dag, Before: at.Add(time.Microsecond), Limit: 1})
	if err != nil {
		return plugins.RunStatus{}, false, &plugins.Error{Kind: plugins.Temporary, Err: fmt.Errorf("cannot look at the runs of %s: %w", dag, err)}
	}
	if len(rows) == 0 || !rows[0].LogicalDate.Equal(at) {
		return plugins.RunStatus{}, false, nil
	}
	row := rows[0]
	got := plugins.RunStatus{DAG: row.DAG, State: string(row.State), Ended: row.State.Terminal()}
	states := row.Tasks
	if got.Ended && row.State != machine.RunSuccess || task != "" && (!got.Ended || states == nil) {
		m, _, err := f.c.engine.Run(ctx, row.ID)
		if err != nil {
			return got, false, cannotLook(row.ID, err)
		}
		got, states = statusOf(m), m.States()
	}
	got.ID = row.RunID()
	if state, there := states[task]; there {
		got.Task = state.String()
	} else if task != "" {
		got.Tasks = slices.Sorted(maps.Keys(states))
	}
	return got, true, nil
}

func (f *farRuns) cancel(ctx context.Context, id, by string) error {
	err := foreseen(f.c.engine.Cancel(ctx, id, by, "dag.run"))
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return &plugins.Error{Kind: plugins.Temporary, Err: err}
}
