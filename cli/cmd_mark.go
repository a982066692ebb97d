package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/spec"
)

func markCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "mark RUN TASK success|failed|skipped",
		Short: "set a task's state by hand, and go on from there",
		Long: `Set a task's state by hand; what runs of it is stopped. Tasks that depend on it and are not
decided yet go by the new state; those that are keep theirs until they are cleared (weft
retry clears what failed). The run goes on, also one that was over, and is seen to its
end as by weft run.`,
		Example: `  weft mark latest import success
  weft mark latest import success && weft retry latest`,
		Args: exactArgs(3, "name the run, the task and its state: success, failed or skipped"),
		RunE: func(cmd *cobra.Command, args []string) error { return e.mark(args[0], args[1], args[2], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object an event")
	dagsFlag(e, cmd, findsDAGs)
	sandboxFlag(e, cmd, goesOnInSandbox)
	return cmd
}

// marks are the states that can be set by hand.
var marks = []machine.State{machine.Success, machine.Failed, machine.Skipped}

func (e *env) mark(name, task, state string, asJSON bool) error {
	to, err := markState(state)
	if err != nil {
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
	if !has(r.Plan(), task) {
		return noTask(r.Plan(), row.ID, task)
	}
	if err := refusal(r, "mark a task of"); err != nil {
		return err
	}
	if r.States()[task] == to {
		if asJSON {
			return e.printLine(r.Summarize())
		}
		fmt.Fprintf(e.stdout, "%s of %s is %s already\n", task, row.ID, to)
		return nil
	}
	return e.give(s, r, machine.Marked{By: userName(), Task: task, State: to}, asJSON)
}

func markState(word string) (machine.State, error) {
	names := make([]string, len(marks))
	for i, s := range marks {
		if names[i] = s.String(); names[i] == word {
			return s, nil
		}
	}
	err := usagef("cannot mark a task %q: a task is marked success, failed or skipped", word)
	if near := spec.Nearest(word, names); len(near) > 0 {
		return 0, &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	return 0, err
}
