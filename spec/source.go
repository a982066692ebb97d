package spec

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a file (section 1 of the language).
const (
	maxBytes  = 1 << 20
	maxDepth  = 100
	maxExpand = 10 // what aliases may make of a file, times what is written
)

// A Span is a stretch of a file: from a line and column to an exclusive end, counted from 1, columns
// in code points.
type Span struct{ Line, Col, EndLine, EndCol int }

// A source is a file's text, cut into lines as YAML cuts it; a byte order mark is no column. It is what diagnostics count by and what snippets are made of.
type source struct {
	raw   string   // all of it, without a byte order mark
	lines [][]rune // without their breaks
	last  walk     // see walked
}

func newSource(src []byte) *source {
	text := string(bytes.TrimPrefix(src, []byte("\ufeff")))
	if slices.ContainsFunc(oddBreaks, func(b string) bool { return strings.Contains(text, b) }) {
		text = breaks.Replace(text)
	}
	s := &source{raw: text, lines: make([][]rune, 0, strings.Count(text, "\n")+1)}
	all := []rune(text) // one for all lines: they are read, never written
	for {
		end := slices.Index(all, '\n')
		if end < 0 {
			s.lines = append(s.lines, all)
			return s
		}
		s.lines = append(s.lines, all[:end])
		all = all[end+1:]
	}
}

// oddBreaks are those that most files do not have.
var oddBreaks = []string{"\r", "\u0085", "\u2028", "\u2029"}

// breaks are YAML 1.1's, which yaml.v3 counts lines by.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// has tells whether a text stands anywhere in the file.
func (s *source) has(text string) bool { return strings.Contains(s.raw, text) }

// line returns a line by its number, nil if there is none.
func (s *source) line(n int) []rune {
	if n < 1 || n > len(s.lines) {
		return nil
	}
	return s.lines[n-1]
}

// rune returns the character at a place, 0 past the end of the line.
func (s *source) rune(line, col int) rune {
	l := s.line(line)
	if col < 1 || col > len(l) {
		return 0
	}
	return l[col-1]
}

// text returns what is written in a span of one line; "" if it has several.
func (s *source) text(at Span) string {
	l := s.line(at.Line)
	if at.EndLine != at.Line || at.Col < 1 || at.EndCol < at.Col || at.EndCol > len(l)+1 {
		return ""
	}
	return string(l[at.Col-1 : at.EndCol-1])
}

// restOfLine is the span from a place to the end of what is written on its line.
func (s *source) restOfLine(line, col int) Span {
	end := len(strings.TrimRight(string(s.line(line)), " \t"))
	end = utf8.RuneCountInString(string(s.line(line))[:end])
	return Span{line, col, line, max(col+1, end+1)}
}

// badByte finds the first byte that is no UTF-8, or a character that YAML does not allow: yaml.v3 would
// refuse it too, without its place.
func badByte(src []byte) (line, col int, bad bool) {
	line, col = 1, 1
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\n' && r != '\t' && r != '\r',
			r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return line, col, true
		case r == '\n':
			line, col = line+1, 0
		}
		src = src[n:]
		col++
	}
	return 0, 0, false
}
