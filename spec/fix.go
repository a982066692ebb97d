package spec

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// A fix is edits that cannot change what already works. Rules say what they would write (swap, edit) where
// they report; whether that can be done where it stands is found out once, at the end (settle): what cannot
// be done is a help and no fix, so a diagnostic has a note of kind fix if and only if it has edits.

// An Edit puts a text in the place of what stands in a stretch of the file; an empty stretch is a place to
// insert at. Lines and columns are as in a Diagnostic; a column behind a line's end is its end.
type Edit struct {
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Text      string `json:"text"`
}

// Fixable tells whether the diagnostic has a fix.
func (d *Diagnostic) Fixable() bool { return len(d.Edits) > 0 }

// swap fixes the diagnostic by another word at its place. It is dropped if something else than was stands
// there, such as the same text in escapes.
func (d *Diagnostic) swap(was, now string) *Diagnostic {
	d.was, d.now = was, now
	return d
}

// instead is swap with the words for it.
func (d *Diagnostic) instead(was, now string) *Diagnostic {
	return d.label("write `%s`", now).note("fix", "write `%s`", now).swap(was, now)
}

// unlessTaken drops a swap of a key for one that the map has already.
func (d *Diagnostic) unlessTaken(n *Node, meant ...string) *Diagnostic {
	if d.now != "" && (n.Get(d.now) != nil || slices.Contains(meant, d.now)) {
		d.was, d.now = "", ""
		d.Notes = slices.DeleteFunc(d.Notes, func(n Note) bool { return n.Kind == "fix" })
	}
	return d
}

// edit adds an edit.
func (d *Diagnostic) edit(at Span, text string) *Diagnostic {
	d.Edits = append(d.Edits, Edit{at.Line, at.Col, at.EndLine, at.EndCol, text})
	return d
}

// settle makes edits of swaps, and a help of each fix that is none. src is the file's text.
func (d *DAG) settle(src []byte) {
	text := d.src
	if len(d.mended.mends) > 0 {
		text = newSource(src)
	}
	for _, diag := range d.diags {
		if diag.now != "" {
			if at, ok := text.exactly(diag.place(), diag.was); ok && text.takes(at, diag.now, diag.inside) {
				diag.edit(at, diag.now)
			}
		}
		if !Unread(diag.Code) && slices.ContainsFunc(d.mended.mends, diag.edits) {
			diag.Edits = nil
		}
		if diag.Fixable() {
			continue
		}
		diag.Notes = slices.DeleteFunc(diag.Notes, func(n Note) bool { return n.Kind == "fix" && n.Text == diag.Label })
		for i, n := range diag.Notes {
			if n.Kind == "fix" {
				diag.Notes[i].Kind = "help"
			}
		}
	}
}

// edits tells whether an edit changes a line that was mended: where it would fall is not sure then.
func (d *Diagnostic) edits(m mend) bool {
	return slices.ContainsFunc(d.Edits, func(e Edit) bool { return e.Line <= m.line && m.line <= e.EndLine })
}

// place is the stretch that a diagnostic points at.
func (d *Diagnostic) place() Span { return Span{d.Line, d.Column, d.EndLine, d.EndColumn} }

// exactly returns where in a stretch a word stands: all of it, or what is between its quotes.
func (s *source) exactly(at Span, word string) (Span, bool) {
	text := s.text(at)
	switch {
	case word == "":
		return at, false
	case text == word:
		return at, true
	case text == `"`+word+`"` || text == "'"+word+"'":
		return Span{at.Line, at.Col + 1, at.EndLine, at.EndCol - 1}, true
	}
	return at, false
}

// plainWord is what may stand in a plain value, a quoted one and a script alike.
var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.()&|=<>+/@-]+$`)
})

// inPlain is what may stand inside a plain value that something else begins, in brackets too.
var inPlain = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_.()"'&|=<>+/@-]+(?: [A-Za-z0-9_.()"'!&|=<>+/@-]+)*$`)
})

// takes tells whether a word may stand at a place without quotes of its own: a plain value does not begin
// with a sign; inside of one, behind something else, a sign may stand. A value with an anchor is left alone, for what it is elsewhere is not known.
func (s *source) takes(at Span, word string, inside bool) bool {
	l := s.line(at.Line)
	before := strings.TrimRight(string(l[:min(at.Col-1, len(l))]), " ")
	fields := strings.Fields(before)
	opens := before == "" || !inside && strings.ContainsAny(before[len(before)-1:], ":-[{,")
	sign := !(word[0] == '_' || word[0] >= '0' && word[0] <= '9' || word[0]|0x20 >= 'a' && word[0]|0x20 <= 'z')
	return (plainWord().MatchString(word) || inside && inPlain().MatchString(word)) && !(opens && sign) && !anchored(fields, inside)
}

// anchored tells whether words before a place hold the anchor of the value that it is in; && is an operator.
func anchored(before []string, inside bool) bool {
	for i, word := range before {
		if (inside || i == len(before)-1) && strings.HasPrefix(word, "&") && word != "&&" {
			return true
		}
	}
	return false
}

// bareOf returns where a node's text stands, without its quotes; false if something else stands there, such as
// escapes, or if it has an anchor.
func (d *DAG) bareOf(n *Node) (Span, bool) {
	at, ok := d.src.exactly(d.span(n), n.Text)
	return at, ok && d.src.takes(at, "x", false)
}

// Unread tells whether a code says that the YAML could not be read.
func Unread(code string) bool { return code >= yTab && code <= ySyntax && code != yDuplicate }

// Fix applies the edits of diagnostics to the file that they were found in, and returns how many
// diagnostics it could fix. Edits of one are applied together or not at all; one that would touch what
// another changes is left for the next time. Everything else stays byte for byte.
func Fix(src []byte, ds []Diagnostic) (fixed []byte, n int) {
	var taken []cutout
	index := newOffsets(src)
	for _, d := range ds {
		var mine []cutout
		for _, e := range d.Edits {
			from, to := index.at(e.Line, e.Column), index.at(e.EndLine, e.EndColumn)
			mine = append(mine, cutout{from, max(from, to), e.Text})
		}
		fresh := slices.DeleteFunc(slices.Clone(mine), func(c cutout) bool { return slices.Contains(taken, c) })
		if len(mine) == 0 || slices.ContainsFunc(fresh, func(c cutout) bool { return slices.ContainsFunc(taken, c.touches) }) {
			continue
		}
		taken = append(taken, fresh...)
		n++
	}
	slices.SortFunc(taken, func(a, b cutout) int { return cmp.Compare(a.from, b.from) })
	at := 0
	for _, c := range taken {
		if c.from < at { // one diagnostic's edits overlap
			continue
		}
		fixed = append(append(fixed, src[at:c.from]...), c.text...)
		at = c.to
	}
	return append(fixed, src[at:]...), n
}

// A cutout is an edit in bytes.
type cutout struct {
	from, to int
	text     string
}

// touches tells whether two edits meet: they overlap, or one inserts where the other begins or ends.
func (c cutout) touches(o cutout) bool {
	if c.from == c.to || o.from == o.to {
		return c.from <= o.to && o.from <= c.to
	}
	return c.from < o.to && o.from < c.to
}

// offsets finds bytes by lines and columns.
type offsets struct {
	src   []byte
	lines []int // where each begins
}

func newOffsets(src []byte) offsets {
	x := offsets{src: src, lines: []int{len(src) - len(bytes.TrimPrefix(src, []byte("\ufeff")))}}
	for i := 0; i < len(src); {
		n := breakAt(src[i:])
		if n > 0 {
			x.lines = append(x.lines, i+n)
		}
		i += max(n, 1)
	}
	return x
}

// breakAt returns the length of the line break that a text begins with, 0 if it is none. They are those of
// breaks.
func breakAt(src []byte) int {
	if bytes.HasPrefix(src, []byte("\r\n")) {
		return 2
	}
	if len(src) > 0 && (src[0] == '\n' || src[0] == '\r') {
		return 1
	}
	return 0
}

func (x offsets) at(line, col int) int {
	if line < 1 {
		return x.lines[0]
	}
	if line > len(x.lines) {
		return len(x.src)
	}
	i := x.lines[line-1]
	for ; col > 1 && i < len(x.src) && breakAt(x.src[i:]) == 0; col-- {
		_, n := utf8.DecodeRune(x.src[i:])
		i += n
	}
	return i
}

// dropItem fixes the diagnostic by leaving an item out of its list, if that is a matter of one line.
func (d *Diagnostic) dropItem(dag *DAG, list, item *Node) *Diagnostic {
	i := slices.Index(list.Items(), item)
	if i < 1 {
		return d
	}
	before, at := dag.span(list.Items()[i-1]), dag.span(item)
	l := dag.src.lineText(at.Line)
	between := dag.src.text(Span{before.EndLine, before.EndCol, at.Line, at.Col})
	switch {
	case at.EndLine != at.Line:
	case before.EndLine == at.Line && strings.TrimSpace(between) == ",":
		d.note("fix", "leave the second out").edit(Span{at.Line, before.EndCol, at.Line, at.EndCol}, "")
	case strings.TrimSpace(l) == "- "+dag.src.text(at) && at.Line > before.Line && at.Line < dag.src.count():
		d.note("fix", "leave the second out").edit(Span{at.Line, 1, at.Line + 1, 1}, "")
	}
	return d
}
