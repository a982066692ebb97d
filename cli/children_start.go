package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"weft/awsconf"
	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/runner"
	"weft/spec"
	"weft/store"
)

// Start implements plugins.Runs.
func (r *runs) Start(ctx context.Context, o plugins.RunOrder) (plugins.RunStatus, error) {
	if far := r.away(); far != nil {
		return far.start(ctx, o)
	}
	s, err := r.bound()
	if err != nil {
		return plugins.RunStatus{}, err
	}
	if got, ok, err := r.Look(ctx, o.ID); err != nil || ok {
		return got, err
	}
	req, err := r.request(ctx, s, o)
	if err != nil {
		return plugins.RunStatus{}, err
	}
	r.know(machine.RunInfo{RunStarted: machine.RunStarted{DAG: o.DAG, Run: o.ID, Parent: req.Parent}}, true)
	_, err = s.start(ctx, req)
	r.took(o.ID, err == nil)
	if err != nil && !errors.Is(err, store.ErrExists) {
		// A second order under the id finds what the first may have begun.
		return plugins.RunStatus{}, &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: fmt.Errorf("cannot start %s: %w", o.DAG, err)}
	}
	got, _, err := r.Look(ctx, o.ID)
	return got, err
}

// request makes the request of a child: as `weft run` would, with its parent.
func (r *runs) request(ctx context.Context, s *session, o plugins.RunOrder) (runner.Request, error) {
	r.mu.Lock()
	find, shut := r.find, r.shut
	r.mu.Unlock()
	if shut {
		return runner.Request{}, plugins.Errorf(plugins.Cancelled, "cannot start %s: weft is about to end", o.DAG)
	}
	parent, err := r.parent(s, o)
	if err != nil {
		return runner.Request{}, err
	}
	plan, dir, err := find(ctx, o.DAG)
	if err != nil {
		return runner.Request{}, notFound(err)
	}
	params, err := paramsOf(plan, o)
	if err != nil {
		return runner.Request{}, err
	}
	req := manualAt(s.conf, plan, dir, &o.LogicalDate, time.Now())
	req.Run, req.Params = o.ID, params
	req.By, req.Parent, req.Sandbox = fmt.Sprintf("task %s of run %s", o.By.Task, o.By.Run), parent, s.boxed
	return req, nil
}

// notFound is a finder's error as a plugin's. A second try mends it where the place was out of reach.
func notFound(err error) error {
	e := &plugins.Error{Kind: plugins.BadInput, Err: err}
	var h *hinted
	if errors.As(err, &h) {
		e.Hint = h.hint
	}
	var fault *awsconf.Error
	if errors.As(err, &fault) && fault.Temporary() {
		e.Kind = plugins.Temporary
	}
	return e
}

// paramsOf checks the params of an order, and fills in the defaults.
func paramsOf(plan *machine.Plan, o plugins.RunOrder) (map[string]any, error) {
	given := make(map[string]any, len(o.Params))
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		v, err := expr.DecodeJSON(o.Params[name])
		if err != nil {
			return nil, plugins.Errorf(plugins.BadInput, "cannot start %s: param %q cannot be read: %w", o.DAG, name, err)
		}
		given[name] = v
	}
	params, problems := spec.CheckParams(plan, given, nil)
	if len(problems) == 0 {
		return params, nil
	}
	said := make([]string, len(problems))
	for i, p := range problems {
		said[i] = p.String()
	}
	names := make([]string, len(plan.Params))
	for i, p := range plan.Params {
		names[i] = p.Name
	}
	e := plugins.Errorf(plugins.BadInput, "cannot start %s: %s", o.DAG, strings.Join(said, "; "))
	if e.Hint = o.DAG + " has no params"; len(names) > 0 {
		e.Hint = "its params are " + strings.Join(names, ", ")
	}
	return nil, e
}

// parent is what a child records of the attempt that starts it. A chain of runs that start each other is
// refused where it gets too deep.
func (r *runs) parent(s *session, o plugins.RunOrder) (*machine.Parent, error) {
	above, err := r.kinOf(s, o.By.Run)
	if err != nil {
		return nil, err
	}
	if p, err := parentOf(o, above); err == nil {
		return p, nil
	}
	chain := o.By.DAG + " → " + o.DAG
	for n := 0; above != nil && n < 3; n++ {
		chain = above.DAG + " → " + chain
		if above, err = r.kinOf(s, above.Run); err != nil {
			break
		}
	}
	return nil, tooDeep(o, chain)
}

// parentOf is what a child records of the attempt that starts it; above is the parent of that attempt's run.
func parentOf(o plugins.RunOrder, above *machine.Parent) (*machine.Parent, error) {
	p := &machine.Parent{
		DAG: o.By.DAG, Run: o.By.Run, Depth: 1,
		Key: machine.Key{Task: o.By.Task, Index: o.By.Index, Epoch: o.By.Epoch, Attempt: o.By.Attempt},
	}
	if above == nil {
		return p, nil
	}
	if p.Depth = above.Depth + 1; p.Depth > deepest {
		return nil, tooDeep(o, above.DAG+" → "+o.By.DAG+" → "+o.DAG)
	}
	return p, nil
}

func tooDeep(o plugins.RunOrder, chain string) error {
	e := plugins.Errorf(plugins.BadInput, "cannot start %s: %d runs stand above it already, one started by the other: … → %s", o.DAG, deepest, chain)
	e.Hint = "DAGs that start each other never end; schedule: \"@continuous\" starts a DAG again when its run has ended"
	return e
}
