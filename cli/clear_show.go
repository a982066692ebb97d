package cli

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// showClear says what runs again, why, and under which version.
func (e *env) showClear(c *clearPlan, o clearOptions) error {
	if o.json {
		return e.printLine(c)
	}
	if len(c.Tasks) == 0 {
		of := "no task of run " + c.Run
		if len(o.tasks) > 0 {
			of = "none of the tasks chosen of run " + c.Run
		}
		fmt.Fprintf(e.stdout, "nothing to run again: %s is failed or upstream_failed\n", of)
		return nil
	}
	fmt.Fprintf(e.stdout, "%s of %s is %s; to run again: %d of %s\n", c.Run, c.DAG, c.State, len(c.Tasks), counted(c.all, "task", "tasks"))
	fmt.Fprintf(e.stdout, "version: %s\n\n", c.versionWords())
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TASK\tSTATE\tRUNS AGAIN BECAUSE")
	for i, t := range c.Tasks {
		if i == maxFinal {
			fmt.Fprintf(w, "… and %d more\n", len(c.Tasks)-i)
			break
		}
		state := t.State.String()
		if t.New {
			state = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Task, state, t.Why)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	if !o.plan {
		fmt.Fprintln(e.stdout) // the run's own output follows
	}
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (c *clearPlan) versionWords() string {
	where := c.File
	if c.dir != "" {
		where += " (it has moved)"
	}
	switch c.Version {
	case sameVersion:
		return "the one that the run has"
	case unchangedVersion:
		return where + ", which has not changed"
	}
	var parts []string
	for _, d := range []struct {
		verb string
		ids  []string
	}{{"changes", c.Changed}, {"adds", c.Added}, {"removes", c.Removed}} {
		if len(d.ids) > 0 {
			parts = append(parts, d.verb+" "+someOf(d.ids))
		}
	}
	if len(parts) == 0 {
		return where + " as it is now, with the same tasks"
	}
	return where + " as it is now, which " + strings.Join(parts, ", ")
}

// someOf names the first of many.
func someOf(ids []string) string {
	if n := len(ids) - 2*maxNamed; n > 0 {
		return strings.Join(ids[:2*maxNamed], " ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(ids, " ")
}

// someoneThere tells whether a question would be seen and answered.
func (e *env) someoneThere() bool {
	in, ok := e.stdin.(*os.File)
	return ok && isTerminal(in) && isTerminal(e.stderr)
}

// agreed asks, and takes nothing but a yes for one.
func (e *env) agreed(question string) bool {
	fmt.Fprintf(e.stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(e.stdin).ReadString('\n') // the end of stdin is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}
