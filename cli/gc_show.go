package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"weft/retention"
)

// gcPlan and gcGone are the objects that gc --json writes.
type gcPlan struct {
	Type string `json:"type"` // gc_plan
	*retention.Plan
	Bytes int64 `json:"bytes"`
}

type gcGone struct {
	Type string `json:"type"` // gc
	*retention.Result
	Bytes int64 `json:"bytes"`
}

// maxListed bounds the lines of one table for people.
const maxListed = 30

// showGC says what would go.
func (e *env) showGC(p *retention.Plan, asJSON bool) error {
	sum := p.Totals()
	if asJSON {
		return e.printLine(gcPlan{"gc_plan", p, sum.Bytes()})
	}
	if p.Empty() {
		fmt.Fprintln(e.stdout, "nothing to remove")
		return nil
	}
	if len(p.Runs) > 0 {
		fmt.Fprintf(e.stdout, "runs that ended before %s, but for the newest %d of each DAG:\n", when(p.Before), p.Keep)
		if err := e.runTable(p.Runs); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	for i, env := range p.Environments {
		if i == 0 {
			fmt.Fprintf(w, "Python environments that nobody has used since %s:\nNAME\tLAST USED\tBYTES\n", when(p.Before))
		}
		if i < maxListed {
			fmt.Fprintf(w, "%s\t%s\t%s\n", env.Name, when(env.Used), bytesText(env.Bytes))
		}
	}
	more(w, len(p.Environments))
	for i, l := range p.Leftovers {
		if i == 0 {
			fmt.Fprint(w, "left over:\nWHAT\tOF\tBYTES\n")
		}
		if i < maxListed {
			fmt.Fprintf(w, "%s\t%s\t%s\n", l.Kind, l.Name, bytesText(l.Bytes))
		}
	}
	more(w, len(p.Leftovers))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	fmt.Fprintf(e.stdout, "together %s\n", totalText(sum))
	return nil
}

func (e *env) runTable(runs []retention.Run) error {
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tDAG\tSTATE\tENDED\tLOGS\tVALUES")
	for _, r := range runs[:min(len(runs), maxListed)] {
		state := string(r.State)
		if r.Begun {
			state += ", going"
		}
		values := "-"
		if r.Values.Count > 0 {
			values = fmt.Sprintf("%d, %s", r.Values.Count, bytesText(r.Values.Bytes))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.DAG, state, when(r.Ended), bytesText(r.Logs), values)
	}
	more(w, len(runs))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return nil
}

// more says how many lines of a table are not shown, and ends it.
func more(w *tabwriter.Writer, n int) {
	if n > maxListed {
		fmt.Fprintf(w, "… and %d more\n", n-maxListed)
	}
	if n > 0 {
		fmt.Fprintln(w)
	}
}

// totalText says what a removal comes to.
func totalText(t retention.Totals) string {
	var parts []string
	add := func(n int, one, many, of string) {
		if n > 0 {
			parts = append(parts, counted(n, one, many)+" "+of)
		}
	}
	add(t.Runs, "run", "runs", "("+bytesText(t.Logs)+" of logs)")
	add(t.Values.Count, "value", "values", "("+bytesText(t.Values.Bytes)+")")
	add(t.Environments.Count, "environment", "environments", "("+bytesText(t.Environments.Bytes)+")")
	add(t.Leftovers.Count, "leftover", "leftovers", "("+bytesText(t.Leftovers.Bytes)+")")
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// bytesText is a size in the largest unit of which there is one.
func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n), 0
	for ; f >= 1<<10 && i < len(units)-1; i++ {
		f /= 1 << 10
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// showGone says what has gone.
func (e *env) showGone(r *retention.Result, took time.Duration, asJSON bool) error {
	if asJSON {
		return e.printLine(gcGone{"gc", r, r.Bytes()})
	}
	if r.Totals == (retention.Totals{}) {
		return nil
	}
	fmt.Fprintf(e.stdout, "removed %s in %s\n", totalText(r.Totals), took.Round(time.Millisecond))
	return nil
}

// gcNotes says what does not go; it is errSome if anything should have. In JSON the objects say it.
func (e *env) gcNotes(n retention.Notes, asJSON bool) error {
	if !asJSON {
		for i, note := range n.Alone {
			if i == maxListed {
				fmt.Fprintf(e.stderr, "… and %d more are left alone\n", len(n.Alone)-i)
				break
			}
			fmt.Fprintf(e.stderr, "%s is left alone: %s\n", note.What, note.Why)
		}
		for i, note := range n.Failed {
			if i == maxListed {
				fmt.Fprintf(e.stderr, "… and %d more\n", len(n.Failed)-i)
				break
			}
			fmt.Fprintf(e.stderr, "error: %s: %s\n", note.What, note.Why)
		}
		if len(n.Failed) > 0 {
			fmt.Fprintln(e.stderr, "hint: weft gc takes it up again once that is mended")
		}
	}
	if len(n.Failed) > 0 {
		return errSome
	}
	return nil
}
