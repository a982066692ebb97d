// Package runner says how a run is carried out: the Engine, which keeps runs going until they end,
// and the Executor, which carries out one order of the machine beside the plugin. Both engines
// share what is here; neither is known here.
package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weft/expr"
	"weft/machine"
)

// A Request asks for a run.
type Request struct {
	Plan          *machine.Plan
	Dir           string // absolute folder of the DAG's file: the default working directory
	Run           string // id in its DAG; "" = made from type and date
	Type          string // manual, scheduled, backfill
	LogicalDate   time.Time
	IntervalStart time.Time
	IntervalEnd   time.Time
	Params        map[string]any // JSON values, defaults filled in, checked
	Vars          map[string]any // JSON values
	By            string
	Handoff       string          // URI
	MaxInstances  int             // bound of for_each; 0 = 10,000
	Parent        *machine.Parent // who starts it, where that is a task
	Sandbox       bool            // it is begun in the sandbox, and goes on nowhere else
}

// Inputs returns the params and vars as the journal keeps them: JSON objects with sorted keys.
func (r Request) Inputs() (params, vars machine.Raw, err error) {
	if params, err = encodeObject(r.Params); err != nil {
		return nil, nil, fmt.Errorf("cannot start run: params: %w", err)
	}
	if vars, err = encodeObject(r.Vars); err != nil {
		return nil, nil, fmt.Errorf("cannot start run: vars: %w", err)
	}
	return params, vars, nil
}

// Started is the fact that opens the run: plan is the plan's hash.
func (r Request) Started(plan string) (machine.RunStarted, error) {
	params, vars, err := r.Inputs()
	return machine.RunStarted{
		Rules: machine.Rules, DAG: r.Plan.DAG, Run: r.Run, RunType: r.Type,
		LogicalDate: r.LogicalDate.UTC(), IntervalStart: r.IntervalStart.UTC(), IntervalEnd: r.IntervalEnd.UTC(),
		DS: dayIn(r.LogicalDate, r.Plan.Timezone), Params: params, Vars: vars, Plan: plan, By: r.By,
		MaxInstances: r.MaxInstances, Handoff: r.Handoff, Sandbox: r.Sandbox, Parent: r.Parent,
	}, err
}

// dayIn is the date of a moment in a zone; an unknown zone was refused by the validator.
func dayIn(t time.Time, zone string) string {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	return t.In(loc).Format(time.DateOnly)
}

func encodeObject(m map[string]any) (machine.Raw, error) {
	if m == nil {
		m = map[string]any{}
	}
	return expr.EncodeJSON(m)
}

// Errors of every engine; wrapped, so test with errors.Is.
var (
	// ErrDriven says that another process drives the run.
	ErrDriven = errors.New("another weft drives it")
	// ErrRefused says that a run did not take an order: it was being ended, or someone else was first.
	ErrRefused = errors.New("the run did not take the order")
)

// RunID makes the id of a run: manual ones by the instant of the request, others by logical date.
func RunID(kind string, logical, now time.Time) string {
	if kind == "manual" {
		return "manual__" + machine.Timestamp(now)
	}
	return kind + "__" + machine.Timestamp(logical)
}

// An Engine keeps runs going until they end, across crashes.
type Engine interface {
	// Start makes the run durable and begins it, and returns its machine.RunKey, by which all others name it.
	// A run that exists is not started again: then the error says so.
	Start(ctx context.Context, req Request) (run string, err error)
	// Resume goes on with a run that nobody drives.
	Resume(ctx context.Context, run string) error
	// Cancel ends a run; it returns when the order is durable.
	Cancel(ctx context.Context, run, by, reason string) error
	// Reopen clears tasks of a run (see machine.Reopened); it returns when the order is durable.
	Reopen(ctx context.Context, run string, order machine.Reopened) error
	// Wait returns the run's summary once RunFinished is durable.
	Wait(ctx context.Context, run string) (machine.Summary, error)
}
