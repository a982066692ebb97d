package cli

import (
	"bytes"
	"fmt"
	"strings"

	"weft/machine"
	"weft/rehearse"
	"weft/spec"
)

// foldAbove is how many rows a table may have before they are folded for people.
const foldAbove = 32

// exhaust prints what a task's trigger makes of every end of its upstream tasks.
func (e *env) exhaust(paths []string, o testOptions) error {
	if len(paths) != 1 {
		return usagef("--exhaustive wants one DAG: a file, or an id")
	}
	if o.format != "text" && o.format != "json" {
		return usagef("--exhaustive has the formats text and json")
	}
	arg := paths[0]
	if isTestName(arg) {
		dag, err := besideTest(arg)
		if err != nil {
			return err
		}
		arg = dag
	}
	_, plan, err := e.load(arg)
	if err != nil {
		return err
	}
	if plan.Position(o.exhaustive) == len(plan.Tasks) {
		return noSuchTask(plan, o.exhaustive)
	}
	t, err := rehearse.Exhaust(plan, o.exhaustive)
	if err != nil {
		return fmt.Errorf("cannot list what becomes of %s: %w", o.exhaustive, err)
	}
	if o.format == "json" {
		return e.printJSON(jsonTable(t))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: trigger %s\n\n", t.Task, t.Trigger)
	if len(t.Rows) > foldAbove && !o.verbose {
		e.columns(&b, foldCells(t, t.Folds()))
		fmt.Fprintf(&b, "\n%d combinations, folded: a row holds as soon as what it names has ended, whatever becomes\nof the rest (-). -v lists them all.\n", len(t.Rows))
	} else {
		e.columns(&b, tableCells(t))
	}
	if t.When != "" {
		fmt.Fprintf(&b, "\nWhere it runs, `when` is asked then: %s\n", t.When)
	}
	_, err = e.stdout.Write(b.Bytes())
	return err
}

func noSuchTask(plan *machine.Plan, id string) error {
	var ids []string
	for i := range plan.Tasks {
		ids = append(ids, plan.Tasks[i].ID)
	}
	err := usagef("there is no task %q in %s", id, plan.File)
	if near := spec.Nearest(id, ids); len(near) > 0 {
		return &usageError{&hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}}
	}
	return err
}

// outcomeWords are a trigger's words as people read them.
var outcomeWords = map[string]string{"run": "runs", "skip": "skipped", "upstream_failed": "upstream_failed", "failed": "failed"}

func tableCells(t *rehearse.Table) [][]string {
	rows := [][]string{append(append([]string{}, t.Upstream...), t.Task, "as soon as these have ended")}
	for _, r := range t.Rows {
		var row []string
		for _, s := range r.States {
			row = append(row, s.String())
		}
		rows = append(rows, append(row, outcomeWords[r.Says], soonestWords(t, r.Soonest)))
	}
	return rows
}

func foldCells(t *rehearse.Table, folds []rehearse.Fold) [][]string {
	rows := [][]string{append(append([]string{}, t.Upstream...), t.Task)}
	for _, f := range folds {
		var row []string
		for i, cell := range f.Cells {
			row = append(row, cellWords(cell, len(t.Ends[i])))
		}
		rows = append(rows, append(row, outcomeWords[f.Says]))
	}
	return rows
}

// cellWords names states; all of them are any end, none is nothing at all.
func cellWords(states []machine.State, all int) string {
	switch len(states) {
	case 0:
		return "-"
	case all:
		return "any end"
	}
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = s.String()
	}
	return strings.Join(words, "|")
}

// maxSoonest is how many sets a cell names.
const maxSoonest = 4

// soonestWords says the least sets of upstream tasks whose ends decide.
func soonestWords(t *rehearse.Table, sets [][]int) string {
	n, k := len(t.Upstream), len(sets[0])
	switch {
	case k == 0:
		return "(at once)"
	case k == n && n > 1:
		return "all"
	case len(sets) == n && k == 1 && n > 1:
		return "any one"
	case len(sets) == waysToPick(n, k) && n > 1:
		return fmt.Sprintf("any %d", k)
	}
	var words []string
	for i, set := range sets {
		if i == maxSoonest {
			words = append(words, "…")
			break
		}
		names := make([]string, len(set))
		for j, at := range set {
			names[j] = t.Upstream[at]
		}
		words = append(words, strings.Join(names, " and "))
	}
	return strings.Join(words, ", or ")
}

func waysToPick(n, k int) int {
	c := 1
	for i := range k {
		c = c * (n - i) / (i + 1)
	}
	return c
}

// columns writes rows of cells below a head.
func (e *env) columns(b *bytes.Buffer, rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", wide[i], cell)
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = e.tint(strong, text)
		}
		fmt.Fprintln(b, text)
	}
}

type (
	jsonTableOf struct {
		FormatVersion int            `json:"format_version"`
		DAGTask       string         `json:"task_id"`
		Trigger       string         `json:"trigger"`
		When          string         `json:"when,omitempty"`
		Upstream      []string       `json:"upstream"`
		Rows          []jsonTableRow `json:"rows"`
	}
	// A jsonTableRow is one combination; soonest are the least sets of upstream tasks whose ends decide.
	jsonTableRow struct {
		States  map[string]machine.State `json:"states"`
		Says    string                   `json:"says"` // run, skip, upstream_failed, failed
		Soonest [][]string               `json:"soonest"`
	}
)

func jsonTable(t *rehearse.Table) jsonTableOf {
	out := jsonTableOf{FormatVersion: 1, DAGTask: t.Task, Trigger: t.Trigger, When: t.When, Upstream: t.Upstream, Rows: []jsonTableRow{}}
	for _, r := range t.Rows {
		row := jsonTableRow{States: map[string]machine.State{}, Says: r.Says, Soonest: [][]string{}}
		for i, s := range r.States {
			row.States[t.Upstream[i]] = s
		}
		for _, set := range r.Soonest {
			names := make([]string, len(set))
			for j, at := range set {
				names[j] = t.Upstream[at]
			}
			row.Soonest = append(row.Soonest, names)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
