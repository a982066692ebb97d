package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Problem is one thing wrong with a setting, and where.
type Problem struct {
	From         string // the file, variable or flag
	Line, Column int    // in the file, from 1; 0 = not known
	Text         string
}

func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.From + ": " + p.Text
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.From, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.From, p.Line, p.Column, p.Text)
}

// Problems is everything wrong with the configuration.
type Problems []Problem

// Error shows a line a problem: those of the file in its order, then the variables', the flags'.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return "cannot use the configuration: " + strings.Join(lines, "\n  ")
}

// err is the problems as an error; nil if there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// oneOf names the nearest choice, or all of them.
func oneOf(got string, choices []string) string {
	if hint := didYouMean(got, choices); hint != "" {
		return hint
	}
	return " (there are: " + strings.Join(choices, ", ") + ")"
}

// didYouMean names what a word was probably meant to be: at most a third of its letters off,
// where case and - for _ count nothing.
func didYouMean(got string, choices []string) string {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, least := "", max(1, utf8.RuneCountInString(got)/3)+1
	for _, c := range choices {
		if d := distance(fold(got), fold(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the letters to insert, drop, change or swap with their neighbour (optimal
// string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	prev2, prev, cur := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(s); i++ {
		cur[0] = i
		for j := 1; j <= len(t); j++ {
			change := 0
			if s[i-1] != t[j-1] {
				change = 1
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+change)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(t)]
}
