package cli

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weft/config"
	"weft/retention"
)

func gcCommand(e *env) *cobra.Command {
	var o gcOptions
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "remove old runs with all that is theirs, and what nobody uses",
		Long: `Remove what is old: runs that ended long ago, with their journals, logs and values in the
handoff; Python environments that nobody has used since; what crashes have left over.

First it shows what would go; at a terminal it asks, elsewhere nothing goes without --yes.
A run that is not over or that another weft drives never goes, nor do the newest of each DAG
(--keep), its newest scheduled run, and what depends_on_past still asks for. A removal that was
cut off is ended by the next.`,
		Example: `  weft gc
  weft gc --older-than 7d --keep 3 --yes
  weft gc --dag nightly --older-than 0s --keep 0`,
		Args: exactArgs(0, "weft gc takes no argument: --dag chooses a DAG"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := o.policy(e.conf, cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return e.gc(p, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.olderThan, "older-than", "", "how long ago a run must have ended, such as 30d (default gc_older_than of weft.yaml, 30d)")
	f.IntVar(&o.keep, "keep", 0, "how many of each DAG's newest runs stay (default gc_keep of weft.yaml, 10)")
	f.StringVar(&o.dag, "dag", "", "runs of this DAG alone, and nothing else")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.json, "json", false, "two JSON objects: what would go; with --yes also what has gone")
	f.BoolVar(&e.sandbox, "sandbox", false, "the handoff s3:// of the runs is that of the sandbox")
	return cmd
}

type gcOptions struct {
	olderThan string
	keep      int
	dag       string
	yes, json bool
}

// policy is the configuration's, but for what flags say.
func (o gcOptions) policy(conf config.Config, given func(flag string) bool) (retention.Policy, error) {
	p := retention.Policy{OlderThan: conf.GCOlderThan, Keep: conf.GCKeep, DAG: o.dag}
	if given("older-than") {
		d, err := config.Duration(o.olderThan)
		if err != nil {
			return p, usagef("cannot use --older-than: %w", err)
		}
		p.OlderThan = d
	}
	if given("keep") {
		if o.keep < 0 {
			return p, usagef("cannot keep %d runs", o.keep)
		}
		p.Keep = o.keep
	}
	return p, nil
}

// gc shows what would go and, if that is wanted, has it go.
func (e *env) gc(policy retention.Policy, o gcOptions) error {
	s, err := openSession(e.conf, false)
	if err != nil {
		return err
	}
	defer s.close()
	if e.sandbox {
		if err := e.startSandbox(s); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	k := s.keeper(e.sandbox)
	plan, err := k.Plan(ctx, policy)
	if err != nil {
		return gcEnd(ctx, err)
	}
	if err := e.showGC(plan, o.json); err != nil {
		return err
	}
	if !o.yes && !plan.Empty() && (!e.someoneThere() || !e.agreed("remove all this?")) {
		if !o.json {
			fmt.Fprintln(e.stdout, "nothing is removed; weft gc --yes removes it")
		}
		return e.gcNotes(plan.Notes, o.json)
	}
	failed := e.gcNotes(plan.Notes, o.json)
	if !o.yes && plan.Empty() {
		return failed
	}
	began := time.Now()
	res, err := k.Carry(ctx, plan)
	s.locks().Sweep()
	if shown := e.showGone(res, time.Since(began), o.json); err == nil {
		err = shown
	}
	if bad := e.gcNotes(res.Notes, o.json); err == nil {
		err = bad
	}
	if err == nil {
		return failed
	}
	return gcEnd(ctx, err)
}

// gcEnd tells an interruption from a failure; either way the next gc goes on.
func gcEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}
