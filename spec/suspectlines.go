package spec

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// The suspects of keys, values and indentation.

// A line as people write it: an indentation, perhaps dashes, then a key with its colon.
var (
	keyLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\s*(?:- +)*)([^\s'"{\[#&*!|>%@-][^:#'"{\[]*|"[^"]*"|'[^']*')\s*:(?:\s+(.*))?$`)
	})
	// colonInside is a key, a plain value, and in it a colon before a space or the end of the line.
	colonInside = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\s*(?:- )*[^\s:'"{\[#][^:'"]*:\s+)([^'"{\[|>#\s&*!][^#]*?)(:)(\s|$)`)
	})
	noSpace = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\s*(?:- )*[A-Za-z_][\w-]*)(:)[^\s:/\x{a0}\x{2000}-\x{200b}\x{202f}\x{3000}]`)
	})
)

// suspectColon finds `: ` inside a plain value, at which YAML sees a second key on the line.
func suspectColon(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "mapping values are not allowed") {
		return nil, false
	}
	text := d.src.lineText(t.line)
	m := colonInside().FindStringSubmatchIndex(text)
	if m == nil {
		return nil, false
	}
	col := len([]rune(text[:m[6]])) + 1
	diag := d.report(yColon, Span{t.line, col, t.line, col + 1}, "`: ` inside a plain value reads as a key")
	if ms := d.keyInValue(diag, t.line, len([]rune(text[:m[3]]))+1, col); ms != nil {
		return ms, true
	}
	diag.quote(d.src, t.line, len([]rune(text[:m[3]]))+1)
	var ms []mend
	rest := []rune(text)
	for i := col - 1; i < len(rest); i++ { // all of them are the same mistake
		if rest[i] == ':' && (i+1 == len(rest) || blank(rest[i+1])) {
			ms = append(ms, mend{line: t.line, from: i + 1, to: i + 2, with: "_"})
		}
	}
	return ms, true
}

// suspectNoSpace: key:value is text to YAML, and the key after it has no place.
func suspectNoSpace(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "':'") && !strings.Contains(t.msg, "mapping values") && !strings.Contains(t.msg, "expected key") {
		return nil, false
	}
	lines := []int{t.line, d.writtenBefore(t.line)}
	if strings.Contains(t.msg, "':'") {
		lines = []int{t.from, t.line}
	}
	for _, n := range lines {
		text := d.src.lineText(n)
		m := noSpace().FindStringSubmatchIndex(text)
		if m == nil || d.inBlock(n) {
			continue
		}
		col := len([]rune(text[:m[4]])) + 1
		d.report(yNoSpace, Span{n, col, n, col + 1}, "a space is missing after this colon").note("fix", "put a space after `:`").
			edit(Span{n, col + 1, n, col + 1}, " ")
		return []mend{{line: n, from: col + 1, to: col + 1, with: " "}}, true
	}
	return nil, false
}

// writtenBefore is the last line before one that is neither blank nor a comment, 0 if there is none.
func (d *DAG) writtenBefore(line int) int {
	for n := line - 1; n >= 1; n-- {
		if text := strings.TrimSpace(d.src.lineText(n)); text != "" && text[0] != '#' {
			return n
		}
	}
	return 0
}

// suspectDeeper finds a key that is indented deeper than the one above it, which has a value already.
func suspectDeeper(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "mapping values are not allowed") && !strings.Contains(t.msg, "expected key") {
		return nil, false
	}
	above := d.writtenBefore(t.line)
	l, up := d.src.line(t.line), d.src.line(above)
	in := indentOf(l)
	m := keyLine().FindStringSubmatch(string(up))
	if m == nil || m[3] == "" || !keyLine().MatchString(string(l)) {
		return nil, false
	}
	own := len([]rune(m[1]))
	if in <= own {
		return nil, false
	}
	d.report(yIndent, d.src.restOfLine(t.line, in+1), "this is indented deeper than the key above it, which has a value").
		related(Span{Line: above, Col: own + 1}, "%s has its value on its line", strings.TrimSpace(m[2])).
		help("indent it like its neighbours: by %s", columnsWords(own))
	return d.reindent(t.line, in, own), true
}

// reindent moves a line, and those below that are as deep or deeper, by as much.
func (d *DAG) reindent(line, from, to int) []mend {
	ms := []mend{{line: line, from: 1, to: from + 1, with: strings.Repeat(" ", to), guess: true}}
	for n := line + 1; n <= d.src.count() && len(ms) < 1000; n++ {
		l := d.src.line(n)
		in := indentOf(l)
		if in == len(l) {
			continue
		}
		if in < from {
			break
		}
		ms = append(ms, mend{line: n, from: 1, to: in + 1, with: strings.Repeat(" ", in-from+to), guess: true})
	}
	return ms
}

// suspectIndent finds the line where yaml.v3 stopped to have an indentation that is none of those that are open
// above it.
func suspectIndent(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "did not find expected") && !strings.Contains(t.msg, "mapping values") && !strings.Contains(t.msg, "could not find") &&
		!strings.Contains(t.msg, "block sequence") {
		return nil, false
	}
	line := t.line
	if strings.Contains(t.msg, "could not find") {
		line = t.from
	}
	l := d.src.line(line)
	in := indentOf(l)
	if in == len(l) || d.inBlock(line) {
		return nil, false
	}
	open := d.openAbove(line)
	deeper := -1 // the nearest open level above it, and whether it is one itself
	for i, level := range open {
		if level == in {
			return nil, false
		}
		if level > in && deeper < 0 {
			deeper = i
		}
	}
	if deeper < 0 {
		return nil, false
	}
	to := open[deeper]
	if deeper > 0 && in-open[deeper-1] < to-in {
		to = open[deeper-1]
	}
	d.report(yIndent, d.src.restOfLine(line, in+1), "this lines up with nothing above it").
		help("indent it like its neighbours: by %s", columnsWords(to))
	return d.reindent(line, in, to), true
}

// openAbove are the indentations of the keys and items that a line could go on with, the least first.
func (d *DAG) openAbove(line int) []int {
	var open []int
	for n := 1; n < line; n++ {
		text := d.src.lineText(n)
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == '\t' || d.inBlock(n) {
			continue
		}
		in := len(text) - len(trimmed)
		for len(open) > 0 && open[len(open)-1] > in {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || open[len(open)-1] < in {
			open = append(open, in)
		}
		for strings.HasPrefix(trimmed, "- ") { // what stands behind a dash opens a level of its own
			rest := strings.TrimLeft(trimmed[2:], " ")
			in += len(trimmed) - len(rest)
			trimmed = rest
			if keyLine().MatchString(trimmed) {
				open = append(open, in)
			}
		}
	}
	return open
}

// suspectDash finds a list that begins behind a key on its line, or an item where a key is expected.
func suspectDash(d *DAG, t trouble) ([]mend, bool) {
	if !strings.Contains(t.msg, "block sequence entries") && !strings.Contains(t.msg, "expected key") {
		return nil, false
	}
	text := d.src.lineText(t.line)
	if m := regexp.MustCompile(`^\s*(?:- )*[^\s:'"{\[#][^:'"]*:\s+(- )`).FindStringSubmatchIndex(text); m != nil {
		col := len([]rune(text[:m[2]])) + 1
		d.report(ySyntax, Span{t.line, col, t.line, col + 1}, "a list cannot begin on the line of its key").
			help("put it on the lines below, or write it in brackets: [a, b]")
		return []mend{{line: t.line, from: col, to: col + 1, with: "x", guess: true}}, true
	}
	trimmed := strings.TrimLeft(text, " ")
	above := d.writtenBefore(t.line)
	col := len(text) - len(trimmed) + 1
	if !strings.HasPrefix(trimmed, "- ") || above == 0 || t.col > col+1 {
		return nil, false
	}
	diag := d.report(ySyntax, d.src.restOfLine(t.line, col), "an item of a list stands among keys")
	if m := keyLine().FindStringSubmatch(d.src.lineText(above)); m != nil && m[3] != "" {
		diag.related(Span{Line: above, Col: len([]rune(m[1])) + 1}, "%s has a value already", strings.TrimSpace(m[2]))
	}
	item := strings.TrimLeft(trimmed[2:], " ")
	if m := itemName().FindStringSubmatch(item); m != nil {
		diag.help("give it a key instead, with what it holds below: `%s:`", cut(m[1], 40))
	} else {
		diag.help("leave out the dash, or put the item below a key of its own")
	}
	ms := []mend{{line: t.line, from: col, to: col + 1, with: "#", guess: true}}
	for n := t.line + 1; n <= d.src.count() && len(ms) < 1000; n++ { // and what belongs to it
		l := d.src.line(n)
		if in := indentOf(l); in < len(l) && in < col {
			break
		} else if in < len(l) {
			ms = append(ms, mend{line: n, from: in + 1, to: in + 2, with: "#", guess: true})
		}
	}
	return ms, true
}

// itemName is the name that an item of a list gives itself in other tools.
var itemName = looks(`^(?:id|name|task_id):\s+["']?([A-Za-z_][A-Za-z0-9_-]*)`)

// suspectNoColon finds the line that is a word where keys are.
func suspectNoColon(d *DAG, t trouble) ([]mend, bool) {
	line := t.from
	switch {
	case strings.Contains(t.msg, "could not find expected ':'"):
	case strings.Contains(t.msg, "mapping values are not allowed"): // of the key below it
		line = d.writtenBefore(t.line)
		above := d.src.lineText(line)
		if line == 0 || indentOf(d.src.line(line)) != indentOf(d.src.line(t.line)) || strings.Contains(above, ": ") || strings.HasPrefix(strings.TrimLeft(above, " "), "-") {
			return nil, false
		}
	default:
		return nil, false
	}
	l := d.src.line(line)
	in := indentOf(l)
	if in == len(l) {
		return nil, false
	}
	at := d.src.restOfLine(line, in+1)
	word, rest, _ := strings.Cut(d.src.text(at), " ")
	if above := strings.TrimLeft(d.src.lineText(d.writtenBefore(line)), " "); strings.HasPrefix(above, "- ") && indentOf(d.src.line(d.writtenBefore(line))) == in {
		d.report(ySyntax, at, "an item of the list above begins with a dash").help("write `- %s`", cut(d.src.text(at), 60))
		return []mend{{line: line, from: in + 1, to: in + 2, with: "#", guess: true}}, true
	}
	diag := d.report(ySyntax, at, "a `:` is missing: this is no key with a value")
	if rest != "" && envName.fits(word) {
		diag.help("write `%s: %s`", cut(word, 40), cut(rest, 60))
		return []mend{{line: line, from: in + 1 + len([]rune(word)), to: in + 1 + len([]rune(word)), with: ":", guess: true}}, true
	}
	return []mend{{line: line, from: in + 1, to: in + 2, with: "#", guess: true}}, true
}

// behindQuotes is a key, its value in quotes, and more.
var behindQuotes = looks(`^\s*(?:- )*[^\s:'"{\[#][^:'"]*:\s+(?:"(?:[^"\\]|\\.)*"|'[^']*')\s*([^\s#].*)$`)

// suspectRest finds what stands behind a value that is complete: "a" b, [a] b.
func suspectRest(d *DAG, t trouble) ([]mend, bool) {
	if m := behindQuotes().FindStringSubmatchIndex(d.src.lineText(t.line)); m != nil && strings.Contains(t.msg, "mapping values") {
		t.col = len([]rune(d.src.lineText(t.line)[:m[2]])) + 1
	} else if !strings.Contains(t.msg, "expected key") && !strings.Contains(t.msg, "'-' indicator") && !strings.Contains(t.msg, "document start") {
		return nil, false
	}
	l := d.src.line(t.line)
	col := t.col
	for col > 1 && !blank(l[col-2]) && !strings.ContainsRune("\"']}", l[col-2]) {
		col--
	}
	before := strings.TrimRight(string(l[:min(col-1, len(l))]), " \t")
	if before == "" || !strings.ContainsAny(before[len(before)-1:], "\"']}") {
		return nil, false
	}
	if open := opening(l, len([]rune(before))); open > 0 && opensValue(l, open-1) && strings.ContainsFunc(string(l[col-1:]), unicode.IsLetter) {
		return d.bracketText(t.line, open), true
	}
	at := d.src.restOfLine(t.line, col)
	if surplus := d.src.text(at); strings.Trim(surplus, "]} ") == "" {
		d.report(ySyntax, Span{t.line, col, t.line, col + 1}, "this %s closes nothing", surplus[:1]).help("leave it out")
		return []mend{{line: t.line, from: col, to: at.EndCol, with: ""}}, true
	}
	diag := d.report(ySyntax, at, "nothing can stand behind a value that is complete")
	switch end := before[len(before)-1]; end {
	case '"', '\'':
		diag.help("quote the whole of it, with the other kind of quotes where it holds these")
	default:
		diag.help("quote the whole of it, or write the rest into the brackets")
	}
	return []mend{{line: t.line, from: col, to: at.EndCol, with: ""}}, true
}

// opening is the column of the bracket that the one at a column closes, 0 if it is none, or opened on another line.
func opening(l []rune, closing int) int {
	depth := 0
	for i := closing; i > 0; i-- {
		switch l[i-1] {
		case ']', '}':
			depth++
		case '[', '{':
			depth--
		}
		if depth == 0 {
			if i == closing {
				return 0
			}
			return i
		}
	}
	return 0
}

// closing is the column of the bracket that closes the one at a column; the last of the line if none does.
func closing(l []rune, open int) int {
	depth := 0
	for i := open; i <= len(l); i++ {
		switch l[i-1] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return len(l)
}

// bracketText reports a text that begins with a bracket, where YAML reads a list or a map and then more.
func (d *DAG) bracketText(line, col int) []mend {
	l := d.src.line(line)
	what := "map"
	if l[col-1] == '[' {
		what = "list"
	}
	end := closing(l, col)
	rest := strings.TrimSpace(string(l[end:]))
	if strings.HasPrefix(rest, "//") {
		at := d.src.restOfLine(line, end+1+len(l[end:])-len([]rune(strings.TrimLeft(string(l[end:]), " "))))
		d.report(ySyntax, at, "nothing can stand behind a value that is complete").help("a comment begins with ` #`")
		return []mend{{line: line, from: end + 1, to: len(l) + 1, with: ""}}
	}
	diag := d.report(yIndicator, Span{line, col, line, col + 1}, "a value that begins with %c is a %s to YAML, and more stands behind it", l[col-1], what)
	text := true // what stands here may be one
	if m := keyLine().FindStringSubmatch(string(l[:col-1])); m != nil {
		text = roomOf(d.parents(line, len([]rune(m[1]))), strings.TrimSpace(m[2])) == anything
	}
	switch {
	case text && (what == "map" || strings.HasPrefix(string(l[col:]), " ") && !strings.ContainsRune(string(l[col:end]), ',')): // [ -f x ] is a shell's
		diag.quote(d.src, line, col)
	case text:
		diag.help("quote the whole value, from `%c`, if it is text; an item belongs into the brackets", l[col-1])
	default:
		diag.help("leave out what stands behind `%c`", l[end-1])
		return []mend{{line: line, from: end + 1, to: len(l) + 1, with: "", quiet: true}}
	}
	return []mend{{line: line, from: col, to: len(l) + 1, with: "x", quiet: true}}
}
