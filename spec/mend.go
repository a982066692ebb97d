package spec

import (
	"slices"
	"strings"
)

// After a syntax error the text is mended in memory, so that reading goes on: what else is wrong is told in the same
// go. A mend replaces some characters of one line; it never adds a line or takes one away, and the way back from
// a place in the mended text to the file is kept. A mended file has an error, so no plan ever comes of it.
//
// A mend may be a guess (where an unclosed quote would end). Then what might only follow from it is not told.

// A mend replaces the characters of a line from one column up to another by a text.
type mend struct {
	line, from, to int
	with           string
	quiet          bool // what is told of its line may come of it
	guess          bool // what is told of the file may
}

// maxMends bounds how many syntax errors are told of one file, and maxRead how many bytes are read for it.
const (
	maxMends = 40
	maxRead  = 4 << 20
)

// A mended remembers what was done to a file's text.
type mended struct {
	mends []mend
	told  int  // diagnostics that were found before the tree: their places are in the file already
	guess bool // one of the mends was a guess

	blocks []bool // see inBlock
}

// mend changes the text; what was reported since the last time is placed in the file first.
func (d *DAG) mend(ms []mend) []byte {
	d.placed()
	lines := map[int][]rune{}
	for _, m := range ms {
		line, twice := lines[m.line]
		if !twice {
			line = d.src.line(m.line)
		}
		from, to := min(m.from, len(line)+1), min(max(m.to, m.from), len(line)+1)
		m.from, m.to = from, to
		lines[m.line] = slices.Concat(line[:from-1], []rune(m.with), line[to-1:])
		d.mended.mends = append(d.mended.mends, m)
		d.mended.guess = d.mended.guess || m.guess
	}
	var b strings.Builder
	for n := range d.src.count() {
		if n > 0 {
			b.WriteByte('\n')
		}
		if line, changed := lines[n+1]; changed {
			b.WriteString(string(line))
		} else {
			b.WriteString(d.src.lineText(n + 1))
		}
	}
	d.src.cut(b.String())
	d.mended.blocks = nil
	return []byte(b.String())
}

// placed moves what was reported since the last time from places in the mended text to those in the file.
func (d *DAG) placed() {
	for _, diag := range d.diags[d.mended.told:] {
		diag.Line, diag.Column = d.before(diag.Line, diag.Column)
		diag.EndLine, diag.EndColumn = d.before(diag.EndLine, diag.EndColumn)
		if diag.EndLine == diag.Line {
			diag.EndColumn = max(diag.EndColumn, diag.Column+1)
		}
		for i := range diag.Edits {
			e := &diag.Edits[i]
			e.Line, e.Column = d.before(e.Line, e.Column)
			e.EndLine, e.EndColumn = d.before(e.EndLine, e.EndColumn)
		}
		for i := range diag.Related {
			r := &diag.Related[i]
			if r.File == d.file {
				r.Line, r.Column = d.before(r.Line, r.Column)
			}
		}
	}
	d.mended.told = len(d.diags)
}

// before is where a place of the mended text stands in the file.
func (d *DAG) before(line, col int) (int, int) {
	for i := len(d.mended.mends) - 1; i >= 0; i-- {
		m := d.mended.mends[i]
		size := len([]rune(m.with))
		switch {
		case line != m.line || col < m.from:
		case col >= m.from+size:
			col += m.to - m.from - size
		default: // within what was put there
			col = min(col, max(m.from, m.to-1))
		}
	}
	return line, col
}

// follows are the codes that a wrong guess may bring about: something was not read where it stands.
var follows = []string{yDuplicate, sMissing, sInput, sFile, gUnknown, gNotUpstream, gNever, gBranch, eMember, rParam, rOutput, rLeaf}

// settleMends drops what only follows from mending: what stands on a mended line itself, and after a guess all that
// may come of something that was not read.
func (d *DAG) settleMends() {
	if len(d.mended.mends) == 0 {
		return
	}
	told := d.mended.told
	d.diags = slices.Concat(d.diags[:told], slices.DeleteFunc(slices.Clone(d.diags[told:]), func(diag *Diagnostic) bool {
		return slices.ContainsFunc(d.mended.mends, func(m mend) bool { return m.line == diag.Line && (m.quiet || m.guess || touches(m, diag)) }) ||
			d.mended.guess && (diag.Severity != Error || slices.Contains(follows, diag.Code))
	}))
	d.placed()
}

// touches tells whether a diagnostic stands on characters that were put there, or right behind them.
func touches(m mend, diag *Diagnostic) bool {
	if strings.TrimSpace(m.with) == "" && m.with != "" { // spaces only move what is right
		return false
	}
	return m.line == diag.Line && diag.Column <= m.from+max(1, len([]rune(m.with))) && (diag.EndLine > diag.Line || diag.EndColumn > m.from)
}
