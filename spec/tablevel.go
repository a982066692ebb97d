package spec

import (
	"slices"
	"strconv"
	"strings"
)

// How wide a tab is only its author's editor knows. The files around it tell how deep a line is meant, mostly: below a key
// without a value it is one step deeper; and where it could go on with several keys that are open, what it says has
// its place under one of them alone. Where two would do, nothing is written: a key on another level is another program.

// tabbed is how a stretch of lines that begin with tabs is indented with spaces, and whether that is certain.
type tabbed struct {
	ms   []mend
	sure bool
	help string // what to do where it is not
}

// maxStretches bounds how many stretches of tabs are told of at once: each is looked at from the file's beginning.
const maxStretches = 200

// untabbed indents a line and those right below it with spaces instead of tabs: the first as deep as it can only stand, the
// others as they stand to the first.
func (d *DAG) untabbed(line int) tabbed {
	if from := d.scriptAbove(line); from > 0 {
		return d.untabbedText(line, from)
	}
	unit := d.indentUnit()
	least, sure, help := d.levelOf(line, unit)
	t := tabbed{sure: sure, help: help}
	first, more := 0, 0
	for n := line; n <= d.src.count(); n++ {
		l := d.src.line(n)
		if tabAt(l) == 0 {
			if strings.TrimSpace(string(l)) == "" {
				continue
			}
			break
		}
		in, end := indentation(l, unit)
		if len(t.ms) == 0 {
			first, more = in, least-in
		}
		if in < first && more != 0 { // a tab is not as wide as the file indents, and how wide is not known
			t.sure = false
		}
		t.ms = append(t.ms, mend{line: n, from: 1, to: end + 1, with: strings.Repeat(" ", max(0, in+more))})
	}
	if last := t.ms[len(t.ms)-1]; t.sure && d.opensNothing(last) {
		t.sure, t.help = false, "indent with spaces, less deep than the lines below that belong to it"
	}
	for i := range t.ms {
		t.ms[i].guess = !t.sure
	}
	return t
}

// opensNothing tells whether a line that wants its value below it would have none there, once it is indented.
func (d *DAG) opensNothing(m mend) bool {
	if !strings.HasSuffix(strings.TrimRight(d.src.lineText(m.line), " "), ":") {
		return false
	}
	for n := m.line + 1; n <= d.src.count(); n++ {
		if text := strings.TrimLeft(d.src.lineText(n), " "); text != "" && text[0] != '#' {
			in := spacesOf(d.src.lineText(n))
			return in < len(m.with) || in == len(m.with) && text[0] != '-'
		}
	}
	return true
}

// levelOf is how deep a line that begins with tabs is meant, and whether it can be nothing else.
func (d *DAG) levelOf(line, unit int) (in int, sure bool, help string) {
	above := d.src.line(d.writtenBefore(line))
	l := d.src.line(line)
	in, _ = indentation(l, unit)
	if strings.HasSuffix(strings.TrimRight(string(above), " "), ":") {
		return max(in, indentOf(above)+unit), true, ""
	}
	open := d.openAbove(line)
	if len(open) < 2 { // nothing is indented with spaces so far
		return in, true, ""
	}
	var fit []int
	for _, width := range []int{unit, 4, 8} {
		at, _ := indentation(l, width)
		if slices.Contains(open, at) && !slices.Contains(fit, at) && d.belongs(line, at) {
			fit = append(fit, at)
		}
	}
	own := indentOf(above)
	switch len(fit) {
	case 1:
		return fit[0], true, ""
	case 0:
		return own, false, "indent with spaces, like the key above that it belongs with"
	}
	var ways []string
	for _, at := range fit {
		under := "the file"
		if path := d.parents(line, at); len(path) > 0 {
			under = "`" + cut(path[len(path)-1], 40) + "`"
		}
		ways = append(ways, columnsWords(at)+" as a key of "+under)
	}
	help = "indent with spaces: " + orWords(ways)
	if slices.Contains(fit, own) {
		return own, false, help
	}
	return fit[len(fit)-1], false, help
}

// belongs tells whether what stands on a line may be a key of what is open at a level.
func (d *DAG) belongs(line, in int) bool {
	m := keyLine().FindStringSubmatch(strings.TrimLeft(d.src.lineText(line), " \t"))
	if m == nil || m[1] != "" {
		return true
	}
	of, tasks := keysUnder(d.parents(line, in))
	switch {
	case tasks:
		return m[3] == "" || strings.ContainsAny(m[3][:1], "{*&#")
	case of != nil:
		return slices.Contains(of.keys, strings.TrimSpace(m[2])) || strings.HasPrefix(m[2], "x-")
	}
	return true
}

// scriptAbove is the line that holds the | of the text that a line with a tab goes on with, or begins; 0 if there is none.
// A key behind a text is none of it.
func (d *DAG) scriptAbove(line int) int {
	above := d.writtenBefore(line)
	if n := line - 1; n > 0 && d.inBlock(n) && !d.inBlock(above) { // a comment in it
		above = n
	}
	if above == 0 {
		return 0
	}
	if !d.inBlock(above) {
		if blockHeader().MatchString(d.src.lineText(above)) {
			return above
		}
		return 0
	}
	for above > 0 && d.inBlock(above) {
		above--
	}
	if d.keyBehind(line, above) {
		return 0
	}
	return above
}

// keyBehind tells whether a line that begins with tabs, behind a text, is a key that belongs to what is open above, and the
// text does not go on below it.
func (d *DAG) keyBehind(line, header int) bool {
	m := keyLine().FindStringSubmatch(strings.TrimLeft(d.src.lineText(line), " \t"))
	if m == nil || m[1] != "" || !taskID.fits(strings.TrimSpace(m[2])) {
		return false
	}
	for n := line + 1; n <= d.src.count(); n++ {
		if text := d.src.lineText(n); strings.TrimSpace(text) != "" {
			if tabAt(d.src.line(n)) == 0 && d.textGoesOn(n, header) {
				return false
			}
			break
		}
	}
	return slices.ContainsFunc(d.openAbove(line), func(in int) bool {
		of, tasks := keysUnder(d.parents(line, in))
		return (of != nil || tasks) && d.belongs(line, in)
	})
}

// untabbedText indents the lines of a text below |. If all begin with the same tabs those are its indentation, and
// the rest is the text; else what is the text's own is not known.
func (d *DAG) untabbedText(line, header int) tabbed {
	l := d.src.line(line)
	_, end := indentation(l, 1)
	own := string(l[:end])
	in := indentOf(d.src.line(header)) + d.indentUnit()
	whole := header == line-1 && !strings.Contains(own, " ")
	if first := d.src.line(header + 1); header < line-1 {
		in = max(indentOf(first), indentOf(d.src.line(header))+1)
	}
	t := tabbed{sure: whole, help: "indent all lines of the text with spaces, by " + columnsWords(in)}
	for n := line; n <= d.src.count(); n++ {
		l := d.src.line(n)
		if strings.TrimSpace(string(l)) == "" {
			continue
		}
		if tabAt(l) == 0 || n > line && looksLikeKey().MatchString(string(l)) && !strings.HasPrefix(string(l), own) {
			break
		}
		to := end + 1
		if !strings.HasPrefix(string(l), own) {
			t.sure = false
			_, stop := indentation(l, 1)
			to = stop + 1
		}
		t.ms = append(t.ms, mend{line: n, from: 1, to: to, with: strings.Repeat(" ", in)})
	}
	if below := t.ms[len(t.ms)-1].line + 1; t.sure && below <= d.src.count() && d.textGoesOn(below, header) {
		t.sure = false
	}
	for i := range t.ms {
		t.ms[i].quiet = true
	}
	return t
}

// textGoesOn tells whether a line is deeper than the key of a text above it, as the text's lines are.
func (d *DAG) textGoesOn(line, header int) bool {
	return indentOf(d.src.line(line)) > indentOf(d.src.line(header))
}

// moreLines counts lines beside the one that is shown.
func moreLines(n int) string {
	if n == 1 {
		return "1 more line is"
	}
	return strconv.Itoa(n) + " more lines are"
}
