package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/store"
)

const oneRun = "name the run: its id, the beginning of it, or latest"

func clearCommand(e *env) *cobra.Command {
	var o clearOptions
	cmd := &cobra.Command{
		Use:   "clear RUN",
		Short: "run tasks of a run again, and what depends on them",
		Long: `Run tasks of a run again: every task, or those that are named, and always what depends on
them. They follow the DAG's file as it is now, or with --same-version the version that
the run has. The run is opened again if it was over, and seen to its end as by weft run.

First it shows which tasks run again, and why; at a terminal it asks before it goes on.`,
		Example: `  weft clear latest --task clean
  weft clear latest --task publish --upstream --plan
  weft clear latest --failed --same-version --yes`,
		Args: exactArgs(1, oneRun),
		RunE: func(cmd *cobra.Command, args []string) error { return e.clear(args[0], o) },
	}
	f := cmd.Flags()
	f.StringSliceVarP(&o.tasks, "task", "t", nil, "this task and what depends on it; may be repeated")
	f.BoolVar(&o.upstream, "upstream", false, "with --task: also all that it depends on")
	f.BoolVar(&o.downstream, "downstream", false, "with --task: also all that depends on it (so it is without --failed, too)")
	f.BoolVar(&o.failed, "failed", false, "of these only those that are failed or upstream_failed")
	o.flags(cmd)
	dagsFlag(e, cmd, findsDAGs)
	sandboxFlag(e, cmd, goesOnInSandbox)
	return cmd
}

func retryCommand(e *env) *cobra.Command {
	o := clearOptions{failed: true}
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "run what failed again: clear --failed",
		Long: `Run the failed and upstream_failed tasks of a run again, and what depends on them: the same
as weft clear --failed.`,
		Example: `  weft retry latest
  weft retry latest --plan`,
		Args: exactArgs(1, oneRun),
		RunE: func(cmd *cobra.Command, args []string) error { return e.clear(args[0], o) },
	}
	o.flags(cmd)
	dagsFlag(e, cmd, findsDAGs)
	sandboxFlag(e, cmd, goesOnInSandbox)
	return cmd
}

type clearOptions struct {
	tasks                        []string
	upstream, downstream, failed bool
	sameVersion, plan, yes, json bool
}

func (o *clearOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.sameVersion, "same-version", false, "under the version that the run has, not the file as it is now")
	f.BoolVar(&o.plan, "plan", false, "only show what would run again")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.json, "json", false, "one JSON object an event; the first says what runs again")
}

func (o *clearOptions) check() error {
	switch {
	case (o.upstream || o.downstream) && len(o.tasks) == 0:
		return usagef("--upstream and --downstream are of a task: name it with --task")
	case o.upstream && o.downstream:
		return usagef("cannot clear both --upstream and --downstream: what depends on a cleared task is cleared in any case")
	}
	return nil
}

// clear shows what runs again and, unless that is all that is wanted, has it run.
func (e *env) clear(name string, o clearOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	s, row, err := e.openRun(name)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.replay(row.ID)
	if err != nil {
		return err
	}
	if err := refusal(r, "clear"); err != nil {
		return err
	}
	c, err := e.planClear(row, r, o)
	if err != nil {
		return err
	}
	if err := e.showClear(c, o); err != nil || len(c.Tasks) == 0 || o.plan {
		return err
	}
	if !o.yes && e.someoneThere() && !e.agreed("go on?") {
		fmt.Fprintln(e.stderr, "nothing is cleared")
		return nil
	}
	body, hash := c.plan.Encode()
	if err := s.plans().PutPlan(context.Background(), hash, body); err != nil {
		return err
	}
	return e.give(s, r, c.order(r, hash), o.json)
}

// A clearPlan is what a clear will do; as JSON the first object that clear --json writes.
type clearPlan struct {
	Type    string             `json:"type"` // clear
	DAG     string             `json:"dag_id"`
	Run     string             `json:"run_id"`
	State   machine.RunState   `json:"state"`   // before
	Version string             `json:"version"` // same, unchanged, current
	File    string             `json:"file,omitempty"`
	Tasks   []machine.Clearing `json:"tasks"`
	machine.PlanDiff

	all    int           // tasks of the plan
	plan   *machine.Plan // that will be in force
	dir    string        // of the file, where it has moved
	params machine.Raw   // where the plan declares others
}

// The versions under which a run can be cleared.
const (
	sameVersion      = "same"
	unchangedVersion = "unchanged"
	currentVersion   = "current"
)

// planClear works out what is cleared, and under which version.
func (e *env) planClear(row store.Run, r *machine.Run, o clearOptions) (*clearPlan, error) {
	c := &clearPlan{
		Type: "clear", DAG: row.DAG, Run: row.ID, State: r.State(), Version: sameVersion,
		Tasks: []machine.Clearing{}, plan: r.Plan(),
	}
	order := machine.ClearOrder{Tasks: o.tasks, Upstream: o.upstream, Downstream: o.downstream, Failed: o.failed}
	if o.failed && len(o.tasks) == 0 && len(r.ClearSet(r.Plan(), order)) == 0 {
		return c, nil // nothing failed, whatever the file says
	}
	if !o.sameVersion {
		if err := e.takeCurrent(c, row, r); err != nil {
			return nil, err
		}
	}
	for _, id := range o.tasks {
		switch known := r.Plan(); {
		case has(c.plan, id):
		case has(known, id):
			return nil, &hinted{
				fmt.Errorf("cannot clear task %q of run %s: the current version of %s has no such task", id, row.ID, row.DAG),
				"--same-version clears it under the version that the run has",
			}
		default:
			return nil, noTask(c.plan, row.ID, id)
		}
	}
	c.all = len(c.plan.Tasks)
	c.PlanDiff = c.plan.Diff(r.Plan())
	c.Tasks = append(c.Tasks, r.ClearSet(c.plan, order)...)
	return c, nil
}

// has tells whether a plan has a task of that id; callbacks are none.
func has(p *machine.Plan, id string) bool { return p.Position(id) < len(p.Tasks) }

// order is the clear as the run's journal takes it.
func (c *clearPlan) order(r *machine.Run, hash string) machine.Reopened {
	o := machine.Reopened{By: userName(), Plan: hash, Epoch: r.Info().Epoch + 1, Dir: c.dir, Params: c.params}
	for _, t := range c.Tasks {
		o.Tasks = append(o.Tasks, t.Task)
	}
	return o
}

// refusal says why a run takes no order by hand just now; nil if it does.
func refusal(r *machine.Run, what string) error {
	why := r.Refusal()
	if why == "" {
		return nil
	}
	err := fmt.Errorf("cannot %s run %s: %s", what, r.Info().Key(), why)
	if r.State() == machine.RunQueued {
		return err
	}
	return &hinted{err, "wait for its end; if nobody drives it, weft runs resume " + shellWord(r.Info().Key()) + " brings it there"}
}

// errChanged is said of an order that came too late.
func errChanged(run string) error {
	return &hinted{
		errors.New("cannot carry the order out: run " + run + " has changed in the meantime"),
		"look at it again: weft runs show " + shellWord(run),
	}
}
