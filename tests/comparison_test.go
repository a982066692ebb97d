package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weft/tests/editor"
)

// actionlint is what the table compares with, at this version.
const actionlint = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"

// others is what the other tools said when the table was last made: by pair, a line a finding.
type others struct {
	Versions map[string]string   `json:"versions"`
	Workflow map[string][]string `json:"actionlint"`
	Editor   map[string][]string `json:"yaml-language-server"`
}

const othersFile = "testdata/mistakes/others.json"

// TestDocsComparison keeps docs/comparison.md what weft says of each mistake; with -update it asks the
// other tools again, and under WEFT_SOAK it holds the page to them.
func TestDocsComparison(t *testing.T) {
	folders, err := filepath.Glob("testdata/mistakes/*/dag.yaml")
	if err != nil || len(folders) != len(pairs) {
		t.Fatalf("%d folders of mistakes, %d pairs (%v)", len(folders), len(pairs), err)
	}
	was := readOthers(t)
	if *updateDocs || soak() {
		now := others{
			Versions: map[string]string{"actionlint": version(actionlint), "shellcheck": shellcheckVersion(t), "yaml-language-server": editor.Version()},
			Workflow: askActionlint(t), Editor: askEditor(t),
		}
		body, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if *updateDocs {
			if err := os.WriteFile(othersFile, append(body, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
			was = now
		}
		for _, p := range pairs {
			if !slices.Equal(was.Workflow[p.name], now.Workflow[p.name]) || !slices.Equal(was.Editor[p.name], now.Editor[p.name]) {
				t.Errorf("%s: the other tools say\n%q\n%q\nand not\n%q\n%q", p.name, now.Workflow[p.name], now.Editor[p.name], was.Workflow[p.name], was.Editor[p.name])
			}
		}
	}
	found := askWeft(t)
	for _, p := range pairs {
		hits := 0
		for _, d := range found[p.name] {
			if d.Code == p.code {
				hits++
			}
		}
		if want := len(p.code) > 1; hits > 0 != want || !want && len(found[p.name]) > 0 {
			t.Errorf("%s: weft should say %q and says %v", p.name, p.code, found[p.name])
		}
	}
	page(t, "comparison.md", comparisonPage(found, was))
}

func readOthers(t *testing.T) others {
	t.Helper()
	var o others
	body, err := os.ReadFile(othersFile)
	if errors.Is(err, os.ErrNotExist) && *updateDocs {
		return o
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// A said is one diagnostic of weft's JSON.
type said struct {
	Code, Severity, File, Message, Label string
	Line, Column                         int
	Notes                                []struct{ Kind, Text string }
}

// askWeft validates each pair's folder, as a project of its own.
func askWeft(t *testing.T) map[string][]said {
	t.Helper()
	out := map[string][]said{}
	for _, p := range pairs {
		w := newWorld(t)
		w.copy(filepath.Join("testdata/mistakes", p.name))
		_ = os.Remove(filepath.Join(w.dir, "workflow.yaml"))
		res := w.run("validate", "--format", "json", ".")
		var answer struct{ Diagnostics []said }
		if err := json.Unmarshal([]byte(res.out), &answer); err != nil {
			t.Fatalf("%s: %v\n%s%s", p.name, err, res.out, res.stderr)
		}
		out[p.name] = answer.Diagnostics
	}
	return out
}

// copy puts the files of a folder into the world.
func (w *world) copy(dir string) {
	w.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(e.Name(), string(body))
	}
}

// askEditor shows each DAG to a language server with weft's schema.
func askEditor(t *testing.T) map[string][]string {
	t.Helper()
	var docs []document
	for _, p := range pairs {
		body, err := os.ReadFile(filepath.Join("testdata/mistakes", p.name, "dag.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, document{p.name, string(body)})
	}
	out := map[string][]string{}
	for i, lines := range inEditor(t, docs) {
		for _, line := range lines {
			place, text, _ := strings.Cut(line, " ")
			begin, _, _ := strings.Cut(place, "-")
			out[pairs[i].name] = append(out[pairs[i].name], begin+" "+text)
		}
	}
	return out
}

var actionlintLine = regexp.MustCompile(`^[^:]+:(\d+:\d+): (.*)$`)

// askActionlint lints each workflow in a repository of its own; shellcheck is there for it.
func askActionlint(t *testing.T) map[string][]string {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "install", actionlint)
	build.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build actionlint: %v\n%s", err, out)
	}
	out := map[string][]string{}
	for _, p := range pairs {
		body, err := os.ReadFile(filepath.Join("testdata/mistakes", p.name, "workflow.yaml"))
		if errors.Is(err, os.ErrNotExist) && p.none != "" {
			continue
		}
		if err != nil || p.none != "" {
			t.Fatalf("%s: a workflow, or a reason why there is none: %v", p.name, err)
		}
		w := newWorld(t)
		w.write(".git/HEAD", "ref: refs/heads/main\n")
		w.write(".github/workflows/workflow.yaml", string(body))
		cmd := exec.Command(filepath.Join(bin, "actionlint"), "-no-color", "-oneline", "-pyflakes=")
		cmd.Dir = w.dir
		told, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(told)) {
			m := actionlintLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
			if m == nil {
				t.Fatalf("%s: actionlint says %q", p.name, line)
			}
			out[p.name] = append(out[p.name], m[1]+" "+m[2])
		}
	}
	return out
}

func version(module string) string {
	_, v, _ := strings.Cut(module, "@")
	return v
}

func shellcheckVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("shellcheck", "--version").Output()
	m := regexp.MustCompile(`version: (\S+)`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("shellcheck is not here, which actionlint asks: %v", err)
	}
	return string(bytes.TrimSpace(m[1]))
}

func comparisonPage(found map[string][]said, o others) string {
	workflows, byWorkflow, byEditor, right := 0, 0, 0, 0
	for _, p := range pairs {
		if p.none == "" {
			workflows++
		}
		byWorkflow += min(1, len(o.Workflow[p.name]))
		byEditor += min(1, len(o.Editor[p.name]))
		right += min(1, len(found[p.name]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# The same mistakes, three tools

%s
What `+"`weft validate`"+` says of a mistake, and beside it what `+"`actionlint` %s (with shellcheck %s)"+` says of the same mistake in a
workflow of GitHub's, and what `+"`yaml-language-server` %s"+` underlines in the same DAG file, with weft's schema. Places are
LINE:COLUMN; under each mistake stands the line of the DAG file that weft points at. What is longer than %d characters is cut.

Of %d mistakes weft finds %d. %d can be made in a workflow, and actionlint says something of %d; the language server, which runs no
rules but the schema's, of %d.
`, generated, o.Versions["actionlint"], o.Versions["shellcheck"], o.Versions["yaml-language-server"], longest,
		len(pairs), right, workflows, byWorkflow, byEditor)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| mistake | weft | actionlint | yaml-language-server |\n|---|---|---|---|\n", f.title)
		for _, p := range pairs {
			if p.code[:1] != f.letter {
				continue
			}
			dir := "../tests/testdata/mistakes/" + p.name
			what := fmt.Sprintf("%s<br>%s<br>[file](%s/dag.yaml)", cell(p.what), lineOfMistake(p, found[p.name]), dir)
			theirs := lines(o.Workflow[p.name])
			switch {
			case p.none != "":
				theirs = "*has no such thing: " + p.none + "*"
			case theirs == "":
				theirs = "*nothing*"
			}
			if p.none == "" {
				what += fmt.Sprintf(", [workflow](%s/workflow.yaml)", dir)
			}
			inEditor := lines(o.Editor[p.name])
			if inEditor == "" {
				inEditor = "*nothing*"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", what, oursCell(p, found[p.name]), theirs, inEditor)
		}
	}
	return b.String()
}

// lineOfMistake is the line of the file that weft points at.
func lineOfMistake(p pair, list []said) string {
	body, err := os.ReadFile(filepath.Join("testdata/mistakes", p.name, "dag.yaml"))
	if err != nil || len(list) == 0 {
		return ""
	}
	line := strings.TrimLeft(lineOf(strings.Split(string(body), "\n"), list[0].Line-1), " ")
	quote := "`"
	if strings.Contains(line, quote) {
		quote = "``"
	}
	return quote + cell(strings.ReplaceAll(line, "\t", "⇥")) + quote
}

// longest is how much of another tool's message the table shows, in characters.
const longest = 240

// lines writes findings of another tool into a cell: the place as code, the text as it is.
func lines(list []string) string {
	var out []string
	for _, l := range list {
		at, text, _ := strings.Cut(l, " ")
		if r := []rune(text); len(r) > longest {
			text = string(r[:longest]) + "…"
		}
		out = append(out, "`"+at+"` "+escaped(text))
	}
	return strings.Join(out, "<br>")
}

// oursCell writes weft's findings into a cell: what, then the label at the place, then what to do.
func oursCell(p pair, list []said) string {
	if len(list) == 0 {
		return "*" + p.ours + "*"
	}
	var out []string
	for _, d := range list {
		text := fmt.Sprintf("`%d:%d` %s[%s]: %s", d.Line, d.Column, d.Severity, d.Code, escaped(d.Message))
		if d.File != "dag.yaml" {
			text = "`" + d.File + "` " + text
		}
		if d.Label != "" {
			text += "<br>^ " + escaped(d.Label)
		}
		for _, n := range d.Notes {
			text += "<br>" + n.Kind + ": " + escaped(n.Text)
		}
		out = append(out, text)
	}
	return strings.Join(out, "<br>")
}

// escaped keeps text from being read as Markdown.
func escaped(s string) string {
	return strings.NewReplacer("*", `\*`, "<", "&lt;", "|", `\|`, "\n", "<br>").Replace(s)
}
