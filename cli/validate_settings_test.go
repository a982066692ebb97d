package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/catalog"
	"weft/plugins"
	"weft/spec"
)

func TestSettingsAreCheckedAsSettingsAndNeverFixed(t *testing.T) {
	for _, c := range []struct {
		what, holds string
		args        []string
		code        int
		says        string
	}{
		{"right ones are said to be", "dags: flows\n", nil, exitOK, "weft.yaml holds settings, and they are in order"},
		{"a key that a DAG has nearly is not renamed", "dags: flows\n", []string{"--fix"}, exitOK, "in order"},
		{"a misspelt one has its place", "dags: flows\ngrase: 3s\n", []string{"--fix"}, exitCannot, `weft.yaml:2:1: there is no setting "grase"; did you mean "grace"?`},
		{"what is no YAML is said in a user's words", "dags: a: b\n", nil, exitCannot, "weft.yaml:1:8: `: ` inside a plain value reads as a key; quote the value"},
		{"an unclosed quote has its place", "dags: flows\nhome: \"x\n", nil, exitCannot, "weft.yaml:2:7: this quote is never closed"},
		{"a document stays one", "dags: flows\n", []string{"--format", "json"}, exitOK, `"diagnostics": []`},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Chdir(t.TempDir())
			file := filepath.Join("conf", "weft.yaml")
			must(t, os.Mkdir("conf", 0o755))
			must(t, os.WriteFile(file, []byte(c.holds), 0o640))
			var out bytes.Buffer
			code := Main(append([]string{"validate", file}, c.args...), strings.NewReader(""), &out, &out)
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit %d\n%s", code, out.String())
			}
			holds(t, file, c.holds)
		})
	}
	var out bytes.Buffer
	if code := Main([]string{"validate", "-", "--stdin-filename", "weft.yaml"}, strings.NewReader("dags: x\n"), &out, &out); code != exitUsage {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}

func TestAFixThatCannotBeRightTakesNoneOfTheOthersWithIt(t *testing.T) {
	e := &env{plugins: plugins.NewRegistry()}
	src := "tasks:\n  a: {rn: echo}\n  b: {rn: echo}\n"
	edit := func(line, from, to int, text string) spec.Diagnostic {
		return spec.Diagnostic{Line: line, Column: from, Edits: []spec.Edit{{Line: line, Column: from, EndLine: line, EndColumn: to, Text: text}}}
	}
	f := finding{target: target{path: "x.yaml"}, Finding: catalog.Finding{Source: []byte(src)}, read: true}
	f.Diagnostics = []spec.Diagnostic{edit(2, 7, 9, "run"), edit(2, 11, 15, "{"), edit(3, 7, 9, "run")}
	better, n := e.mend(f)
	if want := strings.ReplaceAll(src, "rn:", "run:"); string(better.Source) != want || n != 2 {
		t.Errorf("%d fixed:\n%s", n, better.Source)
	}
}
