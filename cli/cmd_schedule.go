package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"weft/cron"
	"weft/diag"
	"weft/machine"
	"weft/schedule"
	"weft/spec"
)

func scheduleCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "when a DAG is due",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(previewCommand(e))
	return cmd
}

// A preview is what weft schedule preview was asked.
type preview struct {
	count          int
	from, timezone string
	aroundDST      bool
	asJSON         bool
}

func previewCommand(e *env) *cobra.Command {
	var o preview
	cmd := &cobra.Command{
		Use:   "preview EXPR|DAG",
		Short: "the next ticks of a schedule, in its zone and in UTC",
		Long: `Show the next ticks of a schedule: a text as it stands behind schedule: in a
file, or the schedule of a DAG (a file, or an id). Nothing is run or remembered.

A schedule without start is shown as that of a DAG that has been known for long:
of a new one, the first tick ends the first whole interval after it was first seen.`,
		Example: `  weft schedule preview nightly
  weft schedule preview "30 2 * * *" --timezone Europe/Berlin --around-dst
  weft schedule preview "{every: 90m, start: 2026-01-31T06:00}" -n 3 --from 2026-02-01`,
		Args: exactArgs(1, "name the schedule: a cron text in quotes, a file, or the id of a DAG"),
		RunE: func(_ *cobra.Command, args []string) error { return e.preview(args[0], o) },
	}
	f := cmd.Flags()
	f.IntVarP(&o.count, "count", "n", 5, "how many ticks")
	f.StringVar(&o.from, "from", "", "the moment to begin after (default now); in the schedule's zone if it has no offset")
	f.StringVar(&o.timezone, "timezone", "", "the zone of a text (default UTC); a DAG has its own")
	f.BoolVar(&o.aroundDST, "around-dst", false, "the ticks before and after the next changes of the clocks")
	f.BoolVar(&o.asJSON, "json", false, "one JSON object")
	return cmd
}

// maxPreviewed bounds a preview: more is for programs that ask again with --from.
const maxPreviewed = 1000

func (e *env) preview(arg string, o preview) error {
	if o.count < 1 || o.count > maxPreviewed {
		return usagef("cannot show %d ticks: -n is 1 to %d", o.count, maxPreviewed)
	}
	plan, err := e.scheduled(arg, o)
	if err != nil {
		return err
	}
	zone := time.UTC
	if plan.Timezone != "" {
		if zone, err = time.LoadLocation(plan.Timezone); err != nil {
			return fmt.Errorf("cannot read the time zone %s: %w", plan.Timezone, err)
		}
	}
	from := time.Now().Truncate(time.Microsecond)
	if o.from != "" {
		if from, err = schedule.Moment(o.from, zone); err != nil {
			return usagef("cannot read --from: %v", err)
		}
	}
	s, err := asKnown(plan, zone, from)
	if err != nil {
		return err
	}
	shown := newPreviewed(arg, plan, s, zone, from)
	if o.aroundDST {
		shown.around(s, zone, from, o.count)
	} else {
		shown.Ticks = ticksAfter(s, zone, from, o.count)
	}
	if o.asJSON {
		return e.printJSON(shown)
	}
	return e.printPreview(shown, zone, o.aroundDST)
}

// asKnown reads a plan's schedule. One that has no start begins when the DAG was first seen: it is shown as if
// that had been years ago.
func asKnown(plan *machine.Plan, zone *time.Location, from time.Time) (*schedule.Schedule, error) {
	s, err := schedule.New(plan, zone, from)
	if err != nil || s.Kind() != schedule.Timed {
		return s, err
	}
	return schedule.New(plan, zone, from.AddDate(-10, 0, 0))
}

// isExpr tells a schedule as it is written from a file or an id.
func isExpr(arg string) bool {
	if info, err := os.Stat(arg); err == nil && !info.IsDir() {
		return false
	}
	return strings.ContainsFunc(arg, unicode.IsSpace) || strings.HasPrefix(arg, "@") || strings.HasPrefix(arg, "{") || strings.HasPrefix(arg, "[") || arg == ""
}

// scheduled makes a plan of what the command was given. What may be wrong with a text is shown: it stands in no
// file that weft validate could be asked about.
func (e *env) scheduled(arg string, o preview) (*machine.Plan, error) {
	if !isExpr(arg) {
		if o.timezone != "" {
			return nil, usagef("--timezone is for a text: a DAG says its own under `schedule`")
		}
		_, plan, err := e.load(arg)
		return plan, err
	}
	src, err := scheduleSource(arg, o.timezone)
	if err != nil {
		return nil, err
	}
	c := e.checkSource("schedule", ".", []byte(src))
	if o.aroundDST { // what a change of the clocks does is about to be seen
		c.ds = slices.DeleteFunc(c.ds, func(d spec.Diagnostic) bool { return d.Severity == spec.Info })
	}
	failed := c.failed() || c.dag == nil
	if len(c.ds) > 0 {
		opts := diag.Options{Source: func(string) []byte { return c.src }, Color: e.colorOn(e.stderr)}
		if err := diag.Text(e.stderr, c.ds, opts); err != nil {
			return nil, err
		}
		if !failed {
			fmt.Fprintln(e.stderr) // the preview follows
		}
	}
	if failed {
		return nil, errProblems
	}
	return c.dag.Plan()
}

// scheduleSource is a DAG file whose first line is the schedule.
func scheduleSource(text, timezone string) (string, error) {
	if strings.ContainsFunc(text+timezone, unicode.IsControl) {
		return "", usagef("a schedule is one line of text")
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	value := quote(text)
	switch flow := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["); {
	case flow && timezone != "" && text[0] == '{':
		return "", usagef("write the zone into the schedule: {…, timezone: %s}", timezone)
	case flow:
		value = text
	}
	if timezone != "" {
		key := "cron"
		if d, ok := strings.CutPrefix(text, "every "); ok {
			key, value = "every", quote(strings.TrimSpace(d))
		}
		value = "{" + key + ": " + value + ", timezone: " + quote(timezone) + "}"
	}
	return "schedule: " + value + "\nid: preview\ntasks: {t: {run: \"true\"}}\n", nil
}

// shiftsAfter are the next changes of a zone's clocks: the next forward and the next back, within two years.
func shiftsAfter(zone *time.Location, from time.Time) (out []cron.Shift) {
	seen := map[bool]bool{}
	for _, s := range cron.Shifts(zone, from.In(zone).Year(), from.In(zone).Year()+2) {
		if s.At.After(from) && !seen[s.Gap] {
			seen[s.Gap] = true
			out = append(out, s)
		}
	}
	return out
}
