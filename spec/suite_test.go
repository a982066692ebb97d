package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"weft/expr"
)

// A suiteCase is one document of the yaml-test-suite; what a later case of a file leaves out is the
// case's before it.
type suiteCase struct {
	name string
	YAML *string `yaml:"yaml"`
	JSON *string `yaml:"json"`
	Fail *bool   `yaml:"fail"`
	Skip bool    `yaml:"skip"`
}

// marks are how the suite shows what cannot be seen.
var marks = strings.NewReplacer("␣", " ", "————»", "\t", "———»", "\t", "——»", "\t", "—»", "\t", "»", "\t", "←", "\r", "⇔", "\ufeff", "↵", "", "∎\n", "")

func suite(t *testing.T) []suiteCase {
	t.Helper()
	files, _ := filepath.Glob("../../shared/data/yaml-test-suite/src/*.yaml")
	if len(files) == 0 {
		t.Skip("the yaml-test-suite is not beside the repository")
	}
	var all []suiteCase
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []suiteCase
		if err := yaml.Unmarshal(raw, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i := range cases {
			c := &cases[i]
			c.name = strings.TrimSuffix(filepath.Base(file), ".yaml") + "." + strconv.Itoa(i)
			if i > 0 {
				before := cases[i-1]
				if c.YAML == nil {
					c.YAML = before.YAML
				}
				if c.JSON == nil {
					c.JSON = before.JSON
				}
				if c.Fail == nil {
					c.Fail = before.Fail
				}
			}
			text := marks.Replace(*c.YAML)
			c.YAML = &text
			all = append(all, *c)
		}
	}
	if len(all) < 400 {
		t.Fatalf("only %d documents", len(all))
	}
	return all
}

// TestYAMLTestSuiteHasPlaces: no document of the suite, as a whole file or below a key, is more than
// an error with its place.
func TestYAMLTestSuiteHasPlaces(t *testing.T) {
	for _, c := range suite(t) {
		for _, src := range []string{*c.YAML, "x-a:\n  " + strings.ReplaceAll(*c.YAML, "\n", "\n  ") + "\ntasks: {a: {run: echo}}\n"} {
			_, found := Parse("suite.yaml", []byte(src), online())
			lines := strings.Count(src, "\n") + strings.Count(src, "\r") + 1
			for _, d := range found {
				if d.Line < 1 || d.Column < 1 || d.Message == "" || d.EndLine < d.Line || d.Line > lines {
					t.Errorf("%s: %+v", c.name, d)
				}
			}
		}
	}
}

// TestYAMLTestSuiteNamesTheLine: what is no YAML is refused where it is wrong. Each line of testdata/suite.lines is a
// case of the suite, the line and column that are pointed at, the code and the words; it was read by a person beside the case.
func TestYAMLTestSuiteNamesTheLine(t *testing.T) {
	var b strings.Builder
	for _, c := range suite(t) {
		if c.Fail == nil || !*c.Fail {
			continue
		}
		d := &DAG{file: c.name, src: newSource(nil), once: map[telling]bool{}}
		if _, read := d.document([]byte(*c.YAML)); read {
			continue
		}
		first := sorted(d.diags)[0]
		fmt.Fprintf(&b, "%s %d:%d %s %s\n", c.name, first.Line, first.Column, first.Code, first.Message)
	}
	const golden = "testdata/suite.lines"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("found\n%s\nwant\n%s", b.String(), want)
	}
}

// lenient are documents that YAML 1.2 forbids and yaml.v3 reads; each means what it looks like: tabs and
// less indentation inside quotes and brackets, a comment right behind a value, `-` in brackets.
var lenient = strings.Fields("2G84.2 2G84.3 9C9N.0 9JBA.0 CVW2.0 DK95.1 DK95.2 DK95.5 DK95.8 G5U8.0 HRE5.0 QB6E.0 S98Z.0 SU5Z.0 X4QW.0 Y79Y.2 Y79Y.3 YJV2.0")

// TestYAMLTestSuiteIsTheSameData: each document is refused, or read as the data that the suite says.
// It is read as a file is, by the same steps, without the question whether it is a DAG.
func TestYAMLTestSuiteIsTheSameData(t *testing.T) {
	counts := map[string]int{}
	for _, c := range suite(t) {
		if c.Skip {
			continue
		}
		d := &DAG{file: c.name, src: newSource(nil), once: map[telling]bool{}}
		got, read := d.document([]byte(*c.YAML))
		switch {
		case !read:
			counts["refused"]++
			if len(d.diags) == 0 {
				t.Errorf("%s: refused, and nothing is said", c.name)
			}
			if c.Fail == nil || !*c.Fail {
				counts["refused, though YAML"]++
				counts["refused, though YAML, by "+d.diags[0].Code]++
			}
		case c.Fail != nil && *c.Fail:
			counts["read, though no YAML"]++
			if !slices.Contains(lenient, c.name) {
				t.Errorf("%s is read, though it is no YAML:\n%s", c.name, *c.YAML)
			}
		case c.JSON == nil:
			counts["read, and the suite has no JSON"]++
		default:
			counts["the same data"]++
			if want := onlyDocument(t, c); !alike(got, want) {
				t.Errorf("%s:\n%s\nread as %s\n  want %s", c.name, *c.YAML, encode(got), *c.JSON)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%4d %s", counts[what], what)
	}
}

// document reads a file's one document as plain data.
func (d *DAG) document(src []byte) (any, bool) {
	if line, col, bad := badByte(src); bad {
		d.report(yEncoding, Span{line, col, line, col + 1}, "not allowed")
		return nil, false
	}
	d.src = newSource(src)
	doc := d.parseYAML(src)
	if doc == nil {
		return nil, false
	}
	root := d.plant(doc)
	if root == nil || len(d.diags) > 0 {
		return nil, false
	}
	v := d.value(root)
	return v, len(d.diags) == 0
}

func onlyDocument(t *testing.T, c suiteCase) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(*c.JSON))
	dec.UseNumber()
	var v, more any
	if err := dec.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%s: %v", c.name, err)
	}
	if dec.Decode(&more) == nil {
		t.Errorf("%s has several documents, and was read as one", c.name)
	}
	return v
}

// alike compares a value with the suite's, whose plain scalars have the types of YAML's core schema.
// The language's own rule (section 1) makes text of what JSON does not know: ~, True, 0o14, .inf.
func alike(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for k, w := range want {
			if v, has := g[k]; !has || !alike(v, w) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(g, want, alike)
	case nil:
		return got == nil || got == "~" || got == "Null" || got == "NULL"
	case bool:
		return got == any(want) || got == "True" || got == "TRUE" || got == "False" || got == "FALSE"
	case json.Number:
		w, err := expr.DecodeJSON([]byte(want))
		text, isText := got.(string)
		if !isText {
			return err == nil && reflect.DeepEqual(got, w) || sameNumber(got, w)
		}
		n, e := strconv.ParseInt(strings.TrimPrefix(text, "+"), 0, 64)
		return e == nil && sameNumber(int(n), w) // 0o14, 0xC, +12
	}
	return reflect.DeepEqual(got, want)
}

func sameNumber(a, b any) bool {
	number := func(v any) float64 {
		switch v := v.(type) {
		case int:
			return float64(v)
		case float64:
			return v
		}
		return math.NaN()
	}
	return number(a) == number(b)
}
