package spec

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A wrong suggestion is worse than none: it sends people the wrong way with authority. So the bar is
// high, and names that are much farther than the nearest are left out.

// maxCompared is how many names are looked through in a file, for all its wrong ones together, where there may be very many:
// of ten thousand tasks the first thirty wrong names get a suggestion.
const maxCompared = 300_000

// compare tells whether some more names are to be looked through.
func (d *DAG) compare(names int) bool {
	d.compared += names
	return d.compared <= maxCompared
}

// nearest returns the names a word may have meant: at a distance of at most a third of its length,
// case and `-`/`_` free, the nearest first, at most three.
func nearest(word string, names []string) []string {
	type hit struct {
		name string
		far  int
	}
	w := bare(word)
	if len(w) == 0 || len(w) > 200 {
		return nil
	}
	limit := max(1, len(w)/3)
	var hits []hit
	for _, name := range names {
		n := bare(name)
		if d := len(n) - len(w); d > limit || -d > limit || name == word {
			continue
		}
		if far := distance(w, n); far <= limit && far < len(w) {
			hits = append(hits, hit{name, far})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, h := range hits {
		if h.far > hits[0].far+1 || len(out) == 3 {
			break
		}
		if !slices.Contains(out, h.name) {
			out = append(out, h.name)
		}
	}
	return out
}

// bareReplacer drops what people leave out or put in: pool-slots, poolSlots and pool_slots are one
// word to whoever types it.
var bareReplacer = strings.NewReplacer("-", "", "_", "", " ", "")

func bare(s string) []rune { return []rune(bareReplacer.Replace(strings.ToLower(s))) }

// distance is Damerau's and Levenshtein's: insertions, deletions, substitutions, swaps of neighbours.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return out
}

// joinWords lists words: "a, b, c".
func joinWords(words []string) string { return strings.Join(words, ", ") }

// orWords lists words as choices: "a, b or c".
func orWords(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}
