package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"weft/machine"
	"weft/runner/local"
	"weft/store"
)

func runCommand(e *env) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run FILE|ID",
		Short: "run a DAG and wait for its end",
		Long: `Run a DAG from its file, or by its id in the DAGs folder, and wait for its end.

At a terminal a live tree shows what happens; elsewhere each event is a line, and
--json makes each an object, the last of which is the summary.
Ctrl-C cancels the run cleanly; pressed twice it kills.

Where weft serve serves the same state folder, the server drives the run, with its own
environment, pools and secrets, and this weft shows it: it may go, the run goes on.
Pressed twice, Ctrl-C then leaves the server to it.`,
		Example: `  weft run dags/hello.yaml
  weft run nightly --dags s3://acme-data/dags
  weft run nightly -p region=north -p 'days:=[1, 2]' --logical-date 2026-01-02
  weft run nightly --detach`,
		Args: exactArgs(1, "name the DAG: a file, or an id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("run-id") {
				if err := checkRunID(o.id); err != nil {
					return err
				}
			}
			return e.run(args[0], o)
		},
	}
	f := cmd.Flags()
	o.begins(cmd)
	f.BoolVar(&o.json, "json", false, "one JSON object an event")
	f.BoolVarP(&o.detach, "detach", "d", false, "leave the run to the server: print its name once it is kept")
	dagsFlag(e, cmd, "where ids are looked for")
	sandboxFlag(e, cmd, beginsInSandbox)
	return cmd
}

type runOptions struct {
	params       []string
	date, id     string
	json, detach bool
}

// begins are the flags of commands that begin a run.
func (o *runOptions) begins(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.params, "param", "p", nil, "a param: name=value, or name:=JSON")
	f.StringVar(&o.date, "logical-date", "", "the date the run is for (default now)")
	f.StringVar(&o.id, "run-id", "", "the run's id; one that exists is not started again")
}

// run starts a run and sees it to its end.
func (e *env) run(arg string, o runOptions) error {
	s, err := e.early(arg)
	if err != nil {
		return err
	}
	if s != nil {
		defer s.close()
	}
	file, plan, err := e.load(arg)
	if errors.Is(err, errProblems) { // they have been shown; what a run's 1 says is that it failed
		return errSome
	}
	if err != nil {
		return err
	}
	params, err := checkedParams(plan, o.params)
	if err != nil {
		return err
	}
	req, err := e.manual(plan, file, o.id, o.date, params)
	if err != nil {
		return err
	}
	if e.onTemporal() {
		return e.runFar(req, o)
	}
	asked := o.id != ""
	if s == nil {
		done, may, err := e.handOver(req, o)
		if done || err != nil {
			return err
		}
		asked = asked || may
	}
	if o.detach {
		return errNotDetached(e.sandbox)
	}
	if s == nil {
		if s, err = openSession(e.conf, true); err != nil {
			return err
		}
		defer s.close()
	}
	watch := e.watch(o.json, true)
	defer watch.Close()
	watch.begin(plan)
	if err := e.drive(s, watch.Update); err != nil {
		return err
	}
	run, err := s.start(context.Background(), req)
	if errors.Is(err, store.ErrExists) && asked {
		err = e.goOn(s, watch, run, plan.DAG)
	}
	if err != nil {
		return driven(err)
	}
	return e.await(s, watch, run)
}

// early starts the sandbox where the DAG itself lies in it; nil: there is no need.
func (e *env) early(arg string) (*session, error) {
	if !e.sandbox || !e.fromBucket(arg) {
		return nil, nil
	}
	s, err := openSession(e.conf, true)
	if err != nil {
		return nil, err
	}
	if err := e.startSandbox(s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// goOn takes up a run whose id was asked for and exists: an id names one run for good.
func (e *env) goOn(s *session, watch *watching, run, dag string) error {
	r, err := s.replay(run)
	if err != nil {
		return err
	}
	if other := r.Info().DAG; other != dag {
		return &hinted{fmt.Errorf("cannot start run %s of %s: a run of %s has that id", run, dag, other), "choose another --run-id"}
	}
	if r.Info().Sandbox != e.sandbox {
		return &hinted{fmt.Errorf("cannot go on with run %s here: it began %s --sandbox", run, map[bool]string{true: "with", false: "without"}[r.Info().Sandbox]), "run it as it began, or choose another --run-id"}
	}
	watch.follow(r)
	if state := r.State(); state == machine.RunSuccess || state == machine.RunFailed || state == machine.RunCancelled {
		e.overAlready(run)
	}
	return s.engine.Resume(context.Background(), run)
}

// await waits for the ends of runs; the worst of them is the answer. Ctrl-C cancels them; pressed
// twice it kills what lives and leaves the rest to resume.
func (e *env) await(s *session, watch *watching, runs ...string) error {
	signals := make(chan os.Signal, 2)
	heed(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	over := make(chan struct{})
	defer close(over)
	go e.interrupts(s, watch, runs, signals, over)
	var worst error
	for _, run := range runs {
		sum, err := s.wait(run)
		if err != nil {
			return err
		}
		watch.finish(sum)
		if sum.State != machine.RunSuccess {
			worst = errRunFailed
		}
	}
	if err := e.awaitChildren(s); err != nil {
		return err
	}
	if watch.interrupted.Load() {
		return errInterrupted
	}
	return worst
}

// heed has signals come, but for those that whoever started weft has had ignored: nohup does, and & in a script.
func heed(c chan<- os.Signal, signals ...os.Signal) {
	if signals = slices.DeleteFunc(signals, signal.Ignored); len(signals) > 0 { // none would be all
		signal.Notify(c, signals...)
	}
}

// wait returns a run's summary when it has ended.
func (s *session) wait(run string) (machine.Summary, error) {
	sum, err := s.engine.Wait(context.Background(), run)
	if err != nil {
		err = &hinted{err: fmt.Errorf("cannot go on with run %s: %w", run, err), hint: "weft runs resume " + run + " goes on once that is mended"}
	}
	return sum, err
}

// awaitChildren waits for the ends of the runs that tasks have started here, and of those that these start. How
// they end is the business of whoever started them.
func (e *env) awaitChildren(s *session) error {
	for {
		more := e.runs.going()
		if len(more) == 0 {
			return nil
		}
		for _, run := range more {
			if _, err := s.wait(run); err != nil {
				return err
			}
			e.runs.over(run)
		}
	}
}

// interrupts turns the first signal into a cancel and the second into a kill.
func (e *env) interrupts(s *session, watch *watching, runs []string, signals <-chan os.Signal, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-signals:
	}
	watch.interrupt()
	e.runs.stop()
	runs = append(slices.Clone(runs), e.runs.going()...)
	for _, run := range runs {
		go func() {
			_ = s.engine.Cancel(context.Background(), run, userName(), "interrupted") // Wait says what came of it
		}()
	}
	select {
	case <-over:
	case <-signals:
		for _, run := range runs {
			_, _ = s.endLeftovers(run, 0)
		}
		watch.Close()
		fmt.Fprintln(e.stderr, "killed; weft runs resume ends what the cancel could not")
		os.Exit(exitInterrupted)
	}
}

// driven adds who to ask to an error about a run that another process drives.
func driven(err error) error {
	if errors.Is(err, local.ErrDriven) {
		return &hinted{err: err, hint: "weft logs -f follows it, weft cancel ends it"}
	}
	return err
}
