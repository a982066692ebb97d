package rehearse

import (
	"math/bits"
	"slices"
	"strings"

	"weft/machine"
)

func ones(set uint) int { return bits.OnesCount(set) }

// A Fold is many rows in one: the trigger says so as soon as the upstream tasks that are named have
// ended in one of their states, whatever becomes of the others.
type Fold struct {
	Cells [][]machine.State // by upstream task; nil = it does not matter
	Says  string
}

// Folds says the table in few rows: the least that decides, states that make no difference together.
// Every combination is covered, some more than once, and all of its rows say the same.
func (t *Table) Folds() []Fold {
	tr := t.truth
	var rows []Fold
	digits := make([]int, len(tr.size))
	for more := true; more; more = tr.next(digits, 0) {
		what := tr.all[tr.index(digits)]
		if what == waits || !tr.least(digits) {
			continue
		}
		row := Fold{Cells: make([][]machine.State, len(digits)), Says: saysWords[what]}
		for i, d := range digits {
			if d > 0 {
				row.Cells[i] = []machine.State{tr.t.Ends[i][d-1]}
			}
		}
		rows = append(rows, row)
	}
	rows = merged(rows)
	slices.SortStableFunc(rows, func(a, b Fold) int {
		return slices.Index(saysWords, a.Says) - slices.Index(saysWords, b.Says)
	})
	return rows
}

// least tells whether every end that a partial combination names is needed for the decision.
func (tr *truth) least(digits []int) bool {
	for i, d := range digits {
		if d == 0 {
			continue
		}
		digits[i] = 0
		early := tr.all[tr.index(digits)] != waits
		digits[i] = d
		if early {
			return false
		}
	}
	return true
}

// merged joins rows that differ in one cell alone, until none do.
func merged(rows []Fold) []Fold {
	for again := true; again; {
		again = false
		for col := range len(rows[0].Cells) {
			at := map[string]int{}
			var out []Fold
			for _, row := range rows {
				if row.Cells[col] == nil {
					out = append(out, row)
					continue
				}
				key := row.without(col)
				if i, ok := at[key]; ok {
					out[i].Cells[col], again = union(out[i].Cells[col], row.Cells[col]), true
					continue
				}
				at[key] = len(out)
				out = append(out, row)
			}
			rows = out
		}
	}
	return rows
}

// without names a row but for one cell.
func (f Fold) without(col int) string {
	var b strings.Builder
	b.WriteString(f.Says)
	for i, cell := range f.Cells {
		b.WriteByte('|')
		if i == col {
			b.WriteByte('?')
			continue
		}
		for _, s := range cell {
			b.WriteByte(byte('a' + s))
		}
	}
	return b.String()
}

// union is the states of both, in the order of the states.
func union(a, b []machine.State) []machine.State {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
