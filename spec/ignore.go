package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Comments that silence one finding:
//
//	sensor: {until: output.exists} # weft: ignore[R501] the export is late in December
//
// at the end of a line silences that line, alone on a line the first below it that is no comment. A finding
// inside a text of several lines, such as a script, belongs to the line where the text begins, too; and a
// script may hold the comment itself. `ignore-file` silences the whole file.
//
// An error cannot be silenced: the DAG would not run. What a comment silences nothing of is reported, for
// it would silence the next finding there unseen; but not while the file has errors, which keep rules from
// looking, and not for codes that depend on what is around the file.

// An ignore is one such comment.
type ignore struct {
	at     Span // from the # to the end
	line   int  // the line that it speaks of; 0 = none
	file   bool // it speaks of the whole file
	alone  bool // nothing else is on its line
	script bool // it stands in a script
	unread bool // it is meant for one, and cannot be read
	codes  []ignored
	reason string
}

// An ignored code of a comment.
type ignored struct {
	code string
	at   Span
	used bool
}

// around are the codes of what depends on the files, settings and programs around a DAG: here nothing may
// be found of them, and elsewhere something.
var around = []string{sFile, sPool, xLint}

// ignoreMark is in every such comment, and in hardly any other file.
const ignoreMark = "weft:"

var (
	ignoreForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?:^|[ \t])#[ \t]*weft:[ \t]*ignore(-file)?([ \t(:\[].*)?$`)
	})
	ignoreBody = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[ \t]*\[([^\]]*)\](.*)$`) })
	codeForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[A-Za-z][0-9]{3}\b`) })
	codeWord   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\s,]+`) })
)

// silence takes out what comments silence, and reports on the comments.
func (d *DAG) silence(src []byte) {
	if !bytes.Contains(src, []byte(ignoreMark)) {
		return
	}
	texts := d.longTexts()
	list := d.ignores(texts)
	if len(list) == 0 {
		return
	}
	d.diags = slices.DeleteFunc(d.diags, func(diag *Diagnostic) bool {
		quiet := false
		for _, ig := range list {
			quiet = ig.hears(diag, texts) || quiet
		}
		return quiet
	})
	d.mended.told = len(d.diags)
	for _, ig := range list {
		d.judge(ig)
	}
	d.placed()
}

// hears tells whether the comment silences a diagnostic, and notes that it has one to speak of.
func (ig *ignore) hears(diag *Diagnostic, texts texts) bool {
	if !ig.file && (ig.line == 0 || ig.line != diag.Line && ig.line != texts.begin[diag.Line]) {
		return false
	}
	for i := range ig.codes {
		if ig.codes[i].code != diag.Code {
			continue
		}
		ig.codes[i].used = true
		if diag.Severity != Error {
			return true
		}
		diag.note("note", "an error cannot be silenced: the DAG would not run")
	}
	return false
}

// judge reports what is wrong with a comment itself.
func (d *DAG) judge(ig *ignore) {
	if ig.unread {
		d.report(lUnread, ig.at, "this ignore cannot be read").help("write `# weft: ignore[CODE] reason`")
	}
	if len(ig.codes) == 0 {
		return
	}
	if ig.reason == "" {
		d.report(lReason, ig.at, "an ignore needs its reason").
			help("write behind the bracket why this is fine: `# weft: ignore[%s] reason`", ig.codes[0].code)
	}
	var idle []ignored
	for _, c := range ig.codes {
		page, known := PageOf(c.code)
		switch {
		case !known:
			diag := d.report(lUnknown, c.at, "there is no code %q", c.code)
			if near := NearCodes(c.code); len(near) > 0 {
				diag.label("did you mean %s?", orWords(quoted(near)))
				if near[0] == strings.ToUpper(c.code) {
					diag.note("fix", "write `%s`", near[0]).edit(c.at, near[0])
				}
			}
		case !c.used && page.Severity == string(Error):
			d.report(lIdle, c.at, "%s is an error, and errors cannot be silenced: the DAG would not run", c.code)
		case !c.used && !slices.Contains(around, c.code) && !d.failed:
			idle = append(idle, c)
		}
	}
	if len(idle) > 0 {
		d.idle(ig, idle)
	}
}

// idle reports codes of which there is nothing to silence: all of a comment's in one go, with the comment
// to be removed, or one by one.
func (d *DAG) idle(ig *ignore, codes []ignored) {
	at := codes[0].at
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = c.code
		at.EndCol = c.at.EndCol
	}
	where := fmt.Sprintf("line %d has", ig.line)
	switch {
	case ig.file:
		where = "this file has"
	case ig.line == 0:
		where = "the line below has"
	}
	if len(codes) < len(ig.codes) {
		for _, c := range codes {
			d.report(lIdle, c.at, "this ignores nothing: %s no %s", where, c.code).help("take %s out of the brackets", c.code)
		}
		return
	}
	diag := d.report(lIdle, at, "this ignores nothing: %s no %s", where, strings.Join(words, " and no "))
	for _, other := range d.diags {
		if other != diag && slices.Contains(words, other.Code) {
			diag.related(other.place(), "%s is here", other.Code)
		}
	}
	if len(diag.Related) > 0 || ig.script { // it stands in the wrong line; or a script may print it
		diag.help("put it at the end of the line that it speaks of, or alone above it")
		return
	}
	diag.note("fix", "remove the comment").edit(d.without(ig), "")
}

// without is what goes with a comment: its whole line, or the blanks before it.
func (d *DAG) without(ig *ignore) Span {
	if ig.alone && ig.at.Line < d.src.count() {
		return Span{ig.at.Line, 1, ig.at.Line + 1, 1}
	}
	l := d.src.line(ig.at.Line)
	from := ig.at.Col
	for from > 1 && blank(l[from-2]) {
		from--
	}
	return Span{ig.at.Line, from, ig.at.Line, len(l) + 1}
}

// ignores reads the comments.
func (d *DAG) ignores(texts texts) []*ignore {
	var list []*ignore
	for n := 1; n <= d.src.count(); n++ {
		text := d.src.lineText(n)
		m := ignoreForm().FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		from := m[0] + strings.IndexByte(text[m[0]:], '#')
		col := len([]rune(text[:from])) + 1
		script, inText := texts.holds(n, col)
		if inText && !script {
			continue // a text that speaks of such a comment
		}
		ig := &ignore{
			at: Span{n, col, n, len([]rune(strings.TrimRight(text, " \t"))) + 1}, line: n, file: m[2] >= 0, script: inText,
			alone: strings.TrimSpace(text[:from]) == "",
		}
		if ig.alone {
			ig.line = d.spokenOf(n)
		}
		rest := ""
		if m[4] >= 0 {
			rest = text[m[4]:]
		}
		d.codesOf(ig, rest, len([]rune(text))+1-len([]rune(rest)))
		list = append(list, ig)
	}
	return list
}

// spokenOf is the line that a comment alone on line n speaks of: the first below it that is no comment,
// 0 if that is blank.
func (d *DAG) spokenOf(n int) int {
	for n++; n <= d.src.count(); n++ {
		switch text := strings.TrimSpace(d.src.lineText(n)); {
		case text == "":
			return 0
		case text[0] != '#':
			return n
		}
	}
	return 0
}

// codesOf reads what stands behind the word ignore, from column col on.
func (d *DAG) codesOf(ig *ignore, rest string, col int) {
	m := ignoreBody().FindStringSubmatchIndex(rest)
	if m == nil || strings.TrimSpace(rest[m[2]:m[3]]) == "" {
		if m != nil || strings.TrimSpace(rest) == "" || codeForm().MatchString(rest) {
			ig.unread = true
		}
		return
	}
	ig.reason = strings.TrimSpace(strings.TrimLeft(rest[m[4]:m[5]], " \t:-–—"))
	for _, w := range codeWord().FindAllStringIndex(rest[m[2]:m[3]], -1) {
		code := rest[m[2]+w[0] : m[2]+w[1]]
		at := col + len([]rune(rest[:m[2]+w[0]]))
		ig.codes = append(ig.codes, ignored{code: code, at: Span{ig.at.Line, at, ig.at.Line, at + len([]rune(code))}})
	}
}

// texts is what must be known of the scalars of a file to tell comments from texts.
type texts struct {
	begin  map[int]int     // the line where a text of several lines begins, by each of its others
	script map[[2]int]bool // places of # weft: inside texts; true: the text is a script
}

// holds tells whether a place is inside a text, and whether that is a script.
func (t texts) holds(line, col int) (script, inside bool) {
	script, inside = t.script[[2]int{line, col}]
	return script, inside
}

// longTexts looks through the scalars of the tree.
func (d *DAG) longTexts() texts {
	t := texts{begin: map[int]int{}, script: map[[2]int]bool{}}
	seen := map[*Node]bool{}
	var walk func(n *Node, key string)
	walk = func(n *Node, key string) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, f := range n.Fields() {
			walk(f.Key, "")
			walk(f.Value, f.Key.Text)
		}
		for _, it := range n.Items() {
			walk(it, key)
		}
		if n.Kind == Scalar {
			t.scalar(d, n, (n.Quote == Literal || n.Quote == Folded) && (key == "run" || key == "code"))
		}
	}
	walk(d.root, "")
	return t
}

func (t texts) scalar(d *DAG, n *Node, script bool) {
	if !strings.Contains(n.Text, ignoreMark) && n.Quote == Plain && !strings.Contains(n.Text, " ") {
		return // no text of several lines
	}
	runes := []rune(n.Text)
	for line := d.src.end(n, len([]rune(strings.TrimRight(n.Text, "\n")))).Line; line > n.Pos().Line; line-- {
		t.begin[line] = n.Pos().Line
	}
	for i, r := range runes {
		if r == '#' && strings.Contains(string(runes[i:min(i+40, len(runes))]), ignoreMark) {
			at := d.src.at(n, i)
			t.script[[2]int{at.Line, at.Col}] = script
		}
	}
}
