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
	{"L", "Comments that silence"},
}

// A codePage is what `weft explain CODE --json` gives.
type codePage struct {
	Code     string   `json:"code"`
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Wrong    []sample `json:"wrong"`
	Right    []sample `json:"right"`
	Prints   string   `json:"prints"`
}

type sample struct{ File, Text string }

// TestDocsErrors holds the page of every code that stands in the source against the validator: what is
// wrong gives that code and no other, what is right gives nothing, and `weft explain` shows what
// validate says. docs/errors.md and docs/errors/ are made of the pages.
func TestDocsErrors(t *testing.T) {
	var pages []codePage
	for _, code := range codes(t) {
		w := newWorld(t)
		res := w.run("explain", code, "--json")
		var p codePage
		if err := json.Unmarshal([]byte(res.out), &p); err != nil {
			t.Errorf("spec/codes/%s.md: %v\n%s", code, err, res.stderr)
			continue
		}
		pages = append(pages, p)
		w.holds(p)
		page(t, filepath.Join("errors", code+".md"), errorPage(p))
	}
	page(t, "errors.md", errorsIndex(pages))
	files, _ := filepath.Glob("../docs/errors/*.md")
	sources, _ := filepath.Glob("../spec/codes/*.md")
	if len(files) != len(pages) || len(sources) != len(pages) {
		t.Errorf("%d codes, %d pages in docs/errors, %d in spec/codes: some are of no code", len(pages), len(files), len(sources))
	}
}

// validate is how a code's page is validated: what shellcheck says, by the real program.
func validate(code string) []string {
	args := []string{"validate", "dags"}
	if code == "X609" {
		args = append(args, "--shellcheck")
	}
	return args
}

// holds validates a page's files by the real binary.
func (w *world) holds(p codePage) {
	w.t.Helper()
	for _, f := range p.Wrong {
		w.write(f.File, f.Text)
	}
	said := w.run(validate(p.Code)...)
	for _, m := range regexp.MustCompile(`(?m)^(\w+)\[(\w+)\]: `).FindAllStringSubmatch(said.out, -1) {
		if m[2] != p.Code || !strings.Contains(p.Severity, m[1]) {
			w.t.Errorf("%s (%s): what is wrong gives %s %s too", p.Code, p.Severity, m[1], m[2])
		}
	}
	if !strings.HasPrefix(said.out, p.Prints+"\n") || !strings.Contains(p.Prints, "["+p.Code+"]: ") {
		w.t.Errorf("%s: explain shows\n%s\nand validate prints\n%s", p.Code, p.Prints, said.out)
	}
	for _, f := range p.Wrong {
		if err := os.Remove(filepath.Join(w.dir, f.File)); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, f := range p.Right {
		w.write(f.File, f.Text)
	}
	if said := w.run(validate(p.Code)...); said.code != 0 || !strings.Contains(said.out, "checked, no problems") {
		w.t.Errorf("%s: of what is right validate says\n%s", p.Code, said.out)
	}
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

func errorsIndex(pages []codePage) string {
	var b strings.Builder
	b.WriteString("# Diagnostics\n\n" + generated + errorsHead)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| code | | what is wrong |\n|---|---|---|\n", f.title)
		for _, p := range pages {
			if strings.HasPrefix(p.Code, f.letter) {
				fmt.Fprintf(&b, "| [%s](errors/%s.md) | %s | %s |\n", p.Code, p.Code, p.Severity, cell(p.Title))
			}
		}
	}
	return b.String()
}

const errorsHead = `
What ` + "`weft validate`" + ` says, by code; ` + "`weft explain CODE`" + ` prints a code's page. An error keeps the DAG from running. A warning
is probably a mistake, and fails under ` + "`--strict`" + `. Codes are never renumbered or used again.

**Fixes.** What stands behind ` + "`fix:`" + ` is done by ` + "`weft validate --fix`" + `, and shown by ` + "`--diff`" + `: it cannot change what already works.
What stands behind ` + "`help:`" + ` is for you to decide.

**Silence.** A comment with its reason silences a warning: at the end of its line, or alone above it. For a finding inside a script it
may stand in the script, or where the script begins. ` + "`ignore-file`" + ` silences the whole file.

` + "```yaml task" + `
  arrived:
    uses: file.head
    with: {path: /data/orders.csv}
    sensor: {until: output.exists} # weft: ignore[R501] the export is late in December
` + "```" + `

An ignore that silences nothing is reported, so none outlives its reason. For all files, ` + "`weft.yaml`" + ` says how bad a warning is:

` + "```yaml weft.yaml" + `
diagnostics: {R503: off, R501: error}
` + "```" + `

Errors can be neither silenced nor set: a DAG that cannot run does not run because nobody speaks of it.
`

func errorPage(p codePage) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s\n%s · [all codes](../errors.md)\n\n%s\n", p.Code, p.Title, generated, p.Severity, p.Why)
	b.WriteString("\n## Wrong\n")
	fenced(&b, p.Wrong)
	fmt.Fprintf(&b, "\n```text\n%s```\n\n## Right\n", p.Prints)
	fenced(&b, p.Right)
	return b.String()
}

// fenced shows files; control characters by their pictures.
func fenced(b *strings.Builder, files []sample) {
	for _, f := range files {
		text := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' {
				return r + 0x2400
			}
			return r
		}, f.Text)
		if len(files) > 1 {
			fmt.Fprintf(b, "\n`%s`\n", f.File)
		}
		fmt.Fprintf(b, "\n```yaml\n%s```\n", text)
	}
}
