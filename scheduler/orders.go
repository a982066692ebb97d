package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weft/catalog"
	"weft/schedule"
	"weft/spec"
	"weft/store"
)

// ErrUnknown says that no DAG of that id is in force.
var ErrUnknown = errors.New("no DAG of that id is in force")

// A Trigger asks for a run of a DAG that is in force.
type Trigger struct {
	DAG     string
	Params  map[string]any    // JSON values by name
	Text    map[string]string // texts by name, which are read as the param's type says
	Run     string            // id; "" = made from the moment
	Logical *time.Time        // nil = now
	By      string
}

// A ParamsError says that a run was asked for with params that its DAG does not take.
type ParamsError struct {
	DAG      string
	Problems []spec.ParamProblem
}

func (e *ParamsError) Error() string {
	return fmt.Sprintf("cannot run %s: %s", e.DAG, said(e.Problems))
}

// Trigger begins a manual run and returns its key. A run of that id that exists is returned with store.ErrExists.
func (s *Service) Trigger(ctx context.Context, t Trigger) (run string, err error) {
	entry, err := s.entry(t.DAG)
	if err != nil {
		return "", err
	}
	plan, dir, err := s.plan(entry)
	if err != nil {
		return "", err
	}
	params, problems := spec.CheckParams(plan, t.Params, t.Text)
	if len(problems) > 0 {
		return "", &ParamsError{DAG: t.DAG, Problems: problems}
	}
	now := s.conf.Clock.Now()
	req := s.conf.Request(plan, dir)
	req.Run, req.Type, req.By, req.Params = t.Run, "manual", t.By, params
	zone, _ := time.LoadLocation(plan.Timezone) // of the validator's tables
	tick := schedule.Interval(plan, zone, t.Logical, now)
	req.LogicalDate, req.IntervalStart, req.IntervalEnd = tick.From, tick.From, tick.To
	return s.conf.Engine.Start(ctx, req)
}

// Pause has a DAG begin no runs by its schedule, or begin them again. What runs goes on. It is durable on return.
func (s *Service) Pause(ctx context.Context, dag, by string, pause bool) error {
	var failed error
	err := s.do(ctx, func() { failed = s.pause(dag, by, pause) })
	return errors.Join(err, failed)
}

func (s *Service) pause(dag, by string, pause bool) error {
	d := s.dags[dag]
	if d == nil || !d.here {
		return fmt.Errorf("cannot pause %s: %w", dag, ErrUnknown)
	}
	if d.row.ID != "" && d.row.Paused == pause {
		return nil
	}
	d.pausing = &pausing{pause, by}
	defer func() { d.pausing = nil }()
	var c store.Changes
	st, err := s.consider(d, s.conf.Clock.Now(), &c)
	if err == nil {
		err = s.write(&c)
	}
	if err != nil {
		return err
	}
	s.apply(st, &c)
	s.begin()
	return nil
}

// A pausing is an order to pause a DAG, or to end that.
type pausing struct {
	pause bool
	by    string
}

// entry is the version of a DAG that is in force.
func (s *Service) entry(id string) (e catalog.Entry, err error) {
	snap := s.conf.Catalog.Now()
	if snap == nil {
		return e, fmt.Errorf("cannot run %s: the DAGs have not been read yet", id)
	}
	e, ok := snap.Entries[id]
	if !ok {
		return e, fmt.Errorf("cannot run %s: %w", id, ErrUnknown)
	}
	return e, nil
}
