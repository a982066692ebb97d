package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// maxFile and maxNodes bound what a file may cost; aliases count each time they are used.
const (
	maxFile  = 1 << 20
	maxNodes = 100_000
	maxDepth = 100
)

// file reads weft.yaml. Only a file that was asked for by name must be there.
func (l *loader) file() error {
	name := l.src.File
	if v, ok := l.env("WEFT_CONFIG"); ok && name == "" {
		name = v
	}
	asked := name != ""
	if !asked {
		name = FileName
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.src.Dir, name)
	}
	src, err := readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !asked:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot read configuration %s: there is no such file", name)
	case err != nil:
		return fmt.Errorf("cannot read configuration %s: %w", name, err)
	}
	l.conf.File = filepath.Clean(name)
	t := tree{file: l.shown(name), base: filepath.Dir(name), nodes: maxNodes, loader: l}
	before := len(l.problems)
	t.read(src)
	slices.SortStableFunc(l.problems[before:], func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil
}

// shown is a path as messages show it: relative where the file lies below the working directory.
func (l *loader) shown(name string) string {
	if rel, err := filepath.Rel(l.src.Dir, name); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return name
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	return readAll(f)
}

func readAll(f io.Reader) ([]byte, error) {
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(src) > maxFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return bytes.TrimPrefix(src, []byte("\ufeff")), nil
}

// plain drops the system call's name and the path from an error: the caller's sentence has both.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// tree walks one file's nodes.
type tree struct {
	file   string
	base   string // folder that relative paths are below
	nodes  int    // that may still be visited
	loader *loader
}

func (t *tree) read(src []byte) {
	root, err := parse(src)
	if err != nil {
		p := Problem{From: t.file}
		if say := t.loader.src.Syntax; say != nil {
			p.Line, p.Column, p.Text = say(src)
		}
		if p.Text == "" {
			p.Line, p.Text = syntax(err)
		}
		t.loader.problems = append(t.loader.problems, p)
		return
	}
	if root == nil || root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return // an empty file says nothing
	}
	if root.Kind != yaml.MappingNode {
		t.problem(root, "write settings as `key: value`")
		return
	}
	keys := make([]string, len(Settings))
	for i, s := range Settings {
		keys[i] = s.Key
	}
	t.each(root, func(key, value *yaml.Node) {
		if strings.HasPrefix(key.Value, "x-") {
			return // means nothing, so that anchors have a place to live
		}
		i := slices.Index(keys, key.Value)
		if i < 0 {
			t.problem(key, fmt.Sprintf("there is no setting %q%s", key.Value, oneOf(key.Value, keys)))
			return
		}
		t.setting(Settings[i], value)
	})
}

func (t *tree) setting(s Setting, value *yaml.Node) {
	switch s.shape {
	case slots:
		if !t.is(value, yaml.MappingNode, s.Key+": write a map of pools to slots, such as {default: 16}") {
			return
		}
		t.each(value, func(name, n *yaml.Node) {
			if t.is(n, yaml.ScalarNode, "pool "+name.Value+": write a number of slots") {
				t.take(n, func(c *Config, v text) error { return setPool(c, name.Value, v.value) })
			}
		})
	case values:
		if !t.is(value, yaml.MappingNode, s.Key+": write a map of names to values") {
			return
		}
		t.each(value, func(name, v *yaml.Node) {
			if val, ok := t.value(v, 0); ok {
				t.loader.conf.Vars[name.Value] = val
			}
		})
	case reach:
		t.reach(s, value)
	case identity:
		t.aws(s, value)
	case doubles:
		t.sandbox(s, value)
	case levels:
		t.severities(s, value)
	case sources:
		if !t.is(value, yaml.MappingNode, s.Key+": write a map of secrets to where they lie, such as {TOKEN: file:/run/secrets/token}") {
			return
		}
		t.each(value, func(name, n *yaml.Node) {
			if t.is(n, yaml.ScalarNode, "secret "+name.Value+": write where it lies: "+sourceForms) {
				t.take(n, func(c *Config, v text) error { return setSecret(c, name.Value, v) })
			}
		})
	default:
		if t.is(value, yaml.ScalarNode, s.Key+": write one value") {
			t.take(value, func(c *Config, v text) error {
				if err := s.set(c, v); err != nil {
					return fmt.Errorf("%s: %w", s.Key, err)
				}
				return nil
			})
		}
	}
}

// take sets a scalar from the characters that stand in the file: `010` is no octal number here.
func (t *tree) take(n *yaml.Node, set func(*Config, text) error) {
	t.loader.take(Setting{set: set}, text{value: n.Value, base: t.base, from: t.file, line: n.Line, column: n.Column})
}

// is tells whether a node, seen through an alias, is of the kind; else it is a problem.
func (t *tree) is(n *yaml.Node, kind yaml.Kind, want string) bool {
	if n.Kind == yaml.AliasNode {
		*n = *n.Alias
	}
	if n.Kind != kind {
		t.problem(n, want)
		return false
	}
	return t.plainTag(n)
}

// each walks a mapping, past keys that are no words or stand there twice.
func (t *tree) each(m *yaml.Node, visit func(key, value *yaml.Node)) {
	seen := make(map[string]int, len(m.Content)/2)
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := m.Content[i]
		if key.Kind != yaml.ScalarNode {
			t.problem(key, "a key is one word")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			t.problem(key, fmt.Sprintf("%q stands here twice (first in line %d)", key.Value, line))
			continue
		}
		seen[key.Value] = key.Line
		visit(key, m.Content[i+1])
	}
}

// number is JSON's.
var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`) })

// value makes a JSON value of a node: plain null, true, false and JSON's numbers are those,
// everything else and everything quoted is text.
func (t *tree) value(n *yaml.Node, depth int) (any, bool) {
	if t.nodes--; t.nodes < 0 || depth > maxDepth {
		if t.nodes == -1 || depth > maxDepth {
			t.problem(n, "this is too large or too deep for a setting")
		}
		return nil, false
	}
	switch n.Kind {
	case yaml.AliasNode:
		return t.value(n.Alias, depth+1)
	case yaml.MappingNode:
		m, ok := make(map[string]any, len(n.Content)/2), t.plainTag(n)
		t.each(n, func(key, value *yaml.Node) {
			v, fine := t.value(value, depth+1)
			m[key.Value], ok = v, ok && fine
		})
		return m, ok
	case yaml.SequenceNode:
		list, ok := make([]any, len(n.Content)), t.plainTag(n)
		for i, el := range n.Content {
			v, fine := t.value(el, depth+1)
			list[i], ok = v, ok && fine
		}
		return list, ok
	}
	return scalarValue(n), t.plainTag(n)
}

func scalarValue(n *yaml.Node) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Value
	}
	switch n.Value {
	case "null", "":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	if number().MatchString(n.Value) {
		if i, err := strconv.Atoi(n.Value); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	return n.Value
}

// plainTag refuses tags: what they ask for would be dropped.
func (t *tree) plainTag(n *yaml.Node) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	t.problem(n, fmt.Sprintf("the tag %s means nothing here; leave it out", n.Tag))
	return false
}

func (t *tree) problem(n *yaml.Node, what string) {
	t.loader.problems = append(t.loader.problems, Problem{From: t.file, Line: n.Line, Column: n.Column, Text: what})
}

// parse reads the one document of a file; nil if there is none. The parser's panics, seen on
// hostile input, are errors.
func parse(src []byte) (root *yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, errors.New("yaml: it cannot be read as YAML")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("yaml: line %d: a second document begins here; write one", more.Line)
	}
	return doc.Content[0], nil
}

var atLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^line ([0-9]+): `) })

// syntax takes the parser's message apart.
func syntax(err error) (line int, what string) {
	what = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := atLine().FindStringSubmatch(what); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = what[len(m[0]):]
	}
	return line, what
}
