package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/charmbracelet/x/ansi"

	"weft/machine"
	"weft/server"
	"weft/spec"
	"weft/store"
)

// wordsWidth bounds the column of schedules in words.
const wordsWidth = 44

// printDAGs writes a list of DAGs. Times are those of this machine's zone.
func (e *env) printDAGs(list server.DAGs) error {
	var out bytes.Buffer
	if len(list.DAGs) == 0 {
		fmt.Fprintln(&out, "no DAGs")
	} else {
		w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "DAG\tSCHEDULE\tNEXT\tLAST RUN\t")
		for _, d := range list.DAGs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.ID, ansi.Truncate(scheduleWords(d), wordsWidth, "…"), nextWords(d), lastWords(d.Last), strings.Join(marksOf(d), ", "))
		}
		_ = w.Flush() // into memory
	}
	if len(list.Broken) > 0 {
		fmt.Fprintln(&out, "\nbroken:")
		w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
		for _, b := range list.Broken {
			fmt.Fprintf(w, "  %s\t%s\n", clean(b.File), clean(b.First))
		}
		_ = w.Flush() // into memory
		fmt.Fprintln(&out, "weft validate shows all that is wrong")
	}
	return e.put(out.Bytes())
}

// put writes what was made for people.
func (e *env) put(text []byte) error {
	if _, err := e.stdout.Write(trimRight(text)); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return nil
}

// trimRight takes away what a table's empty cells leave behind at the ends of lines.
func trimRight(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i, l := range lines {
		lines[i] = bytes.TrimRight(l, " ")
	}
	return bytes.Join(lines, []byte("\n"))
}

func scheduleWords(d server.DAG) string {
	if d.Never != "" || len(d.Schedule) == 0 || d.Timezone == "UTC" {
		return d.Words
	}
	return d.Words + " (" + d.Timezone + ")"
}

// nextWords says when a DAG is due.
func nextWords(d server.DAG) string {
	switch {
	case d.Paused:
		return "paused"
	case d.Waiting > 0:
		return fmt.Sprintf("now: %d to begin", d.Waiting)
	case d.Next == nil:
		return "-"
	}
	return moment(d.Next.Due)
}

// moment is a time as lists show it, on this machine's clocks.
func moment(t time.Time) string { return t.Local().Format("Mon 2006-01-02 15:04:05") }

func lastWords(r *store.Run) string {
	if r == nil {
		return "-"
	}
	at := r.StartedAt
	if at.IsZero() {
		at = r.CreatedAt
	}
	return string(r.State) + " " + when(at)
}

// marksOf are what is not as it should be.
func marksOf(d server.DAG) (marks []string) {
	if d.Stale {
		marks = append(marks, "file broken: last good version")
	}
	if d.Never != "" {
		marks = append(marks, "never due")
	}
	return marks
}

// printDAG writes all that is told of one DAG.
func (e *env) printDAG(p server.DAGPage) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s  %s\n", p.ID, p.File)
	if p.Description != "" {
		fmt.Fprintf(&out, "%s\n", clean(p.Description))
	}
	w := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "\nschedule\t%s\n", scheduleWords(p.DAG))
	if p.Never != "" {
		fmt.Fprintf(w, "\t%s\n", clean(p.Never))
	}
	fmt.Fprintf(w, "paused\t%s\n", pausedWords(p))
	if p.Stale {
		fmt.Fprintf(w, "version\t%.12s, the last good one: the file is broken\n", p.Version)
	} else if p.Version != "" {
		fmt.Fprintf(w, "version\t%.12s\n", p.Version)
	}
	_ = w.Flush() // into memory
	comingTable(&out, p)
	runsTable(&out, p.Runs)
	missedTable(&out, p.Missed)
	if err := findingsTable(&out, p.Found); err != nil {
		return err
	}
	return e.put(out.Bytes())
}

func pausedWords(p server.DAGPage) string {
	by := ""
	if p.PausedBy != "" {
		by = ", by " + clean(p.PausedBy)
	}
	switch {
	case p.Paused && by == "":
		return "yes, by its file"
	case p.Paused:
		return "yes" + by
	}
	return "no" + by
}

func comingTable(out *bytes.Buffer, p server.DAGPage) {
	if len(p.Coming) == 0 {
		return
	}
	title := "next"
	if p.Paused {
		title = "next, once it is not paused"
	}
	zone, err := time.LoadLocation(p.Timezone)
	if err != nil {
		zone = time.UTC
	}
	fmt.Fprintf(out, "\n%s\n", title)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, t := range p.Coming {
		there, here := clockIn(t.Due, zone), clockIn(t.Due, time.Local)
		if here == there {
			here = ""
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", there, here, t.Run)
	}
	_ = w.Flush() // into memory
}

func runsTable(out *bytes.Buffer, runs []store.Run) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintln(out, "\nnewest runs")
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, r := range runs {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.ID, r.State, when(r.StartedAt), took(r.StartedAt, r.FinishedAt))
	}
	_ = w.Flush() // into memory
}

func missedTable(out *bytes.Buffer, missed []store.Missed) {
	if len(missed) == 0 {
		return
	}
	fmt.Fprintln(out, "\nmissed")
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, m := range missed {
		many, span := "1 tick", machine.Timestamp(m.First)
		if m.Count > 1 || m.More {
			many, span = fmt.Sprintf("%d ticks", m.Count), span+" … "+machine.Timestamp(m.Last)
		}
		if m.More {
			many += " or more"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", span, many, clean(m.Reason))
	}
	_ = w.Flush() // into memory
}

// findingsTable writes what is wrong with a DAG's file, a line each.
func findingsTable(out *bytes.Buffer, found json.RawMessage) error {
	var list struct {
		Diagnostics []spec.Diagnostic `json:"diagnostics"`
	}
	if err := json.Unmarshal(found, &list); err != nil {
		return fmt.Errorf("cannot read the findings: %w", err)
	}
	if len(list.Diagnostics) == 0 {
		return nil
	}
	fmt.Fprintln(out, "\nits file")
	for _, d := range list.Diagnostics {
		fmt.Fprintf(out, "  %s:%d:%d: %s[%s]: %s\n", clean(d.File), d.Line, d.Column, d.Severity, d.Code, clean(d.Message))
	}
	return nil
}
