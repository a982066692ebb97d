package spec

// Where things stand. yaml.v3 gives a node's line and column, and those are of its anchor or tag; of
// the characters inside a scalar it gives nothing. So a scalar's source is walked beside its decoded
// text, character by character, to find the place of any of them: inside block and folded scalars,
// escapes, and plain texts that go on over several lines. A test walks every scalar of testdata and
// holds each character to its place.

import (
	"slices"
	"unicode/utf8"

	"weft/machine"
)

// valueStart skips what may stand before a value on its place: an anchor and a tag.
func (s *source) valueStart(line, col int) machine.Pos {
	for range 4 { // &anchor !tag, in either order, perhaps with the value on the next line
		c := s.rune(line, col)
		if c != '&' && c != '!' {
			break
		}
		for s.rune(line, col) != 0 && !blank(s.rune(line, col)) {
			col++
		}
		line, col = s.skipBlank(line, col)
	}
	return machine.Pos{Line: line, Col: col}
}

// skipBlank moves over spaces and, at the end of a line, to what comes next.
func (s *source) skipBlank(line, col int) (int, int) {
	from, at := line, col
	for {
		for blank(s.rune(line, col)) {
			col++
		}
		if c := s.rune(line, col); c != 0 && c != '#' {
			return line, col
		}
		if line++; line > s.count() {
			return from, at
		}
		col = 1
	}
}

// tagBefore returns the tag that stands between a node's place and its value, and where; "" if there is none.
func (s *source) tagBefore(line, col int) (machine.Pos, string) {
	for range 2 {
		start := col
		c := s.rune(line, col)
		if c != '&' && c != '!' {
			break
		}
		var text []rune
		for r := s.rune(line, col); r != 0 && !blank(r); r = s.rune(line, col) {
			text = append(text, r)
			col++
		}
		if c == '!' {
			return machine.Pos{Line: line, Col: start}, string(text)
		}
		line, col = s.skipBlank(line, col)
	}
	return machine.Pos{}, ""
}

func blank(r rune) bool { return r == ' ' || r == '\t' }

// A tracer walks a scalar's source and its decoded text side by side, so that a place in the text
// is one in the file, whatever was folded or escaped.
type tracer struct {
	src       *source
	line, col int
	indent    int // of a block scalar's content, in columns
	quote     Quote
}

func (s *source) trace(n *Node) *tracer {
	t := &tracer{src: s, line: n.Pos().Line, col: n.Pos().Col, quote: n.Quote}
	switch n.Quote {
	case Single, Double:
		t.col++
	case Literal, Folded:
		t.block()
	}
	return t
}

// block moves to the first line of a block scalar's content. The indentation is the header's digit
// over that of the parent, which we cannot see here, or that of the first line that is not blank;
// with a digit the first lines may be indented deeper, so the smallest counts.
func (t *tracer) block() {
	explicit := false
	for c := t.col; t.src.rune(t.line, c) != 0 && !blank(t.src.rune(t.line, c)); c++ {
		if r := t.src.rune(t.line, c); r >= '1' && r <= '9' {
			explicit = true
		}
	}
	t.line++
	t.col = 1
	t.indent = -1
	for n := t.line; n <= t.src.count(); n++ {
		l := t.src.lineText(n)
		in := spacesOf(l)
		if in == len(l) {
			continue
		}
		if t.indent < 0 || in < t.indent {
			if t.indent >= 0 && in < t.indent && !explicit {
				break
			}
			t.indent = in
		}
		if !explicit {
			break
		}
	}
	t.indent = max(t.indent, 0)
	t.col = t.indent + 1
}

// at returns the file's place of the character that is off runes into a scalar's text.
func (s *source) at(n *Node, off int) machine.Pos {
	t := s.walked(n, off)
	t.settle()
	return machine.Pos{Line: t.line, Col: t.col}
}

// end returns the place behind the first off characters, on the line of the last of them.
func (s *source) end(n *Node, off int) machine.Pos {
	t := s.walked(n, off)
	return machine.Pos{Line: t.line, Col: t.col}
}

// betweenMarks is how far a walk is from a mark at most, in runes.
const betweenMarks = 1 << 10

// walked returns a tracer that has moved over off runes of a scalar. The last one is kept and goes
// on from where it was, so that asking for every place of a long script in turn is one walk. A walk leaves marks, so that
// to go back a little is no walk from the beginning.
func (s *source) walked(n *Node, off int) tracer {
	switch {
	case s.last.node != n:
		s.last = walk{node: n, tracer: *s.trace(n)}
		s.marks = append(s.marks[:0], s.last)
	case s.last.runes > off:
		i, _ := slices.BinarySearchFunc(s.marks, off+1, func(w walk, off int) int { return w.runes - off })
		s.last = s.marks[i-1]
	}
	w := &s.last
	for w.runes < off && w.bytes < len(n.Text) {
		r, size := utf8.DecodeRuneInString(n.Text[w.bytes:])
		w.tracer.step(r)
		w.runes++
		w.bytes += size
		if w.runes >= s.marks[len(s.marks)-1].runes+betweenMarks {
			s.marks = append(s.marks, *w)
		}
	}
	return w.tracer
}

// A walk is how far into a scalar a tracer has come.
type walk struct {
	node         *Node
	runes, bytes int
	tracer       tracer
}

// step moves over the source of one decoded rune. It need not know YAML's rules of folding: a break
// in the source stands for a space or a break in the text if the text has one here, else for nothing,
// and whatever else does not match (indentation, comments between) is passed over.
func (t *tracer) step(r rune) {
	for range 1 << 20 { // bounded by the file's size; ends at its end at the latest
		c := t.src.rune(t.line, t.col)
		switch {
		case t.line > t.src.count():
			return
		case c == 0: // end of a line: a break, folded or kept, or nothing
			fold := r == ' ' || r == '\n'
			t.newline()
			if fold {
				return
			}
		case c == '\\' && t.quote == Double:
			if t.escape() {
				return
			}
		case c == '\'' && t.quote == Single:
			t.col += 2
			return
		case c == r:
			t.col++
			return
		default:
			t.col++
		}
	}
}

// settle leaves the end of a line for the place where the next character is written.
func (t *tracer) settle() {
	if t.quote == Literal || t.quote == Folded {
		return
	}
	line, col := t.line, t.col
	for t.src.rune(t.line, t.col) == 0 && t.line < t.src.count() {
		t.newline()
	}
	if t.src.rune(t.line, t.col) == 0 {
		t.line, t.col = line, col
	}
}

func (t *tracer) newline() {
	t.line++
	t.col = t.indent + 1
	if t.quote == Literal || t.quote == Folded {
		return
	}
	for blank(t.src.rune(t.line, t.col)) {
		t.col++
	}
}

// escape moves over an escape of a double quoted text; false if it stands for no character.
func (t *tracer) escape() bool {
	switch t.src.rune(t.line, t.col+1) {
	case 'x':
		t.col += 4
	case 'u':
		t.col += 6
	case 'U':
		t.col += 10
	case 0:
		t.newline()
		return false
	default:
		t.col += 2
	}
	return true
}

func spanAt(p machine.Pos, length int) Span {
	return Span{p.Line, p.Col, p.Line, p.Col + max(1, length)}
}

// span is the stretch of a node: a scalar on one line whole, with its quotes; of anything longer
// the first character's line.
func (d *DAG) span(n *Node) Span {
	if n == nil {
		return Span{1, 1, 1, 2}
	}
	switch {
	case n.Kind != Scalar || n.Text == "" && n.Quote == Plain:
		return spanAt(n.Pos(), 1)
	case n.Quote == Literal || n.Quote == Folded:
		return spanAt(n.Pos(), 1)
	}
	end := d.src.end(n, len([]rune(n.Text)))
	if n.Quote != Plain {
		end.Col++
	}
	if end.Line != n.Pos().Line {
		return d.src.restOfLine(n.Pos().Line, n.Pos().Col)
	}
	return Span{n.Pos().Line, n.Pos().Col, n.Pos().Line, max(end.Col, n.Pos().Col+1)}
}

// within is the stretch of some runes of a scalar's text.
func (d *DAG) within(n *Node, off, length int) Span {
	start := d.src.at(n, off)
	end := d.src.end(n, off+length)
	if end.Line != start.Line {
		return d.src.restOfLine(start.Line, start.Col)
	}
	return Span{start.Line, start.Col, end.Line, max(end.Col, start.Col+1)}
}
