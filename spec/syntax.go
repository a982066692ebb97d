package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// parseYAML reads the one document of a file; nil if no tree can be had, which is then reported. What
// follows the document is read too: an error there is one of the file. After a syntax error the text is mended
// and read again, as long as that leads on.
func (d *DAG) parseYAML(src []byte) *yaml.Node {
	if line, col, deep := abyss(d.src.raw); deep {
		d.report(yLimit, Span{line, col, line, col + 1}, "the file is nested more than %d levels deep", maxDepth)
		return nil
	}
	if ms := d.oddKeys(); len(ms) > 0 {
		src = d.mend(ms)
	}
	for budget, tries := maxRead, 1; ; tries++ {
		doc, err := d.oneDocument(src)
		if err == nil {
			d.placed()
			return doc
		}
		before := len(d.diags)
		ms := d.syntaxError(src, err)
		d.tried(src, err, before)
		if d.echo(before) {
			d.diags = d.diags[:before]
		}
		if budget -= d.readTimes(len(src)) * len(src); len(ms) == 0 || tries >= maxMends || budget < 0 {
			d.placed()
			return nil
		}
		src = d.mend(ms)
	}
}

// maxOpen is how many brackets may be open, whatever they stand for: what yaml.v3 takes for a text grows with the square of it.
const maxOpen = 1000

// abyss finds the bracket that is one too many.
func abyss(text string) (line, col int, deep bool) {
	open := 0
	line = 1
	for _, r := range text {
		col++
		switch r {
		case '\n':
			line, col = line+1, 0
		case '{', '[':
			if open++; open > maxOpen {
				return line, col, true
			}
		case '}', ']':
			open = max(open-1, 0)
		}
	}
	return 0, 0, false
}

// echo tells whether a syntax error mostly comes of mending: it stands on a line that one was told of, or right below
// a quote or a bracket that was closed by guessing.
func (d *DAG) echo(before int) bool {
	for _, diag := range d.diags[before:] {
		for _, first := range d.diags[:before] {
			if first.Line == diag.Line && (first.Code != diag.Code || diag.Column <= first.Column) {
				return true
			}
		}
		for _, m := range d.mended.mends {
			if m.guess && strings.ContainsAny(m.with, "]}\"'") && diag.Line >= m.line && diag.Line <= m.line+2 {
				return true
			}
		}
	}
	return false
}

// oneDocument decodes a file. What is no syntax error and leaves no tree is reported here: nothing, and nil is
// returned without an error.
func (d *DAG) oneDocument(src []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(ended(src)))
	doc, err := next(dec)
	switch {
	case errors.Is(err, io.EOF) || err == nil && nothing(doc):
		if len(d.mended.mends) > 0 { // nothing is left of it
			return nil, nil
		}
		d.report(yEmpty, Span{1, 1, 1, 2}, "the file is empty").help("a DAG has at least `tasks:` with one task")
		return nil, nil
	case err != nil:
		return nil, err
	}
	second, err := next(dec)
	switch {
	case err == nil && len(d.mended.mends) > 0:
		return nil, nil
	case err == nil:
		d.report(yDocuments, Span{second.Line, 1, second.Line, 4}, "a file holds one DAG; a second document begins here").
			help("put each DAG into a file of its own")
		return nil, nil
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return doc, nil
}

// ended ends a last line of spaces alone: yaml.v3 would take its break for lost, and with it a line of
// the block scalar that it is of.
func ended(src []byte) []byte {
	if last := src[bytes.LastIndexByte(src, '\n')+1:]; len(last) == 0 || len(bytes.Trim(last, " ")) > 0 {
		return src
	}
	return append(bytes.Clone(src), '\n')
}

func nothing(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == "" && doc.Content[0].Style == 0
}

// next decodes a document. yaml.v3 panics on some inputs; that is an error like others.
func next(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = new(yaml.Node)
	return doc, dec.Decode(doc)
}

var yamlLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`) })

// A trouble is a YAML error as far as it can be placed.
type trouble struct {
	msg       string
	from      int // line that yaml.v3 names: where what it was reading begins, or one before that
	line, col int // where it could not go on
}

// syntaxError says what a YAML error means, and how reading may go on. yaml.v3 knows a line, mostly that of what it was
// reading and not of the mistake, and speaks of tokens; so the place is found by the suspects below.
func (d *DAG) syntaxError(src []byte, err error) []mend {
	t := trouble{from: 1, msg: err.Error()}
	if m := yamlLine().FindStringSubmatch(strings.SplitN(t.msg, "\n", 2)[0]); m != nil {
		t.msg = m[2]
		if n, e := strconv.Atoi(m[1]); e == nil {
			t.from = n
		}
	}
	t.from = min(max(t.from, 1), d.src.count())
	t.line, t.col = d.stopped(src, err, t.from)
	if strings.Contains(t.msg, "',' or") { // yaml.v3 says the same of a text that ends between brackets
		t.line, t.col = d.src.count(), 1
	}
	for _, look := range suspects {
		if ms, found := look(d, t); found {
			return ms
		}
	}
	at := d.wholeLine(t.line)
	if strings.Contains(t.msg, "',' or") {
		at = d.wholeLine(min(t.from+1, d.src.count()))
	}
	if t.col > at.Col && t.col < at.EndCol {
		at.Col = t.col
	}
	d.report(ySyntax, at, "this is not YAML: %s", yamlWords(t.msg))
	return nil
}

// maxSought is the largest file in which the place of an error is sought, for it is read many times over.
const maxSought = 64 << 10

// readTimes is how often a file of some size is read for one syntax error.
func (d *DAG) readTimes(size int) int {
	if size > maxSought {
		return 1
	}
	return bits.Len(uint(d.src.count())) + 8 // the columns of a line are some 100
}

// stopped finds where yaml.v3 could not go on. A parser that reads from left to right says the same of every text that
// begins like this one up to there, and of no shorter one: so it is sought by halving, first the line, then
// the column behind which the error is there.
func (d *DAG) stopped(src []byte, err error, from int) (line, col int) {
	if len(src) > maxSought {
		return from, 1
	}
	same := func(text string) bool {
		dec := yaml.NewDecoder(strings.NewReader(text))
		for {
			_, e := next(dec)
			if e != nil {
				return e.Error() == err.Error()
			}
		}
	}
	line = 1 + sort.Search(d.src.count()-1, func(i int) bool { return same(d.src.upTo(i + 1)) })
	head, last := d.src.upTo(line-1), d.src.line(line)
	col = sort.Search(len(last), func(i int) bool { return same(head + string(last[:i])) })
	return line, max(col, 1)
}

// wholeLine is the span of what is written on a line.
func (d *DAG) wholeLine(line int) Span {
	for line > 1 && len(strings.TrimSpace(d.src.lineText(line))) == 0 {
		line--
	}
	l := d.src.line(line)
	col := 1
	for col <= len(l) && blank(l[col-1]) {
		col++
	}
	return d.src.restOfLine(line, col)
}

// yamlWords puts yaml.v3's complaints into words; those that nobody meets are passed on.
func yamlWords(msg string) string {
	for _, w := range []struct{ has, say string }{
		{"did not find expected key", "a key is expected here; look at the indentation and at quotes above"},
		{"did not find expected '-' indicator", "an item of the list above is expected here"},
		{"did not find expected ',' or ']'", "a list in brackets is not closed, or lacks a comma"},
		{"did not find expected ',' or '}'", "a map in braces is not closed, or lacks a comma"},
		{"could not find expected ':'", "a `:` is missing after a key"},
		{"did not find expected node content", "a value is expected here"},
		{"cannot start any token", "this character cannot stand here"},
		{"comment or line break", "nothing can stand here any more on this line"},
		{"whitespace or line break", "a tag ends with a space; values here have no tags"},
		{"indentation indicator equal to 0", "the digit of a block's indentation is 1 to 9"},
		{"exceeded max depth", "it is nested too deep"},
		{"block sequence entries are not allowed", "a list cannot begin here; put it on a line of its own"},
		{"document contains excessive aliasing", "its aliases repeat too much"},
		{"mapping values are not allowed", "a key cannot stand here"},
		{"did not find expected <document start>", "nothing is expected here any more; look at the indentation"},
		{"found unexpected document indicator", "a line that begins with --- or ... ends the document inside a quoted text"},
		{"found unexpected end of stream", "the file ends inside a quoted text"},
		{"found undefined tag handle", "this is a YAML tag; values here have none"},
		{"directive", "a line that begins with % is a directive, and this is none"},
		{"hexdecimal", "an escape needs hexadecimal digits: \\x41, \\u00e9"},
	} {
		if strings.Contains(msg, w.has) {
			return w.say
		}
	}
	return msg
}
