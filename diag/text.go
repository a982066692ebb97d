package diag

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"weft/spec"
)

// Text writes each diagnostic with the lines it speaks of and what to write instead.
func Text(w io.Writer, ds []spec.Diagnostic, o Options) error {
	ds = conceal(ds, o)
	if o.Width <= 0 {
		o.Width = 120
	}
	r := renderer{o: o, files: map[string][]string{}, masks: masks(ds), mask: masker(ds, o)}
	for _, d := range ds {
		r.diagnostic(d)
	}
	return write(w, r.out.String())
}

// A renderer holds what one rendering of a list shares.
type renderer struct {
	o     Options
	out   strings.Builder
	files map[string][]string          // lines, read once
	masks map[string]map[int][]stretch // by file and line: what must not be shown
	mask  mask                         // the same wherever else it stands
}

// A mark is something to point at in a line.
type mark struct {
	line, from, to int // to = 0: as far as the word goes
	text           string
	primary        bool
}

func (r *renderer) diagnostic(d spec.Diagnostic) {
	if r.out.Len() > 0 {
		r.out.WriteByte('\n')
	}
	color := severityColor(d.Severity)
	fmt.Fprintf(&r.out, "%s%s\n", r.paint(color, head(d)), r.paint(bold, ": "+visible(d.Message)))

	here := []mark{{line: d.Line, from: d.Column, to: endOf(d), text: d.Label, primary: true}}
	others := map[string][]mark{}
	var order []string
	for _, rel := range d.Related {
		m := mark{line: rel.Line, from: rel.Column, text: rel.Text}
		if rel.File == d.File || rel.File == "" {
			here = append(here, m)
			continue
		}
		if others[rel.File] == nil {
			order = append(order, rel.File)
		}
		others[rel.File] = append(others[rel.File], m)
	}
	gutter := width(here)
	for _, ms := range others {
		gutter = max(gutter, width(ms))
	}
	r.place(gutter, "-->", d.File, here[0])
	r.snippet(gutter, d.File, here, color)
	for _, file := range order {
		r.place(gutter, ":::", file, others[file][0])
		r.snippet(gutter, file, others[file], color)
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&r.out, "%*s %s %s\n", gutter, "", r.paint(blue, "="), r.paint(bold, n.Kind+":")+" "+visible(n.Text))
	}
}

// endOf is where the carets end: a place of several lines is marked to the end of its first.
func endOf(d spec.Diagnostic) int {
	if d.EndLine > d.Line {
		return 1 << 30
	}
	return d.EndColumn
}

func width(ms []mark) int {
	n := 1
	for _, m := range ms {
		n = max(n, len(fmt.Sprint(max(m.line, 0))))
	}
	return n
}

// place says where a mark is, and, where no snippet will, what it says.
func (r *renderer) place(gutter int, head, file string, m mark) {
	text := place(file, m.line, m.from)
	if m.text != "" && (m.line < 1 || m.line > len(r.lines(file))) {
		text += ": " + visible(m.text)
	}
	fmt.Fprintf(&r.out, "%*s%s %s\n", gutter, "", r.paint(blue, head), text)
}

// snippet shows the marked lines in their order, with what lies between left out.
func (r *renderer) snippet(gutter int, file string, ms []mark, color string) {
	lines := r.lines(file)
	slices.SortStableFunc(ms, func(a, b mark) int { return cmp.Compare(a.line, b.line) })
	ms = slices.DeleteFunc(ms, func(m mark) bool { return m.line < 1 || m.line > len(lines) })
	if len(ms) == 0 {
		return
	}
	bar := r.paint(blue, "|")
	fmt.Fprintf(&r.out, "%*s %s\n", gutter, "", bar)
	last := 0
	for i := 0; i < len(ms); {
		n := ms[i].line
		switch {
		case last == 0 || n == last+1:
		case n == last+2: // one line is shorter than saying that it is left out
			r.line(gutter, file, last+1, nil, color)
		default:
			fmt.Fprintf(&r.out, "%*s %s\n", gutter, "", r.paint(blue, "⋮"))
		}
		k := i
		for k < len(ms) && ms[k].line == n {
			k++
		}
		r.line(gutter, file, n, ms[i:k], color)
		i, last = k, n
	}
}

// line shows one line and, below it, a row for each mark.
func (r *renderer) line(gutter int, file string, n int, ms []mark, color string) {
	l, ms := newLineAbout(r.lines(file)[n-1], r.masks[file][n], ms)
	focus := stretch{1, 2}
	if len(ms) > 0 {
		focus = l.stretch(ms[0])
	}
	from, to := l.window(r.o.Width, focus)
	text := strings.TrimRight(strings.Join(l.cells[from:to], ""), " ")
	offset := l.at[from]
	if from > 0 {
		text, offset = "…"+text, offset-1
	}
	if to < len(l.cells) {
		text += "…"
	}
	bar := r.paint(blue, "|")
	number := r.paint(blue, fmt.Sprintf("%*d", gutter, n))
	fmt.Fprintf(&r.out, "%s %s", number, bar)
	if text != "" {
		r.out.WriteString(" " + text)
	}
	r.out.WriteByte('\n')
	for _, m := range ms {
		s := l.stretch(m)
		begin := min(max(l.column(s.from)-offset, 0), r.o.Width+1) // outside the window: at its edge
		end := min(l.column(s.to)-offset, r.o.Width+1)
		sign, tint := "-", blue
		if m.primary {
			sign, tint = "^", color
		}
		row := strings.Repeat(sign, max(end-begin, 1))
		if m.text != "" {
			row += " " + visible(m.text)
		}
		fmt.Fprintf(&r.out, "%*s %s %*s%s\n", gutter, "", bar, begin, "", r.paint(tint, row))
	}
}

// stretch is what a mark covers of a line: at least one code point, no blanks at the end.
func (l line) stretch(m mark) stretch {
	from := min(max(m.from, 1), len(l.cells)+1)
	to := m.to
	if to == 0 {
		to = l.word(from)
	}
	return stretch{from, max(min(to, l.inked()), from+1)}
}

func (r *renderer) lines(file string) []string {
	lines, ok := r.files[file]
	if !ok && r.o.Source != nil {
		if src := r.o.Source(file); src != nil {
			lines = splitLines(src)
			for i := range lines {
				lines[i] = r.mask.over(lines[i])
			}
		}
		r.files[file] = lines
	}
	return lines
}
