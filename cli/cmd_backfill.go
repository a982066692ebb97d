package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"weft/runner"
	"weft/schedule"
	"weft/scheduler"
	"weft/server"
	"weft/store"
)

func backfillCommand(e *env) *cobra.Command {
	var o backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill ID",
		Short: "have the runs of past dates: plan, order, pause and cancel",
		Long: `Have a run of each logical date from --from to --to, both included, as the schedule of the DAG names
them. A date without an offset is wall time of the schedule's zone; a --to that is a day is all of
that day. A date that has a run keeps it, unless --reprocess says otherwise.

The server of this state folder carries it out, and gives way to fresh runs; without one it is
carried out here, until it is over or Ctrl-C pauses it. It goes on after a crash.`,
		Example: `  weft backfill nightly --from 2026-01-01 --to 2026-01-31 --plan
  weft backfill nightly --from 2026-01-01 --to 2026-01-31 --reprocess failed --max-active 4
  weft backfill list`,
		Args: exactArgs(1, "name the DAG by its id: weft dags lists them"),
		RunE: func(_ *cobra.Command, args []string) error { return e.backfill(args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "the first logical date")
	f.StringVar(&o.to, "to", "", "the last logical date")
	f.BoolVar(&o.plan, "plan", false, "only show each date, and what would be done")
	f.StringVar(&o.reprocess, "reprocess", "none", "which runs that exist are run again: none, failed or all")
	f.BoolVar(&o.backwards, "backwards", false, "the newest date first")
	f.IntVar(&o.maxActive, "max-active", 1, "how many of its runs go on at one time (at most max_active_runs of the DAG)")
	f.StringArrayVarP(&o.params, "param", "p", nil, "a param of each run: name=value, or name:=JSON")
	f.BoolVar(&o.json, "json", false, "JSON objects")
	dagsFlag(e, cmd, servedDAGs)
	cmd.AddCommand(backfillsCommand(e), backfillOrderCommand(e, "pause", "begin nothing more; what runs goes on"),
		backfillOrderCommand(e, "resume", "go on with one that was paused, or cut off"), backfillOrderCommand(e, "cancel", "end it, and cancel its runs"))
	return cmd
}

type backfillOptions struct {
	from, to, reprocess   string
	plan, backwards, json bool
	maxActive             int
	params                []string
}

// backfill orders one, or shows what it would do.
func (e *env) backfill(id string, o backfillOptions) error {
	page, err := e.dagNow(id)
	if err != nil {
		return served(err)
	}
	order, err := o.order(id, page.Timezone)
	if err != nil {
		return err
	}
	if c := e.live(); c != nil {
		defer c.Close()
		return e.backfillServed(c, order, o)
	}
	row := store.Backfill{
		DAG: id, From: order.From, To: order.To, Reprocess: order.Reprocess, Backwards: order.Backwards, MaxActive: order.MaxActive,
		Params: string(order.Params), By: order.By,
	}
	if o.plan {
		s, err := e.openRuns(true)
		if err != nil {
			return err
		}
		defer s.close()
		row.Schedule = scheduler.KeptAs(page.Schedule, page.Timezone)
		dates, err := scheduler.PlanBackfill(context.Background(), s.list(), row)
		if err != nil {
			return usageOf(err)
		}
		return e.showDates(dates, o.json)
	}
	if e.onTemporal() {
		return e.errNotServed("carry out a backfill of " + id)
	}
	return e.backfillHere(o.json, func(ctx context.Context, s *scheduler.Service) (store.Backfill, error) { return s.Backfill(ctx, row) })
}

// usageOf says of an order that cannot be that it was typed wrong.
func usageOf(err error) error {
	if _, ok := errors.AsType[*scheduler.DatesError](err); ok {
		return &usageError{err}
	}
	return err
}

// order reads the flags.
func (o backfillOptions) order(id, timezone string) (b server.BackfillOrder, err error) {
	zone, err := time.LoadLocation(timezone)
	if err != nil {
		zone = time.UTC
	}
	if o.from == "" || o.to == "" {
		return b, usagef("say which dates: --from 2026-01-01 --to 2026-01-31")
	}
	b = server.BackfillOrder{DAG: id, Reprocess: o.reprocess, Backwards: o.backwards, MaxActive: o.maxActive, By: userName()}
	if b.From, err = schedule.Moment(o.from, zone); err != nil {
		return b, usagef("cannot use --from: %v", err)
	}
	if b.To, err = schedule.Moment(o.to, zone); err != nil {
		return b, usagef("cannot use --to: %v", err)
	}
	if day, bad := time.Parse(time.DateOnly, o.to); bad == nil { // all of the day
		next, err := schedule.Moment(day.AddDate(0, 0, 1).Format(time.DateOnly), zone)
		if err != nil {
			return b, err
		}
		b.To = next.Add(-time.Microsecond)
	}
	given, text, err := paramFlags(o.params)
	if err != nil {
		return b, err
	}
	for name, v := range text {
		given[name] = v
	}
	if len(given) > 0 {
		if b.Params, _, err = (runner.Request{Params: given}).Inputs(); err != nil {
			return b, err
		}
	}
	if err := scheduler.CheckBackfill(store.Backfill{From: b.From, To: b.To, Reprocess: b.Reprocess, MaxActive: b.MaxActive}); err != nil {
		return b, &usageError{err}
	}
	return b, nil
}

// backfillServed has the server carry it out.
func (e *env) backfillServed(c *server.Client, order server.BackfillOrder, o backfillOptions) error {
	ctx := context.Background()
	if o.plan {
		plan, err := c.Dates(ctx, order)
		if err != nil {
			return e.typed(err)
		}
		return e.showDates(plan.Dates, o.json)
	}
	b, err := c.Backfill(ctx, order)
	if err != nil {
		return e.typed(err)
	}
	if o.json {
		return e.printLine(b)
	}
	_, err = fmt.Fprintf(e.stdout, "backfill %s: %s; the server carries it out, weft backfill list tells how far it is\n", b.ID, count(b.Dates, "date"))
	return err
}

// typed tells what was typed wrong from what cannot be done.
func (e *env) typed(err error) error {
	var p *server.Problem
	if errors.As(err, &p) && p.Status == http.StatusBadRequest {
		return &usageError{served(err)}
	}
	return served(err)
}

// What is done about a date, in words.
var actions = map[string]string{scheduler.Begin: "runs", scheduler.Again: "runs again", scheduler.Leave: "stays"}

// showDates prints what a backfill would do.
func (e *env) showDates(dates []scheduler.Date, asJSON bool) error {
	if asJSON {
		return e.printLine(server.Dates{Format: server.Format, Dates: dates})
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tIS\tTHEN")
	n := map[string]int{}
	for _, d := range dates {
		state := string(d.State)
		if state == "" {
			state = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.Run, state, actions[d.Action])
		n[d.Action]++
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.stdout, "\n%s: %d to run, %d again, %d stay as they are\n", count(len(dates), "date"), n[scheduler.Begin], n[scheduler.Again], n[scheduler.Leave])
	return err
}

func backfillsCommand(e *env) *cobra.Command {
	var asJSON bool
	var dag string
	cmd := &cobra.Command{
		Use: "list", Short: "backfills, newest first, and how far each is",
		Example: "  weft backfill list --dag nightly",
		Args:    exactArgs(0, "weft backfill list takes no argument: --dag chooses a DAG"),
		RunE: func(*cobra.Command, []string) error {
			s, err := e.openRuns(false)
			if err != nil {
				return err
			}
			defer s.close()
			list, err := s.list().ListBackfills(context.Background(), dag, 0)
			if err != nil {
				return err
			}
			return e.showBackfills(list, asJSON)
		},
	}
	cmd.Flags().StringVar(&dag, "dag", "", "of this DAG alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func (e *env) showBackfills(list []store.Backfill, asJSON bool) error {
	if asJSON {
		return e.printLine(server.Backfills{Format: server.Format, Backfills: append([]store.Backfill{}, list...)})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(e.stdout, "no backfills")
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "BACKFILL\tDATES\tSTATE\tDONE\tBEGUN\tAGAIN\tLEFT\tFAILED\tWHY")
	for _, b := range list {
		fmt.Fprintf(w, "%s\t%s … %s\t%s\t%d/%d\t%d\t%d\t%d\t%d\t%s\n", b.ID, b.From.In(scheduler.ZoneOf(b)).Format(time.DateOnly), b.To.In(scheduler.ZoneOf(b)).Format(time.DateOnly), b.State, b.Next, b.Dates, b.Begun, b.Again, b.Left, b.Failed, strings.TrimSpace(b.Reason))
	}
	return w.Flush()
}

func backfillOrderCommand(e *env, what, short string) *cobra.Command {
	return &cobra.Command{
		Use: what + " BACKFILL", Short: short,
		Example: "  weft backfill " + what + " nightly__2026-02-01T09:00:00+00:00",
		Args:    exactArgs(1, "name the backfill: weft backfill list shows them"),
		RunE:    func(_ *cobra.Command, args []string) error { return e.orderBackfill(args[0], what) },
	}
}

// orderBackfill has a backfill pause, go on, or end.
func (e *env) orderBackfill(id, what string) error {
	said := map[string]string{"pause": "paused", "resume": "going on", "cancel": "cancelled"}[what]
	if c := e.live(); c != nil {
		defer c.Close()
		if _, err := c.OrderBackfill(context.Background(), id, what, userName()); err != nil {
			return served(err)
		}
	} else if what == "resume" {
		return e.backfillHere(false, func(ctx context.Context, s *scheduler.Service) (store.Backfill, error) {
			return store.Backfill{ID: id}, s.PauseBackfill(ctx, id, false)
		})
	} else if err := e.keepBackfill(id, said); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.stdout, "%s is %s\n", id, said)
	return err
}
