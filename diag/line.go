package diag

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

const tabStop = 4

// A line is one line of a file as it is shown. Its columns are those of the terminal.
type line struct {
	cells []string // one a code point, as shown
	at    []int    // column at which each begins, and the end of the line
}

// breaks cut lines as the reader of YAML does, so that its numbers are ours.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func splitLines(src []byte) []string {
	return strings.Split(breaks.Replace(string(bytes.TrimPrefix(src, []byte("\ufeff")))), "\n")
}

// newLine lays a line out: tabs to their stops, what cannot be seen made visible, what is masked
// (by code point, from 1) hidden.
func newLine(text string, masked []stretch) line {
	l := line{at: []int{0}}
	col := 0
	for i, r := range []rune(text) {
		cell := visibleRune(r)
		for _, m := range masked {
			if m.from <= i+1 && i+1 < m.to {
				cell = "*"
			}
		}
		if cell == "\t" {
			cell = strings.Repeat(" ", tabStop-col%tabStop)
		}
		col += displaywidth.String(cell)
		l.cells, l.at = append(l.cells, cell), append(l.at, col)
	}
	return l
}

// maxLaid is how much of a line is laid out at most, in bytes: far more than fits a screen.
const maxLaid = 16 << 10

// newLineAbout is newLine for lines of any length: of one that no screen could show, such as a file
// without line breaks, only what is around the first mark is laid out, and the places of marks and
// masks are moved along.
func newLineAbout(text string, masked []stretch, ms []mark) (line, []mark) {
	if len(text) <= maxLaid {
		return newLine(text, masked), ms
	}
	skip := 0 // code points left out before
	if len(ms) > 0 {
		skip = max(0, ms[0].from-maxLaid/8)
	}
	from, seen := len(text), 0
	for i := range text {
		if seen == skip {
			from = i
			break
		}
		seen++
	}
	text = text[from:]
	if len(text) > maxLaid {
		cut := maxLaid
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	moved := make([]mark, len(ms))
	for i, m := range ms {
		m.from = max(m.from-seen, 1)
		if m.to != 0 {
			m.to = max(m.to-seen, 1)
		}
		moved[i] = m
	}
	hidden := make([]stretch, len(masked))
	for i, m := range masked {
		hidden[i] = stretch{m.from - seen, m.to - seen}
	}
	return newLine(text, hidden), moved
}

// column is where the n-th code point, from 1, begins; past the end, the end.
func (l line) column(n int) int { return l.at[min(max(n-1, 0), len(l.at)-1)] }

// inked is the code point after the last that is not blank.
func (l line) inked() int {
	n := len(l.cells)
	for n > 0 && strings.TrimSpace(l.cells[n-1]) == "" {
		n--
	}
	return n + 1
}

// word is where the word that begins at a code point ends: the extent of a place of which only
// the beginning is known.
func (l line) word(from int) int {
	i := max(from-1, 0)
	if i >= len(l.cells) {
		return from + 1
	}
	quote := l.cells[i]
	for i++; i < len(l.cells); i++ {
		if quote == `"` || quote == "'" {
			if l.cells[i] == quote {
				return i + 2
			}
			continue
		}
		if strings.TrimSpace(l.cells[i]) == "" || strings.ContainsAny(l.cells[i], ":,[]{}\"'#") {
			break
		}
	}
	return i + 1
}

// A stretch is code points of a line, from 1, the end exclusive.
type stretch struct{ from, to int }

// window chooses the part of a line that is shown where it is wider than the screen, so that the
// stretch is in it. It returns code points, from 0, the end exclusive.
func (l line) window(width int, s stretch) (from, to int) {
	n := len(l.cells)
	if l.at[n] <= width {
		return 0, n
	}
	for from < min(s.from-1, n-1) && l.column(min(s.to, s.from+width/2))-l.at[from] > width-width/4 {
		from++
	}
	for to = from; to < n && l.at[to+1]-l.at[from] <= width; to++ {
	}
	return from, to
}

// visible makes a text safe and honest on a terminal: no escapes, no line breaks, nothing hidden.
func visible(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r == '\n' || r == '\t' || r == '\r' {
			r = ' '
		}
		out.WriteString(visibleRune(r))
	}
	return out.String()
}

func visibleRune(r rune) string {
	switch {
	case r == '\t':
		return "\t"
	case r < ' ':
		return string(0x2400 + r) // the pictures of control characters
	case r == 0x7f:
		return "\u2421"
	case r == 0xa0, r == 0x3000:
		return string(r) // blanks that are no blank to YAML: the caret shows them
	case unicode.In(r, unicode.Cf, unicode.Cc, unicode.Co, unicode.Cs) || !unicode.IsPrint(r) && !unicode.IsSpace(r):
		return "\ufffd" // among them marks that turn the direction of what follows
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return "\u25cc" + string(r) // a combining mark on a circle of its own
	}
	return string(r)
}
