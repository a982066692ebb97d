package expr

import (
	"slices"
	"strings"
)

// near returns the names closest to a wrong one: distance at most a third of the length, case and
// `-`/`_` free, at most three, nearest first.
func near(wrong string, names []string) []string {
	type hit struct {
		name string
		dist int
	}
	var hits []hit
	folded := fold(wrong)
	limit := max(1, len(folded)/3)
	for _, name := range names {
		other := fold(name)
		if d := len(folded) - len(other); d > limit || -d > limit || len(other) > 200 {
			continue
		}
		if d := distance(folded, other); d <= limit && d < len(folded) {
			hits = append(hits, hit{name, d})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		if a.dist != b.dist {
			return a.dist - b.dist
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, h := range hits[:min(3, len(hits))] {
		out = append(out, h.name)
	}
	return out
}

var separators = strings.NewReplacer("-", "", "_", "")

func fold(s string) []rune {
	return []rune(strings.ToLower(separators.Replace(s)))
}

// distance is Levenshtein's, with a swap of neighbours as one step.
func distance(a, b []rune) int {
	rows := make([]int, 3*(len(b)+1))
	before, prev, row := rows[:len(b)+1], rows[len(b)+1:2*(len(b)+1)], rows[2*(len(b)+1):]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// choices is the help where no name is near: at most ten of those that are legal.
func choices(names []string) string {
	if len(names) == 0 {
		return ""
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	if len(sorted) > 10 {
		return "known here: " + strings.Join(sorted[:10], ", ") + ", …"
	}
	return "known here: " + strings.Join(sorted, ", ")
}
