package spec

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// What weft's own rules say of a script is certain. A linter of shells, which whoever calls Parse hands in,
// says more, of what is legal and probably not meant. Its words are passed on; the places are the file's.

// A Script is a script as a linter of shells is to read it: what weft runs, with a harmless variable in the
// place of each expression, as long as that, so that every place is one in the file.
type Script struct {
	Dialect string // sh, bash, dash or ksh
	Exits   bool   // the shell ends at the first command that fails (-e)
	Text    string
}

// A Remark is one thing that a linter says of a script. Lines and columns count from 1, columns in code
// points; the end is exclusive.
type Remark struct {
	Code                             string   `json:"code"` // SC2086
	Severity                         Severity `json:"severity"`
	Line, Column, EndLine, EndColumn int
	Message                          string `json:"message"`
	Page                             string `json:"page,omitempty"`  // where more is written
	Names                            string `json:"names,omitempty"` // the variable that it calls unassigned; "" = it speaks of something else
}

// dialects are the shells whose scripts a linter reads.
var dialects = []string{"sh", "bash", "dash", "ksh"}

// lint asks the linter about a script that could be read. Not about a very long one: of a million characters shellcheck
// takes half a minute and 600 MB.
func (d *DAG) lint(u *use, s *script, splices []splice) {
	if d.opts.Lint == nil || len(s.node.Text) > longScript {
		return
	}
	ask := Script{Dialect: "bash", Exits: true, Text: harmless(s.node.Text, splices)}
	switch shell := s.shell.(type) {
	case string:
		ask.Dialect = shell
	case []any:
		var ok bool
		if ask.Dialect, ask.Exits, ok = dialectOf(shell); !ok || len(splices) > 0 {
			return
		}
	}
	at, text := newLines(ask.Text), []rune(ask.Text)
	for _, r := range d.opts.Lint(ask) {
		from := at.offset(r.Line, r.Column)
		for from > 0 && (from == len(text) || text[from] == '\n') { // the end of a line: its last character
			from--
		}
		to := max(at.offset(r.EndLine, r.EndColumn), from+1)
		if r.Names != "" && d.hasVariable(u.task, r.Names) || slices.ContainsFunc(splices, func(x splice) bool { return x.covers(from, to) }) {
			continue // it is of the variable that stands for an expression
		}
		d.reportAs(weighed(r.Severity), xLint, d.within(u.node, from, to-from), "%s", r.Message).note("note", "%s of shellcheck: %s", r.Code, r.Page)
	}
}

// weighed is how bad a remark is here: a DAG that may be run stays one, whichever linter a machine has.
func weighed(s Severity) Severity {
	if s == Error {
		return Warning
	}
	return s
}

// dialectOf reads which shell a command of one's own is: [bash, -x, "{0}"].
func dialectOf(argv []any) (dialect string, exits, ok bool) {
	for i, word := range argv {
		text, _ := word.(string)
		switch {
		case i == 0:
			dialect = path.Base(text)
		case strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "--"):
			exits = exits || strings.Contains(text, "e")
		}
	}
	return dialect, exits, slices.Contains(dialects, dialect)
}

// covers tells whether runes of a text belong to the expression alone, with quotes that stand around it.
func (s splice) covers(from, to int) bool {
	return from >= s.runes && to <= s.runes+s.length
}

// harmless puts variables in the place of expressions, each as many runes long and quoted as weft would.
func harmless(text string, splices []splice) string {
	var b strings.Builder
	at := 0
	for i := range splices {
		s := &splices[i]
		b.WriteString(text[at:s.from])
		at = s.to
		was := text[s.from:s.to]
		s.length = utf8.RuneCountInString(was)
		switch s.place {
		case inWord:
			b.WriteString(`"${` + strings.Repeat("W", max(s.length-len(`"${}"`), 1)) + `}"`)
		case inQuotes, inNumber:
			b.WriteString("${" + strings.Repeat("W", max(s.length-len("${}"), 1)) + "}")
		default: // in a comment, or where it is wrong anyway
			b.WriteString(strings.Repeat("W", s.length))
		}
	}
	b.WriteString(text[at:])
	return b.String()
}

// lines finds places in a text by line and column.
type lines []struct{ begin, runes int }

func newLines(text string) lines {
	var out lines
	at := 0
	for line := range strings.Lines(text) {
		n := utf8.RuneCountInString(line)
		out = append(out, struct{ begin, runes int }{at, n})
		at += n
	}
	return out
}

// offset is how many runes stand before a place; one that is not in the text counts as its nearest.
func (l lines) offset(line, column int) int {
	if len(l) == 0 {
		return 0
	}
	n := min(max(line, 1), len(l)) - 1
	return l[n].begin + min(max(column-1, 0), l[n].runes)
}
