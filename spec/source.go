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

// A source is a file's text, cut into lines as YAML cuts it; a byte order mark is no column. It is what diagnostics count
// by and what snippets are made of. It costs four bytes a line beside the text.
type source struct {
	raw   string   // all of it, without a byte order mark
	odd   bool     // it had breaks that are not \n
	stood bool     // characters of it were replaced: see standIn
	body  string   // what is read: raw, or what mending made of it
	begin []uint32 // of each line in body, and of one behind the last; see wide
	kept  []rune   // the line that was read last, if it is wide
	which int      // its number
	last  walk     // see walked
	marks []walk
}

// wide marks the beginning of a line that holds more than ASCII, whose columns are not its bytes.
const wide = 1 << 31

func newSource(src []byte) *source {
	s := new(source)
	text := string(bytes.TrimPrefix(src, []byte("\ufeff")))
	if slices.ContainsFunc(oddBreaks, func(b string) bool { return strings.Contains(text, b) }) {
		text = breaks.Replace(text)
		s.odd = true
	}
	s.raw = text
	s.cut(text)
	return s
}

// cut makes lines of a text whose breaks are all the same.
func (s *source) cut(text string) {
	s.body, s.begin, s.kept, s.which, s.last = text, make([]uint32, 0, strings.Count(text, "\n")+2), nil, 0, walk{}
	for at := 0; ; {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		from := uint32(at)
		if strings.ContainsFunc(text[at:at+end], func(r rune) bool { return r >= utf8.RuneSelf }) {
			from |= wide
		}
		s.begin = append(s.begin, from)
		if at += end + 1; at > len(text) {
			s.begin = append(s.begin, uint32(at))
			return
		}
	}
}

// oddBreaks are those that most files do not have.
var oddBreaks = []string{"\r"}

// breaks are YAML 1.2's; of the others see standIn.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// has tells whether a text stands anywhere in the file.
func (s *source) has(text string) bool { return strings.Contains(s.raw, text) }

// count is how many lines there are.
func (s *source) count() int { return len(s.begin) - 1 }

// lineText returns a line by its number, without its break; "" if there is none.
func (s *source) lineText(n int) string {
	if n < 1 || n > s.count() {
		return ""
	}
	return s.body[s.begin[n-1]&^wide : s.begin[n]&^wide-1]
}

// upTo returns the first n lines with their breaks.
func (s *source) upTo(n int) string {
	if n == 0 {
		return ""
	}
	return s.body[:s.begin[n]&^wide-1] + "\n"
}

// line returns the characters of a line by its number, none if there is no such line. They are the caller's.
func (s *source) line(n int) []rune { return []rune(s.lineText(n)) }

// shared returns a scalar's text as a piece of the file's, if that is how it is written: then it takes no memory.
func (s *source) shared(n *Node, text string) string {
	i := int(n.line) - 1
	if i < 0 || i >= s.count() || s.begin[i]&wide != 0 {
		return text
	}
	at := int(s.begin[i]) + int(n.col) - 1
	if n.Quote != Plain {
		at++
	}
	if at < 0 || at > len(s.body) || !strings.HasPrefix(s.body[at:], text) {
		return text
	}
	return s.body[at : at+len(text)]
}

// rune returns the character at a place, 0 past the end of the line.
func (s *source) rune(line, col int) rune {
	text := s.lineText(line)
	if col < 1 || col > len(text) {
		return 0
	}
	if s.begin[line-1]&wide == 0 {
		return rune(text[col-1])
	}
	if s.which != line {
		s.kept, s.which = []rune(text), line
	}
	if col > len(s.kept) {
		return 0
	}
	return s.kept[col-1]
}

// text returns what is written in a span of one line; "" if it has several.
func (s *source) text(at Span) string {
	if at.EndLine != at.Line || at.Col < 1 || at.EndCol < at.Col {
		return ""
	}
	if text := s.lineText(at.Line); text != "" && s.begin[at.Line-1]&wide == 0 {
		if at.EndCol > len(text)+1 {
			return ""
		}
		return text[at.Col-1 : at.EndCol-1]
	}
	l := s.line(at.Line)
	if at.EndCol > len(l)+1 {
		return ""
	}
	return string(l[at.Col-1 : at.EndCol-1])
}

// restOfLine is the span from a place to the end of what is written on its line.
func (s *source) restOfLine(line, col int) Span {
	end := utf8.RuneCountInString(strings.TrimRight(s.lineText(line), " \t"))
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
