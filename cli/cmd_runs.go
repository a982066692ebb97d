package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/runner/local"
	"weft/store"
)

func runsCommand(e *env) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "list runs; show one; go on with one that was cut off",
		Example: `  weft runs --dag nightly
  weft runs show latest
  weft runs resume`,
		Args: exactArgs(0, "weft runs takes no argument: weft runs show RUN shows one"),
		RunE: func(cmd *cobra.Command, args []string) error { return e.listRuns(o) },
	}
	cmd.Flags().StringVar(&o.dag, "dag", "", "of this DAG alone")
	cmd.Flags().StringSliceVar(&o.states, "state", nil, "in these states alone: queued running success failed cancelled")
	cmd.Flags().IntVarP(&o.limit, "limit", "n", 20, "how many, newest first; 0 = all")
	cmd.Flags().BoolVar(&o.json, "json", false, "a JSON list")
	cmd.AddCommand(showCommand(e), resumeCommand(e))
	return cmd
}

type listOptions struct {
	dag    string
	states []string
	limit  int
	json   bool
}

func (e *env) listRuns(o listOptions) error {
	if o.limit < 0 {
		return usagef("cannot list %d runs", o.limit)
	}
	f := store.Filter{DAG: o.dag}
	for _, s := range o.states {
		switch st := machine.RunState(s); st {
		case machine.RunQueued, machine.RunRunning, machine.RunSuccess, machine.RunFailed, machine.RunCancelled:
			f.States = append(f.States, st)
		default:
			return usagef("cannot list runs that are %q: a run is queued, running, success, failed or cancelled", s)
		}
	}
	s, err := e.openRuns(false)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := s.list().ListRuns(context.Background(), f)
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b store.Run) int { return b.CreatedAt.Compare(a.CreatedAt) })
	if o.limit > 0 && len(rows) > o.limit {
		rows = rows[:o.limit]
	}
	if o.json {
		list := make([]listedRun, len(rows))
		for i, r := range rows {
			list[i] = listedRun{r, s.cutOff(r)}
		}
		return e.printJSON(list)
	}
	if len(rows) == 0 {
		fmt.Fprintln(e.stdout, "no runs")
		return nil
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tDAG\tSTATE\tSTARTED\tTOOK")
	cut := 0
	for _, r := range rows {
		state := string(r.State)
		if s.cutOff(r) {
			cut++
			state += ", cut off"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.DAG, state, when(r.StartedAt), took(r.StartedAt, r.FinishedAt))
	}
	if cut > 0 {
		defer fmt.Fprintln(e.stdout, "\nnobody drives what was cut off; weft runs resume goes on with it")
	}
	return w.Flush()
}

// A listedRun is a run as weft runs --json has it.
type listedRun struct {
	store.Run
	CutOff bool `json:"cut_off,omitempty"` // nobody drives it
}

// cutOff tells whether a run that has not ended has no driver: a crash or a kill interrupted it.
func (s *session) cutOff(r store.Run) bool {
	return s.far == nil && !r.State.Terminal() && s.free(r.ID) == nil
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	d := to.Sub(from)
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func showCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show RUN [TASK]",
		Short: "show a run: each task's state, and why; or the output of one task",
		Example: `  weft runs show latest --json
  weft runs show latest publish`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usagef("name the run: its id, the beginning of it, or latest; then, if you like, a task")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return e.show(args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "the summary, as weft run --json ends with; of a task its part of it")
	return cmd
}

func (e *env) show(args []string, asJSON bool) error {
	s, row, err := e.openRun(args[0])
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.replay(row.ID)
	if err != nil {
		return err
	}
	if len(args) == 2 {
		return e.showTask(r, s.summary(r), args[1], asJSON)
	}
	return e.showRun(s, row, r, asJSON)
}

func (e *env) showRun(s *session, row store.Run, r *machine.Run, asJSON bool) error {
	sum := s.summary(r)
	if asJSON {
		return e.printLine(sum)
	}
	fmt.Fprintf(e.stdout, "%s of %s: %s", sum.Run, sum.DAG, sum.State)
	if sum.Reason != "" {
		fmt.Fprintf(e.stdout, " (%s)", clean(sum.Reason))
	}
	if s.cutOff(row) {
		fmt.Fprint(e.stdout, ", cut off: nobody drives it, weft runs resume goes on with it")
	}
	fmt.Fprintf(e.stdout, "\nstarted %s, took %s\n", when(sum.StartedAt), took(sum.StartedAt, sum.FinishedAt))
	if p := r.Info().Parent; p != nil {
		fmt.Fprintf(e.stdout, "started by task %s of %s, run %s\n", p.Task, p.DAG, p.Run)
	}
	fmt.Fprintln(e.stdout)
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TASK\tSTATE\tATTEMPTS\tTOOK\tWHY")
	for _, id := range taskOrder(r.Plan(), sum) {
		t := sum.Tasks[id]
		fmt.Fprintf(w, "%s\t%s%s\t%d\t%s\t%s\n", id, t.State, instances(t), t.Attempts, took(t.StartedAt, t.EndedAt), firstLine(t.Reason))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return e.showArtifacts(r.Plan(), sum)
}

// taskOrder is the file's order, callbacks after the tasks.
func taskOrder(p *machine.Plan, sum machine.Summary) []string {
	ids := make([]string, 0, len(sum.Tasks))
	for i := range p.Tasks {
		ids = append(ids, p.Tasks[i].ID)
	}
	for _, id := range sortedKeys(sum.Tasks) {
		if strings.Contains(id, ".") {
			ids = append(ids, id)
		}
	}
	return ids
}

func instances(t machine.TaskSummary) string {
	if len(t.Instances) == 0 {
		return ""
	}
	ok := 0
	for _, in := range t.Instances {
		if in.State == machine.Success {
			ok++
		}
	}
	return fmt.Sprintf(" %d/%d", ok, len(t.Instances))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return clean(line)
}

func resumeCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "go on with runs that were cut off",
		Long: `Go on with a run that a crash, a kill or a power cut interrupted; without a name, with every
such run. What still lives of it is ended first; finished tasks are not run again.
Runs that another weft drives are left alone.`,
		Example: "  weft runs resume",
		Args:    someArgs(0, 1, "name one run, or none for all that were cut off"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return e.resume(args[0], asJSON)
			}
			return e.resumeAll(asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object an event")
	dagsFlag(e, cmd, findsDAGs)
	sandboxFlag(e, cmd, goesOnInSandbox)
	return cmd
}

func (e *env) resume(name string, asJSON bool) error {
	if e.onTemporal() {
		return errGoesOn
	}
	s, row, err := e.openRun(name)
	if err != nil {
		return err
	}
	defer s.close()
	return e.resumeRuns(s, []string{row.ID}, true, asJSON)
}

// resumeAll goes on with every run that nobody drives, all at once.
func (e *env) resumeAll(asJSON bool) error {
	if e.onTemporal() {
		return errGoesOn
	}
	s, err := openSession(e.conf, false)
	if err != nil {
		return err
	}
	defer s.close()
	rows, err := s.store.ListRuns(context.Background(), store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		if !asJSON {
			fmt.Fprintln(e.stdout, "no run was cut off")
		}
		return nil
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[len(rows)-1-i] = r.ID // the oldest first
	}
	return e.resumeRuns(s, ids, false, asJSON)
}

// resumeRuns goes on with runs and waits for their ends; the worst of them is the command's end.
// named tells that someone asked for this very run: then it is an error if another weft drives it.
func (e *env) resumeRuns(s *session, ids []string, named, asJSON bool) error {
	runs, worst, err := e.cutOffRuns(s, ids, named)
	if err != nil {
		return driven(err)
	}
	runs, end := e.handResumed(s, runs, asJSON, len(ids) == 1)
	if end != nil {
		worst = end
	}
	if len(runs) == 0 {
		return worst
	}
	if named {
		err = e.stay(runs[0])
	} else {
		runs = e.stayTogether(runs)
	}
	if err != nil || len(runs) == 0 {
		return cmp.Or(err, worst)
	}
	watch := e.watch(asJSON, len(ids) == 1)
	defer watch.Close()
	s.note = func(text string) { fmt.Fprintln(e.stderr, text) }
	if err := e.drive(s, watch.Update); err != nil {
		return err
	}
	going := make([]string, len(runs))
	for i, r := range runs {
		watch.follow(r)
		e.runs.know(r.Info(), false)
		going[i] = r.Info().Key()
	}
	failed := s.engine.ResumeAll(context.Background(), going...)
	going = slices.DeleteFunc(going, func(id string) bool { return failed[id] != nil })
	for _, id := range sortedKeys(failed) {
		if named {
			return driven(failed[id])
		}
		e.complain(failed[id])
		worst = errSome
	}
	if err := e.await(s, watch, going...); err != nil {
		worst = err
	}
	return worst
}

// cutOffRuns are those of the runs that nobody drives; worst is the command's end if one of them
// cannot be read.
func (e *env) cutOffRuns(s *session, ids []string, named bool) (runs []*machine.Run, worst, err error) {
	for _, id := range ids {
		r, err := s.replay(id)
		if err == nil {
			err = s.free(id)
		}
		switch {
		case err == nil:
			runs = append(runs, r)
		case named:
			return nil, nil, err
		case errors.Is(err, local.ErrDriven):
			fmt.Fprintf(e.stderr, "%s is left alone: another weft drives it\n", id)
		default: // one run that cannot go on stops nobody else's
			e.complain(err)
			worst = errSome
		}
	}
	return runs, worst, nil
}

// free tells whether nobody drives a run just now.
func (s *session) free(run string) error {
	return local.FileLocks{Dir: filepath.Join(s.conf.Home, "runs")}.Free(run)
}
