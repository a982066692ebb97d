package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/charmbracelet/x/ansi"

	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/runner/local"
	"weft/store"
)

// Look implements plugins.Runs.
func (r *runs) Look(ctx context.Context, id string) (plugins.RunStatus, bool, error) {
	if far := r.away(); far != nil {
		return far.look(ctx, id)
	}
	s, err := r.bound()
	if err != nil {
		return plugins.RunStatus{}, false, err
	}
	var got plugins.RunStatus
	var info machine.RunInfo
	if s.engine.Look(id, func(m *machine.Run) { got, info = statusOf(m), m.Info() }) && !got.Ended {
		r.know(info, false) // it may have been taken up by somebody else
		return got, true, nil
	}
	row, err := s.store.GetRun(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return got, false, nil
	case err != nil:
		return got, false, cannotLook(id, err)
	}
	got = plugins.RunStatus{ID: id, DAG: row.DAG, State: string(row.State), Ended: row.State.Terminal()}
	if got.Ended && row.State == machine.RunSuccess {
		return got, true, nil
	}
	if !got.Ended && s.free(id) != nil {
		return got, true, nil // another weft drives it
	}
	m, err := s.replay(id)
	if err != nil {
		return got, false, cannotLook(id, err)
	}
	if got = statusOf(m); !got.Ended {
		r.takeUp(ctx, s, m)
	}
	return got, true, nil
}

// takeUp goes on with a child that was cut off. If that cannot be done now, whoever looks next tries again.
func (r *runs) takeUp(ctx context.Context, s *session, m *machine.Run) {
	info := m.Info()
	r.mu.Lock()
	shut := r.shut
	r.mu.Unlock()
	if shut || info.Parent == nil || info.Sandbox != s.boxed {
		return
	}
	r.know(info, true)
	r.show(runner.Update{Type: childStarted, At: time.Now(), Run: info.Key(), DAG: info.DAG, State: string(m.State()), Reason: "goes on; it was cut off"})
	r.took(info.Key(), s.engine.Resume(ctx, info.Key()) == nil)
}

// statusOf is how a run is.
func statusOf(m *machine.Run) plugins.RunStatus {
	info, state := m.Info(), m.State()
	got := plugins.RunStatus{ID: info.Key(), DAG: info.DAG, State: string(state), Ended: state.Terminal()}
	if got.Ended && state != machine.RunSuccess {
		got.Reason = whyEnded(m)
	}
	return got
}

// whyEnded is the reason of a run's end and, where it failed, that of the first task that did.
func whyEnded(m *machine.Run) string {
	sum, p := m.Summarize(), m.Plan()
	for i := range p.Tasks {
		id := p.Tasks[i].ID
		why := ansi.Truncate(firstLine(sum.Tasks[id].Reason), 250, "…") // of runs below one another each tells of the next
		switch {
		case sum.State != machine.RunFailed || sum.Tasks[id].State != machine.Failed || why == "":
		case sum.Reason == id+" failed":
			return sum.Reason + ": " + why
		default:
			return sum.Reason + " (" + id + ": " + why + ")"
		}
	}
	return sum.Reason
}

// Newest implements plugins.Runs.
func (r *runs) Newest(ctx context.Context, dag string, at time.Time, task string) (plugins.RunStatus, bool, error) {
	if far := r.away(); far != nil {
		return far.newest(ctx, dag, at, task)
	}
	s, err := r.bound()
	if err != nil {
		return plugins.RunStatus{}, false, err
	}
	rows, err := s.store.ListRuns(ctx, store.Filter{DAG: dag, Before: at.Add(time.Microsecond), Limit: 1})
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
		read := func(m *machine.Run) { got, states = statusOf(m), m.States() }
		if !s.engine.Look(row.ID, read) {
			m, err := s.replay(row.ID)
			if err != nil {
				return got, false, cannotLook(row.ID, err)
			}
			read(m)
		}
	}
	got.ID = row.RunID()
	if task == "" {
		return got, true, nil
	}
	if state, there := states[task]; there {
		got.Task = state.String()
	} else {
		got.Tasks = slices.Sorted(maps.Keys(states))
	}
	return got, true, nil
}

// Cancel implements plugins.Runs.
func (r *runs) Cancel(ctx context.Context, id, by string) error {
	if far := r.away(); far != nil {
		return far.cancel(ctx, id, by)
	}
	s, err := r.bound()
	if err != nil {
		return err
	}
	row, err := s.store.GetRun(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.State.Terminal() {
		return nil
	}
	order := machine.CancelAsked{By: by, Reason: "dag.run"}
	if err == nil {
		err = s.engine.Cancel(ctx, id, order.By, order.Reason)
	}
	if errors.Is(err, local.ErrDriven) {
		err = s.store.PutAsk(ctx, id, machine.Event{At: time.Now().UTC(), Fact: order})
	}
	if err != nil {
		return &plugins.Error{Kind: plugins.Temporary, Err: fmt.Errorf("cannot cancel run %s: %w", id, err)}
	}
	return nil
}
