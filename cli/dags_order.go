package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"weft/runner"
	"weft/scheduler"
	"weft/server"
)

func pauseCommand(e *env, pause bool) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "pause ID...",
		Short:   "have DAGs begin no runs by their schedules; what runs goes on",
		Example: "  weft dags pause nightly",
		RunE:    func(_ *cobra.Command, args []string) error { return e.pauseDAGs(args, pause, asJSON) },
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the DAGs by their ids: weft dags lists them")
			}
			return nil
		},
	}
	if !pause {
		cmd.Use, cmd.Short, cmd.Example = "unpause ID...", "have DAGs begin runs by their schedules again", "  weft dags unpause nightly"
		cmd.Long = `Have DAGs begin runs by their schedules again. What became due while they were paused is
recorded as missed, or run, as catchup in their schedules says.`
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a DAG")
	dagsFlag(e, cmd, servedDAGs)
	return cmd
}

func triggerCommand(e *env) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "trigger ID",
		Short: "have the server begin a run of a DAG, and print its name",
		Long: `Have the server of this state folder begin a run of a DAG, under the version that is in force
there, also of one that is paused. The run's name is printed once it is kept: weft logs -f
follows it. Without a server, weft run ID runs a DAG here.`,
		Example: `  weft dags trigger nightly
  weft dags trigger nightly -p region=north --logical-date 2026-01-02`,
		Args: exactArgs(1, "name the DAG by its id: weft dags lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("run-id") {
				if err := checkRunID(o.id); err != nil {
					return err
				}
			}
			return e.trigger(args[0], o)
		},
	}
	o.begins(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "one JSON object")
	return cmd
}

// pauseDAGs pauses DAGs, or ends that: by the server, or without one in the state folder, where the next server finds
// it. An id that is wrong stops no other.
func (e *env) pauseDAGs(ids []string, pause, asJSON bool) error {
	order, end, err := e.pauser(pause)
	if err != nil {
		return err
	}
	defer end()
	var worst error
	for _, id := range ids {
		err := order(id)
		if err != nil {
			e.complain(served(err))
			worst = errSome
			continue
		}
		if asJSON {
			err = e.printLine(server.Paused{Format: server.Format, DAG: id, Paused: pause})
		} else {
			_, err = fmt.Fprintf(e.stdout, "%s is %s\n", id, map[bool]string{true: "paused", false: "not paused"}[pause])
		}
		if err != nil {
			return err
		}
	}
	return worst
}

// pauser is how a DAG is paused here and now.
func (e *env) pauser(pause bool) (order func(id string) error, end func(), err error) {
	ctx := context.Background()
	if c := e.live(); c != nil {
		return func(id string) error {
			_, err := c.Pause(ctx, id, userName(), pause)
			return err
		}, c.Close, nil
	}
	if e.onTemporal() {
		return nil, nil, e.errNotServed(map[bool]string{true: "pause", false: "unpause"}[pause] + " DAGs")
	}
	l, err := lead(e.conf.Home)
	if errors.Is(err, errServed) {
		return nil, nil, &hinted{errors.New("cannot pause DAGs just now: the server begins, or ends"), "try again in a moment"}
	}
	if err != nil {
		return nil, nil, err
	}
	if !l.was.IsZero() {
		defer l.beat(l.was) // nobody has served meanwhile
	}
	var s *session
	cat, err := e.readDAGs()
	if err == nil {
		s, err = openSession(e.conf, true)
	}
	if err != nil {
		l.close()
		return nil, nil, err
	}
	return func(id string) error {
		entry, ok := cat.Now().Entries[id]
		if !ok {
			return server.UnknownDAG(cat.Now(), id)
		}
		_, err := scheduler.PauseKept(ctx, s.store, entry, userName(), pause, time.Now().UTC())
		return err
	}, func() { s.close(); l.close() }, nil
}

// trigger has the server begin a run.
func (e *env) trigger(id string, o runOptions) error {
	given, text, err := paramFlags(o.params)
	if err != nil {
		return err
	}
	t := server.Trigger{Text: text, Run: o.id, By: userName()}
	if t.Params, _, err = (runner.Request{Params: given}).Inputs(); err != nil {
		return err
	}
	if o.date != "" {
		when, err := logicalDate(o.date)
		if err != nil {
			return err
		}
		t.Logical = &when
	}
	c := e.live()
	if c == nil {
		return &hinted{fmt.Errorf("cannot trigger %s: no server of this state folder begins runs", id), "weft serve is one; weft run " + shellWord(id) + " runs it here"}
	}
	defer c.Close()
	a, err := c.Trigger(context.Background(), id, t)
	switch {
	case isProblem(err, server.CodeParams):
		return &usageError{err}
	case err != nil:
		return served(err)
	}
	return e.began(a, o.json)
}
