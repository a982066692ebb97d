package tests

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// updateDocs has the generated pages of docs/ written anew instead of compared.
var updateDocs = flag.Bool("update", false, "write the generated pages of docs/ anew")

// generated closes the head of every page that these tests write.
const generated = "<!-- Generated: go test ./tests -run Docs -update -->\n"

// page compares a generated page with the one in docs/, or writes it.
func page(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join("..", "docs", name)
	if *updateDocs {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == want {
		return
	}
	is, should := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i := range max(len(is), len(should)) {
		a, b := lineOf(is, i), lineOf(should, i)
		if a != b {
			t.Fatalf("docs/%s is not current (go test ./tests -run Docs -update); line %d\n is %q\nnot %q", name, i+1, a, b)
		}
	}
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// An example is one fenced yaml block of a page. Its kind is what stands behind yaml: nothing, it is a
// whole DAG; `task`, the tasks of one; `weft.yaml`, settings; `test`, a test of a DAG, which the page's
// own test plays.
type example struct {
	page string
	line int
	kind string
	text string
}

var fence = regexp.MustCompile("(?m)^```ya?ml *([^\n]*)\n((?s:.*?))^```$")

// examples are the whole DAGs among the yaml blocks of docs/.
func examples(t *testing.T) []example {
	t.Helper()
	return slices.DeleteFunc(blocks(t), func(x example) bool { return x.kind != "" || x.page == "README.md" })
}

// blocks are the yaml blocks of docs/ and of the README.
func blocks(t *testing.T) []example {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	var list []example
	for _, p := range append(pages, "../README.md") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllSubmatchIndex(text, -1) {
			line := 1 + bytes.Count(text[:m[4]], []byte("\n"))
			list = append(list, example{filepath.Base(p), line, string(text[m[2]:m[3]]), string(text[m[4]:m[5]])})
		}
	}
	return list
}

// stands makes the files that an example names and that no page brings along.
func (w *world) stands(text string) {
	for _, m := range regexp.MustCompile(`\./([\w/]+\.sh)`).FindAllStringSubmatch(text, -1) {
		w.write(m[1], "true\n")
	}
}

// TestDocsExamplesValidate holds every yaml block of the pages against the strict validator: there is
// nothing to say about any, and none is passed over.
func TestDocsExamplesValidate(t *testing.T) {
	pages := map[string]int{}
	for _, x := range blocks(t) {
		pages[x.page]++
		w := newWorld(t)
		switch x.kind {
		case "", "test":
		case "task":
			x.text = "tasks:\n  " + strings.TrimRight(strings.ReplaceAll(x.text, "\n", "\n  "), " ")
		case "weft.yaml":
			w.write("weft.yaml", x.text)
			x.text = "tasks: {a: {run: echo}}"
		default:
			t.Errorf("%s:%d: nobody knows what `yaml %s` is", x.page, x.line, x.kind)
		}
		if x.kind == "test" {
			continue
		}
		w.stands(x.text)
		res := w.run("validate", "--strict", w.write("example.yaml", x.text))
		if res.code != 0 || res.out != "1 file checked, no problems\n" {
			t.Errorf("%s:%d: exit %d\n%s%s", x.page, x.line, res.code, res.out, res.stderr)
		}
	}
	if pages["airflow.md"] < 1 {
		t.Error("no example found in airflow.md: the fences are not read")
	}
	if pages["language.md"] < 8 || pages["README.md"] < 1 {
		t.Errorf("only %d examples found in language.md, %d in README.md: the fences are not read", pages["language.md"], pages["README.md"])
	}
}

// TestDocsExamplesRun takes the hand-written pages at their word: their examples run as they stand, without an account.
func TestDocsExamplesRun(t *testing.T) {
	for _, x := range examples(t) {
		if x.page != "language.md" && x.page != "airflow.md" {
			continue
		}
		t.Run(fmt.Sprintf("%s line %d", x.page, x.line), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if sum, res := w.runJSON(w.write("example.yaml", x.text), "--sandbox"); sum.State != "success" {
				t.Errorf("%s: %s\n%s", sum.State, sum.Reason, res.stderr)
			}
		})
	}
}

// TestDocsCLI keeps docs/cli.md what the commands say of themselves.
func TestDocsCLI(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	b.WriteString("# Commands\n\n" + generated)
	var walk func(path ...string)
	walk = func(path ...string) {
		name := strings.Join(append([]string{"weft"}, path...), " ")
		res := w.run(append(slices.Clone(path), "--help")...)
		if res.code != 0 || res.stderr != "" {
			t.Fatalf("%s --help: exit %d\n%s", name, res.code, res.stderr)
		}
		text, _, _ := strings.Cut(res.out, "\nEverywhere:\n")
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", name, strings.TrimSpace(text))
		if len(path) == 0 {
			b.WriteString("\n`--config`, `--home` and `--no-color` are flags of every command.\n" +
				"Exit codes: 0 success, 1 the run failed or the files have problems, 2 wrong usage, 3 it could not be done, 130 interrupted.\n")
		}
		for _, sub := range subcommands(name, res.out) {
			walk(append(slices.Clone(path), sub)...)
		}
	}
	walk()
	if n := strings.Count(b.String(), "\n## "); n < 10 {
		t.Errorf("only %d commands found: their help is not read", n)
	}
	page(t, "cli.md", b.String())
}

// subcommands reads the names of a command's commands from its help: the indented lines behind the
// usage, in the sections that are none of the others. One that has none does not say COMMAND.
func subcommands(path, help string) []string {
	_, usage, _ := strings.Cut(help, "\nUsage:\n")
	if !strings.Contains(usage, "  "+path+" COMMAND\n") {
		return nil
	}
	var names []string
	section := "Usage:"
	for line := range strings.Lines(usage) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "  "):
			if !slices.Contains([]string{"Usage:", "Examples:", "Flags:", "Everywhere:"}, section) {
				names = append(names, strings.Fields(line)[0])
			}
		case line != "":
			section = line
		}
	}
	return names
}

// TestDocsPlugins keeps docs/plugins.md what the plugins say of themselves.
func TestDocsPlugins(t *testing.T) {
	res := newWorld(t).run("plugins", "--json")
	var list []struct {
		Name, Title   string
		Sensor        bool
		Input, Output shape
	}
	if err := json.Unmarshal([]byte(res.out), &list); err != nil || len(list) == 0 {
		t.Fatalf("weft plugins --json: %v\n%s%s", err, res.out, res.stderr)
	}
	var b strings.Builder
	b.WriteString("# Plugins\n\n" + generated + "\nWhat `uses` may say. `run` is short for `shell`.\n")
	for _, p := range list {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", p.Name, p.Title)
		if p.Sensor {
			b.WriteString("A sensor by nature: it waits without the key `sensor`.\n")
		}
		b.WriteString("\n| input | type | default | |\n|---|---|---|---|\n")
		for _, m := range p.Input.Properties {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind(), p.Input.otherwise(m), cell(m.Description))
		}
		b.WriteString("\nOutput: " + p.Output.output() + "\n")
	}
	page(t, "plugins.md", b.String())
}
