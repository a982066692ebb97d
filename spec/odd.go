package spec

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// What word processors, chats and web pages make of quotes, spaces and dashes is legal YAML, and a letter like others in
// it. In texts for people it is right. It is named only where it cannot be: about a whole value, in the place of the space
// behind a key's colon, and in a script as part of a command's name or as the dash of an option.

// oddities looks for curly quotes about whole values and odd spaces behind keys. What cannot be read for them is marked as
// reported.
func (d *DAG) oddities() {
	found := false
	for n := 1; n <= d.src.count() && !found; n++ {
		found = d.src.begin[n-1]&wide != 0 && strings.ContainsFunc(d.src.lineText(n), func(r rune) bool { return r == '“' || r == '‘' || r == '„' || oddSpace(r) })
	}
	if !found {
		return
	}
	w := oddWalk{d: d, seen: map[*Node]bool{}}
	w.node(d.root, nil, "")
}

// maxSpaces is how many spaces in a row are looked over for what stands beside them, and how many of a line are put right.
const maxSpaces = 100

// structural tells whether a space at an index of a line stands where YAML's own does: in front, behind a key's colon, beside
// a bracket or a comma. Between letters it is one of the text.
func structural(l []rune, i int) bool {
	space := func(r rune) bool { return blank(r) || oddSpace(r) }
	left, right := i, i
	for left > 0 && i-left < maxSpaces && space(l[left-1]) {
		left--
	}
	for right < len(l) && right-i < maxSpaces && space(l[right]) {
		right++
	}
	return left == 0 || right == len(l) || strings.ContainsRune(":,{[-", l[left-1]) || strings.ContainsRune(",]}#", l[right])
}

// oddKey is a key that is indented with odd spaces, or has one behind its colon.
var oddKey = looks(`^([\s\x{a0}\x{2000}-\x{200b}\x{202f}\x{3000}]*(?:- )*)([A-Za-z_][\w.-]*):(?:[\s\x{a0}\x{2000}-\x{200b}\x{202f}\x{3000}]+(\S.*)?)?$`)

// oddKeys finds keys that YAML does not see for odd spaces, which are letters to it, and reads them as they are meant.
func (d *DAG) oddKeys() (ms []mend) {
	odd := func(n int) bool {
		return d.src.begin[n-1]&wide != 0 && strings.ContainsFunc(d.src.lineText(n), oddSpace)
	}
	last := d.src.count()
	for last > 0 && !odd(last) {
		last--
	}
	r := flowReader{d: d}
	for n := 1; n <= last && len(ms) < maxStretches; n++ {
		inText := r.quote != 0 || len(r.open) > 0
		if !inText && d.inBlock(n) {
			continue
		}
		if !inText && odd(n) {
			ms = append(ms, d.oddKey(n, r.plain)...)
		}
		r.until(n, func(int) bool { return false })
	}
	return ms
}

// oddKey looks at a line outside quotes and brackets; plain is where it would go on with a value above.
func (d *DAG) oddKey(n, plain int) []mend {
	text := d.src.lineText(n)
	m := oddKey().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	l := d.src.line(n)
	front, colon := len([]rune(m[1])), len([]rune(m[1]+m[2]))
	inFront := strings.ContainsFunc(m[1], oddSpace)
	behind := colon+1 < len(l) && oddSpace(l[colon+1])
	if !inFront && (!behind || plain > 0 && front >= plain || !d.keyOf(n, front, m[2], m[3])) {
		return nil
	}
	var ms []mend
	for i, c := range l {
		if oddSpace(c) && (i < front || i > colon && structural(l, i) && strings.TrimFunc(string(l[colon+1:i]), unicode.IsSpace) == "") {
			ms = append(ms, mend{line: n, from: i + 1, to: i + 2, with: " "})
		}
	}
	if len(ms) == 0 {
		return nil
	}
	at := ms[0].from
	d.report(ySpace, Span{n, at, n, at + 1}, "this space is no ordinary one (U+%04X)", l[at-1]).note("fix", "write an ordinary space").mends(ms)
	return ms
}

// keyOf tells whether a word is a key of the place that a line stands in.
func (d *DAG) keyOf(line, in int, key, value string) bool {
	of, tasks := keysUnder(d.parents(line, in))
	return of != nil && slices.Contains(of.keys, key) || tasks && (value == "" || value[0] == '{')
}

type oddWalk struct {
	d    *DAG
	seen map[*Node]bool
}

// prose are the keys whose values are for people.
var prose = []string{"description", "title", "owner", "group", "$comment", "examples", "enum", "const", "default", "tags"}

// node looks at a value: path is where it stands, key the last of it.
func (w *oddWalk) node(n *Node, path []string, key string) {
	if w.seen[n] {
		return
	}
	w.seen[n] = true
	switch n.Kind {
	case Mapping:
		for _, f := range n.Fields() {
			if !slices.Contains(prose, f.Key.Text) && !strings.HasPrefix(f.Key.Text, "x-") {
				w.node(f.Value, append(slices.Clip(path), f.Key.Text), f.Key.Text)
			}
		}
	case Sequence:
		for _, it := range n.Items() {
			w.node(it, append(slices.Clip(path), "-"), key)
		}
	default:
		if n.Quote == Plain && !n.bad && len(path) > 0 {
			w.plain(n, path)
		}
	}
}

func (w *oddWalk) plain(n *Node, path []string) {
	if path[len(path)-1] == "-" && len(path) > 2 && path[len(path)-2] == "needs" {
		path = path[:len(path)-1]
	}
	of, _ := keysUnder(path[:len(path)-1])
	ours := of != nil && slices.Contains(of.keys, path[len(path)-1]) // a key of the language, not a name of the user's
	if curlyWhole(n.Text) {
		w.d.curly(n, ours)
		return
	}
	colon := strings.IndexByte(n.Text, ':')
	if colon < 0 || !dagID.fits(n.Text[:colon]) || roomOf(path[:len(path)-1], path[len(path)-1]) != aMap {
		return
	}
	if r, _ := utf8.DecodeRuneInString(n.Text[colon+1:]); oddSpace(r) {
		n.bad = true
		at := w.d.within(n, colon+1, 1)
		w.d.report(ySpace, at, "this space is no ordinary one (U+%04X)", r).note("fix", "write an ordinary space").edit(at, " ")
	}
}

// curlyWhole tells whether a text stands in one pair of curly quotes.
func curlyWhole(text string) bool {
	for _, pair := range [][2]string{{"“", "”"}, {"‘", "’"}, {"„", "“"}} {
		inner, opened := strings.CutPrefix(text, pair[0])
		inner, closed := strings.CutSuffix(inner, pair[1])
		if opened && closed && inner != "" && !strings.Contains(inner, pair[0]) && !strings.Contains(inner, pair[1]) {
			return true
		}
	}
	return false
}

// curly reports curly quotes about a value: where the language wants something else than any text they are an error.
func (d *DAG) curly(n *Node, ours bool) {
	at := d.span(n)
	sev := Warning
	if ours {
		sev, n.bad = Error, true
	}
	diag := d.reportAs(sev, ySpace, Span{at.Line, at.Col, at.Line, at.Col + 1}, "this is a curly quote; YAML knows only \" and '").note("fix", "write straight quotes")
	first, size := utf8.DecodeRuneInString(n.Text)
	_, last := utf8.DecodeLastRuneInString(n.Text)
	inner, straight := n.Text[size:len(n.Text)-last], `"`
	if first == '‘' {
		straight = "'"
	}
	if ours && d.src.text(at) == n.Text && !strings.ContainsAny(inner, straight+`\`) {
		diag.edit(Span{at.Line, at.Col, at.Line, at.Col + 1}, straight).edit(Span{at.Line, at.EndCol - 1, at.Line, at.EndCol}, straight)
	}
}

// oddWords names in a script what its shell takes for a letter of a command's name, or for no option.
func (d *DAG) oddWords(u *use, file *syntax.File) {
	if !strings.ContainsFunc(u.node.Text, func(r rune) bool { return r == '–' || r == '—' || oddSpace(r) && r != '\n' }) {
		return
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		name := call.Args[0].Lit()
		for i, r := range name {
			if oddSpace(r) && i > 0 {
				at := d.inScript(u, int(call.Args[0].Pos().Offset())+i)
				d.reportAs(Warning, ySpace, at, "this space is no ordinary one (U+%04X): to the shell it is a letter of the command's name", r).
					note("fix", "write an ordinary space").edit(at, " ")
				return true
			}
		}
		if slices.Contains([]string{"echo", "printf", "true", ":"}, name) {
			return true
		}
		for _, arg := range call.Args[1:] {
			text := arg.Lit()
			r, size := utf8.DecodeRuneInString(text)
			if (r == '–' || r == '—') && size < len(text) && (text[size]|0x20 >= 'a' && text[size]|0x20 <= 'z') {
				meant := map[rune]string{'–': "-", '—': "--"}[r]
				d.reportAs(Warning, ySpace, d.inScript(u, int(arg.Pos().Offset())), "this is a long dash (U+%04X), with which no option begins", r).
					label("write `%s`", meant)
			}
		}
		return true
	})
}

// inScript is the place of a character of a script, by its offset in bytes.
func (d *DAG) inScript(u *use, off int) Span {
	return d.within(u.node, utf8.RuneCountInString(u.node.Text[:min(off, len(u.node.Text))]), 1)
}
