package spec

import (
	"slices"
	"strings"
)

// suspectConflict finds what git leaves in a file that two have changed. The second half is read over.
func suspectConflict(d *DAG, _ trouble) ([]mend, bool) {
	if !strings.Contains(d.src.body, "<<<<<<< ") || !strings.Contains(d.src.body, ">>>>>>> ") {
		return nil, false
	}
	var ms []mend
	begin, other := 0, false
	for n := 1; n <= d.src.count(); n++ {
		text := d.src.lineText(n)
		drop := other
		switch {
		case strings.HasPrefix(text, "<<<<<<< "):
			begin, drop = n, true
		case begin > 0 && (text == "=======" || strings.HasPrefix(text, "||||||| ")):
			other, drop = true, true
		case begin > 0 && strings.HasPrefix(text, ">>>>>>> "):
			d.report(ySyntax, d.src.restOfLine(begin, 1), "a merge conflict of git stands here").
				related(Span{Line: n, Col: 1}, "it ends here").help("keep what is right of the two, and leave out the three marks")
			begin, other, drop = 0, false, true
		}
		if drop {
			ms = append(ms, mend{line: n, from: 1, to: len([]rune(text)) + 1, quiet: true})
		}
	}
	return ms, begin == 0 && len(ms) > 0
}

// suspectEmptyBlock finds the | whose lines are not indented deeper than its key.
func suspectEmptyBlock(d *DAG, t trouble) ([]mend, bool) {
	for header := max(1, min(t.from, t.line)-2); header <= t.line && header < d.src.count(); header++ {
		text := d.src.lineText(header)
		m := keyLine().FindStringSubmatch(text)
		if m == nil || !blockHeader().MatchString(text) || d.inBlock(header) {
			continue
		}
		line := header + 1
		for line < d.src.count() && strings.TrimSpace(d.src.lineText(line)) == "" {
			line++
		}
		l := d.src.line(line)
		in, own := indentOf(l), len([]rune(m[1]))
		if in == len(l) || in > own || l[in] == '\t' || !d.isText(line, in, own) {
			continue
		}
		sign := blockHeader().FindStringSubmatch(text)[1][:1]
		d.report(yIndent, d.src.restOfLine(line, in+1), "the lines of %s are indented deeper than `%s`", sign, cut(strings.TrimSpace(m[2]), 40)).
			related(Span{Line: header, Col: own + 1}, "the text of this key is empty").
			help("indent them all by %s", columnsWords(own+d.indentUnit()))
		var ms []mend
		for n := line; n <= d.src.count() && len(ms) < 1000; n++ {
			l := d.src.line(n)
			at := indentOf(l)
			if at == len(l) {
				continue
			}
			if at < in || at == in && n > line && !d.isText(n, in, own) {
				break
			}
			ms = append(ms, mend{line: n, from: 1, to: at + 1, with: strings.Repeat(" ", at-in+own+d.indentUnit()), quiet: true})
		}
		return ms, true
	}
	return nil, false
}

// isText tells whether a line below a key without its text is rather a line of it than a key beside it, or above.
func (d *DAG) isText(line, in, own int) bool {
	m := keyLine().FindStringSubmatch(strings.TrimLeft(d.src.lineText(line), " "))
	if m == nil {
		return !strings.HasPrefix(strings.TrimLeft(d.src.lineText(line), " "), "- ")
	}
	if in < own { // under another key, which may be of the user's
		return false
	}
	of, tasks := keysUnder(d.parents(line, in))
	return of != nil && !tasks && !slices.Contains(of.keys, strings.TrimSpace(m[2])) && strings.ContainsAny(m[2], " /$(")
}
