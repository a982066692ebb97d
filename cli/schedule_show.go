package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"weft/machine"
	"weft/schedule"
)

// A previewed schedule, as --json has it. Times are RFC 3339: in UTC, local ones with the zone's offset.
type previewed struct {
	DAG      string          `json:"dag,omitempty"`
	Schedule json.RawMessage `json:"schedule"` // null: only by hand
	Timezone string          `json:"timezone"`
	Words    string          `json:"words"`
	From     time.Time       `json:"from"`
	Ticks    []tickShown     `json:"ticks"`
	Changes  []changeShown   `json:"changes,omitempty"` // of --around-dst
}

type tickShown struct {
	At      time.Time `json:"at"`
	Local   string    `json:"local"`
	Due     time.Time `json:"due"` // at, and the DAG's share of the jitter
	Logical time.Time `json:"logical_date"`
	Start   time.Time `json:"data_interval_start"`
	End     time.Time `json:"data_interval_end"`
	RunID   string    `json:"run_id"`
}

// A changeShown is a change of the clocks: wall times from From to To are left out (gap), or come twice.
type changeShown struct {
	At    time.Time   `json:"at"`
	Kind  string      `json:"kind"` // gap, fold
	From  string      `json:"from"`
	To    string      `json:"to"`
	Ticks []tickShown `json:"ticks"`
}

func newPreviewed(arg string, plan *machine.Plan, s *schedule.Schedule, zone *time.Location, from time.Time) *previewed {
	p := &previewed{DAG: plan.DAG, Schedule: plan.Schedule, Timezone: zone.String(), Words: s.Words(), From: from.UTC(), Ticks: []tickShown{}}
	if isExpr(arg) {
		p.DAG = ""
	}
	if p.Schedule == nil {
		p.Schedule = json.RawMessage("null")
	}
	return p
}

func showTick(t schedule.Tick, zone *time.Location) tickShown {
	return tickShown{
		At: t.At, Local: t.At.In(zone).Format(time.RFC3339Nano), Due: t.Due, Logical: t.LogicalDate(), Start: t.From, End: t.To, RunID: t.RunID(),
	}
}

// ticksAfter are the next ticks: of schedules that make one run after another, the first.
func ticksAfter(s *schedule.Schedule, zone *time.Location, from time.Time, n int) []tickShown {
	out := []tickShown{}
	if s.Kind() == schedule.Once || s.Kind() == schedule.Continuous {
		from, n = time.Time{}, 1
	}
	for range n {
		t, ok := s.Next(from)
		if !ok {
			break
		}
		out, from = append(out, showTick(t, zone)), t.At
	}
	return out
}

// around shows the ticks before and after the next changes of the clocks.
func (p *previewed) around(s *schedule.Schedule, zone *time.Location, from time.Time, n int) {
	const before = 36 * time.Hour
	for _, c := range shiftsAfter(zone, from) {
		shown := changeShown{At: c.At.UTC(), Kind: "fold", From: c.From.Format("2006-01-02T15:04:05"), To: c.To.Format("2006-01-02T15:04:05"), Ticks: []tickShown{}}
		if c.Gap {
			shown.Kind = "gap"
		}
		at := c.At.Add(-before)
		for t, ok := s.Next(at); ok && t.At.Before(c.At); t, ok = s.Next(at) {
			if at = t.At; len(shown.Ticks) == n/2 {
				shown.Ticks = shown.Ticks[min(1, len(shown.Ticks)):]
			}
			if n > 1 {
				shown.Ticks = append(shown.Ticks, showTick(t, zone))
			}
		}
		shown.Ticks = append(shown.Ticks, ticksAfter(s, zone, c.At.Add(-time.Nanosecond), n-len(shown.Ticks))...)
		p.Changes = append(p.Changes, shown)
	}
}

func (e *env) printPreview(p *previewed, zone *time.Location, aroundDST bool) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s (%s)\n", p.Words, zone)
	switch {
	case string(p.Schedule) == "null":
		fmt.Fprintln(&out, "\nit has no schedule: its runs begin by hand")
	case aroundDST && len(p.Changes) == 0:
		fmt.Fprintf(&out, "\nthe clocks of %s do not change within two years\n", zone)
	case aroundDST:
		for _, c := range p.Changes {
			fmt.Fprintf(&out, "\n%s\n", c.words(zone))
			writeTicks(&out, c.Ticks, zone)
		}
	case len(p.Ticks) == 0:
		fmt.Fprintf(&out, "\nno tick comes after %s\n", clockIn(p.From, zone))
	default:
		fmt.Fprintln(&out)
		writeTicks(&out, p.Ticks, zone)
	}
	if _, err := e.stdout.Write(out.Bytes()); err != nil {
		return fmt.Errorf("cannot write the preview: %w", err)
	}
	return nil
}

// words says what the clocks do.
func (c changeShown) words(zone *time.Location) string {
	day, from, to := c.At.In(zone).Format("Mon 2006-01-02"), c.From[11:16], c.To[11:16]
	if c.Kind == "gap" {
		return fmt.Sprintf("%s: clocks go from %s to %s", day, from, to)
	}
	return fmt.Sprintf("%s: clocks go back from %s to %s", day, to, from)
}

func writeTicks(out *bytes.Buffer, ticks []tickShown, zone *time.Location) {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	jitter := slices.ContainsFunc(ticks, func(t tickShown) bool { return t.Due.After(t.At) })
	head := []string{"due"}
	if zone != time.UTC {
		head = append(head, "in UTC")
	}
	if jitter {
		head = append(head, "by jitter")
	}
	fmt.Fprintf(w, "  %s\trun\n", strings.Join(head, "\t"))
	for _, t := range ticks {
		fmt.Fprintf(w, "  %s", clockIn(t.At, zone))
		if zone != time.UTC {
			fmt.Fprintf(w, "\t%s", clockIn(t.At, time.UTC))
		}
		if jitter {
			fmt.Fprintf(w, "\t+%s", t.Due.Sub(t.At))
		}
		fmt.Fprintf(w, "\t%s\n", t.RunID)
	}
	_ = w.Flush() // into memory
}

// clockIn writes a moment as the clocks of a zone show it.
func clockIn(t time.Time, zone *time.Location) string {
	layout := "Mon 2006-01-02 15:04"
	if t.Second() != 0 || t.Nanosecond() != 0 {
		layout = "Mon 2006-01-02 15:04:05"
	}
	return t.In(zone).Format(layout + " MST")
}
