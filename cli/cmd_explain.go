package cli

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"weft/machine"
)

func explainCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain RUN TASK | CODE",
		Short: "why a task is in its state, or what a diagnostic means",
		Long: `Of a run's task: why it is in its state, by which rule, and what each upstream said.
Of a diagnostic's code: why that is a problem, and what is written instead.`,
		Example: `  weft explain latest publish
  weft explain G201`,
		Args:              someArgs(1, 2, "name a run and its task, or the code of a diagnostic, such as G201"),
		ValidArgsFunction: completeCodes,
		Annotations:       bare, // a code means the same whatever the configuration says
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return e.explainCode(args[0], asJSON)
			}
			if err := e.prepare(); err != nil {
				return err
			}
			return e.explain(args[0], args[1], asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func (e *env) explain(name, task string, asJSON bool) error {
	s, row, err := e.openRun(name)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.replay(row.ID)
	if err != nil {
		return err
	}
	ex, ok := r.Explain(task)
	if !ok {
		return noTask(r.Plan(), row.ID, task)
	}
	if t := s.summary(r).Tasks[task]; s.far != nil && t.State != ex.State { // it was ordered, and nobody carries it out
		ex.Waiting = append(ex.Waiting, strings.TrimPrefix(t.Reason, "waits for "))
		if n := len(ex.Attempts); n == 1 {
			ex.Attempts[0] = strings.Replace(ex.Attempts[0], ex.State.String(), t.State.String(), 1)
		}
		ex.State = t.State
	}
	if asJSON {
		return e.printJSON(ex)
	}
	if err := e.printExplanation(ex); err != nil {
		return fmt.Errorf("cannot write the explanation: %w", err)
	}
	return nil
}

func (e *env) printExplanation(ex machine.Explanation) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s is %s", ex.Task, ex.State)
	if ex.Reason != "" {
		fmt.Fprintf(&out, ": %s", clean(ex.Reason))
	}
	fmt.Fprintln(&out)
	w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "  trigger\t%s\n", clean(ex.Trigger))
	verdict := ex.Verdict
	if !ex.At.IsZero() {
		verdict += ", decided at " + ex.At.Local().Format("15:04:05.000")
	}
	fmt.Fprintf(w, "  says\t%s\n", clean(verdict))
	if ex.Because != "" && ex.Because != ex.Trigger { // else all of the trigger decided, and stands above
		fmt.Fprintf(w, "  because\t%s\n", clean(ex.Because))
	}
	for i, u := range ex.Upstream {
		label := ""
		if i == 0 {
			label = "upstream"
		}
		by := ""
		if u.Ref {
			by = "  (by a reference)"
		}
		fmt.Fprintf(w, "  %s\t%s is %s%s\n", label, u.ID, u.State, by)
	}
	lines(w, "waits for", ex.Waiting)
	lines(w, "attempts", ex.Attempts)
	_ = w.Flush() // into memory
	_, err := e.stdout.Write(out.Bytes())
	return err
}

func lines(w *tabwriter.Writer, label string, list []string) {
	for _, line := range list {
		fmt.Fprintf(w, "  %s\t%s\n", label, clean(line))
		label = ""
	}
}
