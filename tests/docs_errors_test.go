package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// families are the sections of docs/errors.md, by the letter of the code.
var families = []struct{ letter, title string }{
	{"Y", "YAML"},
	{"S", "Structure and inputs"},
	{"N", "Names"},
	{"G", "The graph"},
	{"E", "Expressions"},
	{"T", "Time"},
	{"R", "Reliability"},
	{"X", "Scripts and secrets"},
}

// where is the rest of the file that a mistake stands in; its %s is the mistake.
var where = map[string]string{
	"file":  "%s",
	"dag":   "%s\ntasks: {a: {run: echo}}\n",
	"tasks": "tasks:\n%s\n",
	"task":  frame + "  b:\n    run: echo\n    %s\n",
	"work":  frame + "  b:\n    %s\n",
}

const frame = `params:
  n: {type: integer, default: 1}
  s: {type: string, default: x}
  ok: {type: boolean, default: true}
  list: {type: array, default: []}
tasks:
  a: {run: echo}
  c: {run: echo}
`

// TestDocsErrors holds docs/errors.md against the validator: every code there is has its line, what
// stands under wrong is found, what stands under right is not.
func TestDocsErrors(t *testing.T) {
	wrong, right := newWorld(t), newWorld(t)
	for _, m := range mistakes {
		wrong.write("dags/"+m.code+".yaml", m.file(m.wrong))
		if m.right != "" {
			right.write("dags/"+m.code+".yaml", m.file(m.right))
		}
		if m.code == "G210" { // it takes two
			wrong.write("dags/second.yaml", m.file(m.wrong))
		}
	}
	found, clean := wrong.diagnostics(), right.diagnostics()
	listed := map[string]bool{}
	for _, m := range mistakes {
		listed[m.code] = true
		if found[m.code][m.code] == "" {
			t.Errorf("%s is not found in\n%s\nbut %v", m.code, m.file(m.wrong), found[m.code])
		}
		for code, severity := range clean[m.code] {
			if code == m.code || severity == "error" {
				t.Errorf("%s: what is right is not: %s %s in\n%s", m.code, severity, code, m.file(m.right))
			}
		}
	}
	for _, code := range codes(t) {
		if !listed[code] {
			t.Errorf("%s has no line in mistakes", code)
		}
		delete(listed, code)
	}
	if len(listed) > 0 {
		t.Errorf("no code of the validator: %v", slices.Sorted(maps.Keys(listed)))
	}
	if !t.Failed() {
		page(t, "errors.md", errorsPage(found))
	}
}

// A mistake is one code, what it is about, and a fragment of a file with it and without.
type mistake struct {
	code, what   string
	in           string // key of where
	wrong, right string
	hide         bool // the fragments are too long to show
}

func (m mistake) file(fragment string) string {
	rest := where[m.in]
	if m.in == "task" || m.in == "work" {
		fragment = strings.ReplaceAll(fragment, "\n", "\n    ")
	}
	return strings.Replace(rest, "%s", fragment, 1)
}

// diagnostics validates the world's DAGs: by file's stem and code the severity.
func (w *world) diagnostics() map[string]map[string]string {
	w.t.Helper()
	res := w.run("validate", "--format", "json", "dags")
	var answer struct {
		Diagnostics []struct{ Code, Severity, File string }
	}
	if err := json.Unmarshal([]byte(res.out), &answer); err != nil {
		w.t.Fatalf("weft validate --format json: %v\n%s%s", err, res.out, res.stderr)
	}
	found := map[string]map[string]string{}
	for _, d := range answer.Diagnostics {
		stem := strings.TrimSuffix(filepath.Base(d.File), ".yaml")
		if found[stem] == nil {
			found[stem] = map[string]string{}
		}
		found[stem][d.Code] = d.Severity
	}
	return found
}

// codes are those that stand in the code of whoever reports.
func codes(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, dir := range []string{"spec", "expr", "cli"} {
		files, _ := filepath.Glob("../" + dir + "/*.go")
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`"([YSNGETRXL][0-9]{3})"`).FindAllSubmatch(src, -1) {
				seen[string(m[1])] = true
			}
		}
	}
	if len(seen) < 50 {
		t.Fatalf("only %d codes found in the source", len(seen))
	}
	return slices.Sorted(maps.Keys(seen))
}

func errorsPage(found map[string]map[string]string) string {
	var b strings.Builder
	b.WriteString("# Diagnostics\n\n" + generated + `
What ` + "`weft validate`" + ` says, by code. An error keeps the DAG from running; a warning is probably a mistake, and fails under
` + "`--strict`" + `. Codes are never renumbered. ⇥ is a tab.
`)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| code | | what is wrong | wrong | right |\n|---|---|---|---|---|\n", f.title)
		for _, m := range mistakes {
			if !strings.HasPrefix(m.code, f.letter) {
				continue
			}
			wrong, right := "", ""
			if !m.hide {
				wrong, right = snippet(m.wrong), snippet(m.right)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.code, found[m.code][m.code], m.what, wrong, right)
		}
	}
	return b.String()
}

// snippet writes lines of YAML into a table's cell.
func snippet(text string) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(text, "\t", "⇥"), "\n")
	for i, line := range lines {
		code := strings.TrimLeft(line, " ")
		quote := "`"
		if strings.Contains(code, quote) {
			quote = "``"
		}
		lines[i] = strings.Repeat("&nbsp;", len(line)-len(code)) + quote + cell(code) + quote
	}
	return strings.Join(lines, "<br>")
}
