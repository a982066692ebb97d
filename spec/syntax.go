package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// parseYAML reads the one document of a file; nil after a syntax error, which is then reported. What
// follows the document is read too: an error there is one of the file.
func (d *DAG) parseYAML(src []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(ended(src)))
	doc, err := next(dec)
	switch {
	case errors.Is(err, io.EOF) || err == nil && nothing(doc):
		d.report(yEmpty, Span{1, 1, 1, 2}, "the file is empty").help("a DAG has at least `tasks:` with one task")
		return nil
	case err != nil:
		d.syntaxError(err)
		return nil
	}
	second, err := next(dec)
	switch {
	case err == nil:
		d.report(yDocuments, Span{second.Line, 1, second.Line, 4}, "a file holds one DAG; a second document begins here").
			help("put each DAG into a file of its own")
		return nil
	case !errors.Is(err, io.EOF):
		d.syntaxError(err)
		return nil
	}
	return doc
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

// syntaxError says what a YAML error means. yaml.v3 knows a line, sometimes the wrong one, and
// speaks of tokens; so the lines near it are looked at for the mistakes people make.
func (d *DAG) syntaxError(err error) {
	line, msg := 1, err.Error()
	if m := yamlLine().FindStringSubmatch(strings.SplitN(msg, "\n", 2)[0]); m != nil {
		msg = m[2]
		if n, e := strconv.Atoi(m[1]); e == nil {
			line = n
		}
	}
	line = min(max(line, 1), len(d.src.lines))
	for _, look := range suspects {
		if look(d, line, msg) {
			return
		}
	}
	for line > 1 && len(strings.TrimSpace(string(d.src.line(line)))) == 0 {
		line--
	}
	d.report(ySyntax, d.wholeLine(line), "this is not YAML: %s", yamlWords(msg))
}

// wholeLine is the span of what is written on a line.
func (d *DAG) wholeLine(line int) Span {
	l := d.src.line(line)
	col := 1
	for col <= len(l) && blank(l[col-1]) {
		col++
	}
	return d.src.restOfLine(line, col)
}

// yamlWords puts yaml.v3's commonest complaints into words; the others are passed on.
func yamlWords(msg string) string {
	for _, w := range []struct{ has, say string }{
		{"did not find expected key", "a key is expected here; look at the indentation and at quotes above"},
		{"did not find expected '-' indicator", "an item of the list above is expected here"},
		{"did not find expected ',' or ']'", "a list in brackets is not closed, or lacks a comma"},
		{"did not find expected ',' or '}'", "a map in braces is not closed, or lacks a comma"},
		{"could not find expected ':'", "a `:` is missing after a key"},
		{"did not find expected node content", "a value is expected here"},
		{"exceeded max depth", "it is nested too deep"},
		{"block sequence entries are not allowed", "a list cannot begin here; put it on a line of its own"},
		{"document contains excessive aliasing", "its aliases repeat too much"},
	} {
		if strings.Contains(msg, w.has) {
			return w.say
		}
	}
	return msg
}
