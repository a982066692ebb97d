package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weft/tests/editor"
)

// TestDocsSchema keeps docs/dag.schema.json, which the first line of each example names, what weft
// says.
func TestDocsSchema(t *testing.T) {
	res := newWorld(t).run("schema")
	if res.code != 0 || !json.Valid([]byte(res.out)) {
		t.Fatalf("weft schema: exit %d\n%s", res.code, res.stderr)
	}
	page(t, "dag.schema.json", res.out)
}

// A document is a DAG file and what it is called in a failure.
type document struct{ name, text string }

// rightDocuments are the files that are right: the examples, those in the pages, the first DAG of a
// new project, what a newcomer wrote, what stands under Right in docs/errors/, and the validator's own.
func rightDocuments(t *testing.T) []document {
	t.Helper()
	var list []document
	for _, pattern := range []string{"../dags/*.yaml", "../cli/hello.yaml", "../spec/testdata/right/*.yaml", "testdata/newcomer/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("nothing is %s: %v", pattern, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if oursAlone[filepath.Base(f)] || strings.HasSuffix(f, ".test.yaml") {
				continue
			}
			list = append(list, document{strings.TrimPrefix(f, "../"), string(text)})
		}
	}
	for _, x := range examples(t) {
		list = append(list, document{fmt.Sprintf("%s:%d", x.page, x.line), x.text})
	}
	pages, _ := filepath.Glob("../docs/errors/*.md")
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		_, right, _ := strings.Cut(string(text), "\n## Right\n")
		for i, m := range fence.FindAllStringSubmatch(right, -1) {
			if m[1] == "" {
				list = append(list, document{fmt.Sprintf("right of %s %d", filepath.Base(p), i), m[2]})
			}
		}
	}
	return list
}

// oursAlone are right files of the validator's tests that others cannot judge: weft does not have their plugins, or they hold
// characters that end a line in YAML 1.1, which others read, and none in 1.2.
var oursAlone = map[string]bool{"whole.yaml": true, "mapped.yaml": true, "ask.yaml": true, "linebreaks.yaml": true}

// TestOtherValidatorsAgreeOnWhatIsRight: two validators that are not ours find nothing in what is right.
func TestOtherValidatorsAgreeOnWhatIsRight(t *testing.T) {
	docs := rightDocuments(t)
	if len(docs) < 60 {
		t.Errorf("only %d files", len(docs))
	}
	for name, told := range judged(t, docs) {
		for _, d := range docs {
			for _, f := range told[d.name] {
				t.Errorf("%s: a false alarm in %s, at %s: %s", name, d.name, f.Path, f.Message)
			}
		}
	}
}

// judged is what each validator has against files, by its name and theirs.
func judged(t *testing.T, docs []document) map[string]map[string][]editor.Fault {
	t.Helper()
	var values []editor.Value
	for _, d := range docs {
		values = append(values, editor.Value{Name: d.name, Value: asEditor(t, d.text)})
	}
	schema := json.RawMessage(newWorld(t).run("schema").out)
	out := map[string]map[string][]editor.Fault{}
	for _, v := range editor.Validators(t) {
		if out[v.Name] = v.Judge(t, schema, values); len(out[v.Name]) != len(docs) {
			t.Errorf("%s judged %d of %d", v.Name, len(out[v.Name]), len(docs))
		}
	}
	return out
}

// TestTheEditorAgreesOnWhatIsRight: nor does a language server underline anything.
func TestTheEditorAgreesOnWhatIsRight(t *testing.T) {
	docs := rightDocuments(t)
	for i, said := range inEditor(t, docs) {
		for _, d := range said {
			if strings.Contains(d, " Unused anchor ") { // it judges YAML as well, and an anchor in a snippet may have no use
				continue
			}
			t.Errorf("a false alarm in %s: %s", docs[i].name, d)
		}
	}
}

// inEditor is what an editor underlines in each of the files, "LINE:COLUMN-LINE:COLUMN text", as
// columns of the file itself, without the line that names the schema.
func inEditor(t *testing.T, docs []document) [][]string {
	t.Helper()
	w, server := newWorld(t), editor.Start(t)
	w.write("dag.schema.json", w.run("schema").out)
	var files []editor.File
	for i, d := range docs {
		files = append(files, editor.File{Path: filepath.Join(w.dir, fmt.Sprintf("%d.yaml", i)), Text: modeline + withoutModeline(d.text)})
	}
	out := make([][]string, len(docs))
	for i, found := range server.Open(files...) {
		for _, d := range found {
			from, to := d.Range.Start, d.Range.End
			out[i] = append(out[i], fmt.Sprintf("%d:%d-%d:%d %s", from.Line, from.Character+1, to.Line, to.Character+1, d.Message))
		}
	}
	return out
}

const modeline = "# yaml-language-server: $schema=dag.schema.json\n"

func withoutModeline(text string) string {
	if first, rest, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(first, "# yaml-language-server:") {
		return rest
	}
	return text
}

// slips are what a schema can see: the wrong file, where validators see it as a JSON pointer, and what
// an editor underlines and says.
var slips = []struct{ what, text, pointer, says string }{
	{"an unknown key", "tasks:\n  a: {run: echo, retires: 2}", "/tasks/a", "2:18-2:25 Property retires is not allowed."},
	{"neither run nor uses", "tasks:\n  a: {retries: 2}", "/tasks/a", "2:3-2:4 One of `run` or `uses` is missing."},
	{"run and uses", "tasks:\n  a:\n    run: echo\n    uses: noop", "/tasks/a/uses", "4:5-4:9 `run` and `uses` exclude each other: keep one."},
	{"an unknown plugin", "tasks:\n  a: {uses: htpp}", "/tasks/a/uses", "2:13-2:17 Value is not accepted. Valid values: \"athena.query\", \"batch.job\""},
	{"an input of another plugin", "tasks:\n  a:\n    uses: http\n    with: {url: \"http://x\", path: /}", "/tasks/a/with", "4:29-4:33 Property path is not allowed."},
	{"an input that is missing", "tasks:\n  a:\n    uses: s3.get\n    with: {as: text}", "/tasks/a/with", "4:5-4:9 Missing property \"uri\"."},
	{"an input of the wrong type", "tasks:\n  a:\n    uses: s3.list\n    with: {uri: \"s3://acme\", max: many}", "/tasks/a/with/max", "4:35-4:39 Incorrect type. Expected \"integer\"."},
	{"an input that is none of the choices", "tasks:\n  a:\n    uses: s3.get\n    with: {uri: \"s3://acme/k\", as: txt}", "/tasks/a/with/as", "4:36-4:39 Value is not accepted. Valid values: \"text\", \"json\"."},
	{"inputs that exclude each other", "tasks:\n  a:\n    uses: wait\n    with: {for: 1s, until: \"2026-01-01T00:00:00Z\"}", "/tasks/a/with/until", "4:21-4:26 `for` and `until` exclude each other: keep one."},
	{"one of several inputs is missing", "tasks:\n  a:\n    uses: python\n    with: {args: [1]}", "/tasks/a/with", "4:5-4:9 One of `code`, `file` or `callable` is missing."},
	{"no input where there must be one", "tasks:\n  a: {uses: wait}", "/tasks/a", "2:3-2:4 Missing property \"with\"."},
	{"a duration without a unit", "tasks:\n  a: {run: echo, timeout: 30}", "/tasks/a/timeout", "2:27-2:29 A duration has a unit, larger ones first: 30s, 5m, 1h30m, 7d."},
	{"a trigger rule misspelt", "tasks:\n  a: {run: echo}\n  b: {needs: a, trigger: one_succes, run: echo}", "/tasks/b/trigger", "3:26-3:36 Value is not accepted. Valid values: \"all_success\""},
	{"a callback with needs", "tasks:\n  a: {run: echo}\non_failure:\n  m: {run: echo, needs: a}", "/on_failure/m", "4:18-4:23 Property needs is not allowed."},
	{"a cron text of four fields", "schedule: \"30 2 * *\"\ntasks: {a: {run: echo}}", "/schedule", "1:11-1:21 A cron text has 5 fields, or 6 with seconds first; or write a preset, such as @daily, or every 15m."},
	{"two schedules", "schedule: {cron: \"@daily\", every: 5m}\ntasks: {a: {run: echo}}", "/schedule/every", "1:28-1:33 `cron`, `every` and `at` exclude each other: keep one."},
	{"a choice of the sensor's", "tasks:\n  a: {run: echo, sensor: {timeout: 1h, on_error: fail}}", "/tasks/a/sensor/on_error", "2:50-2:54 Value is not accepted. Valid values: \"retry\", \"wait\", \"skip\"."},
	{"an id with a space", "tasks:\n  my task: {run: echo}", "/tasks", "2:3-2:10 An id has letters, digits, _ and -, with a letter or _ first."},
	{"a word of a param misspelt", "params:\n  p: {type: string, defualt: x}\ntasks: {a: {run: \"echo ${{ params.p }}\"}}", "/params/p", "2:21-2:28 Property defualt is not allowed."},
	{"a type of an output misspelt", "tasks:\n  a: {run: echo, outputs: {n: int}}", "/tasks/a/outputs/n", "2:31-2:34 Value is not accepted. Valid values: \"string\""},
	{"no tasks", "id: x", "", "1:1-1:2 Missing property \"tasks\"."},
}

// TestOtherValidatorsSeeASlip: both find it, at its place, or at the map that holds it.
func TestOtherValidatorsSeeASlip(t *testing.T) {
	var docs []document
	for _, s := range slips {
		docs = append(docs, document{s.what, s.text})
	}
	for name, told := range judged(t, docs) {
		for _, s := range slips {
			holds := func(f editor.Fault) bool {
				return f.Path == s.pointer || s.pointer != "" && f.Path == path.Dir(s.pointer)
			}
			if !slices.ContainsFunc(told[s.what], holds) {
				t.Errorf("%s: %s is not seen at %q, but %v", name, s.what, s.pointer, told[s.what])
			}
		}
	}
}

// TestTheEditorSeesASlip: it underlines the smallest thing, in words, and once.
func TestTheEditorSeesASlip(t *testing.T) {
	w := newWorld(t)
	var docs []document
	for _, s := range slips {
		docs = append(docs, document{s.what, s.text})
		if res := w.run("validate", w.write("slip.yaml", s.text)); res.code != 1 {
			t.Errorf("%s: weft validate finds nothing", s.what)
		}
	}
	for i, said := range inEditor(t, docs) {
		if s := slips[i]; len(said) != 1 || !strings.HasPrefix(said[0], s.says) {
			t.Errorf("%s: the editor says\n%s\nand not once\n%s", s.what, strings.Join(said, "\n"), s.says)
		}
	}
}

// unfinished is a DAG as it is being written; · is a space before the cursor.
const unfinished = `schedule: "@daily"
tasks:
  arrived:
    uses: s3.head
    with:
      uri: s3://acme-data/x
    sensor: {until: output.exists, on_error: wait}
  load:
    uses: s3.get
    with:
      uri: s3://acme-data/x
······
  ask:
    uses: http
    with:
······
  join:
    needs: load
    trigger: all_done
    run: echo
  next:
    uses:·
  last:
    uses: s3.get
    with: {uri: "s3://acme-data/x", as: }
on_failure:
  mail:
    run: echo
····
`

// TestTheEditorTellsWhileOneWrites: what it shows over a key, and what it proposes, by the plugin that
// the task uses.
func TestTheEditorTellsWhileOneWrites(t *testing.T) {
	w, server := newWorld(t), editor.Start(t)
	w.write("dag.schema.json", w.run("schema").out)
	file := filepath.Join(w.dir, "x.yaml")
	text := strings.ReplaceAll(unfinished, "·", " ")
	server.Open(editor.File{Path: file, Text: modeline + text})
	for _, row := range []struct {
		at    string // LINE:COLUMN
		tells string // what is shown over it, each part of it
	}{
		{"1:2", "When it runs by itself|`every 15m`|Example:"},
		{"4:7", "carries the task out|`s3.head`: Tells whether an object of S3 exists"},
		{"5:6", "The plugin's input"},
		{"6:8", "The object, s3://bucket/key"},
		{"7:6", "Ask again until it holds"},
		{"7:37", "`wait`: it counts as not yet"},
		{"19:7", "none_failed_min_one_success|the join after a branch"},
	} {
		got := server.Hover(file, position(t, row.at))
		for _, part := range strings.Split(row.tells, "|") {
			if !strings.Contains(got, part) {
				t.Errorf("over %s stands\n%s\nand not %q", row.at, got, part)
			}
		}
	}
	for _, row := range []struct {
		at, what string
		offers   []string // all of it
		not      []string
	}{
		{"12:7", "the other inputs of s3.get", []string{"as", "to"}, []string{"url", "needs"}},
		{"16:7", "http's inputs", []string{"url", "method", "headers", "json", "expect"}, []string{"uri", "needs"}},
		{"22:11", "plugins", []string{"http", "python", "s3.get", "wait"}, []string{"run"}},
		{"25:41", "the values of an input", []string{"text", "json"}, nil},
		{"19:14", "trigger rules", []string{"all_success", "one_failed"}, nil},
		{"29:5", "the keys of a callback", []string{"retries", "env", "uses"}, []string{"needs", "trigger", "for_each"}},
	} {
		var labels []string
		for _, item := range server.Complete(file, position(t, row.at)) {
			labels = append(labels, item.Label)
		}
		for _, want := range row.offers {
			if !slices.Contains(labels, want) {
				t.Errorf("at %s, %s: %q is not offered, but %q", row.at, row.what, want, labels)
			}
		}
		for _, none := range row.not {
			if slices.Contains(labels, none) {
				t.Errorf("at %s, %s: %q is offered", row.at, row.what, none)
			}
		}
	}
}

// position is LINE:COLUMN of a file, counted from 1 without its modeline, as editors count.
func position(t *testing.T, at string) editor.Position {
	t.Helper()
	var line, column int
	if _, err := fmt.Sscanf(at, "%d:%d", &line, &column); err != nil {
		t.Fatal(err)
	}
	return editor.Position{Line: line, Character: column - 1}
}

// TestInitIsAllThatAnEditorNeeds: the first line of a new project's DAG leads to the schema that lies
// there, and that of each example to the one in docs/.
func TestInitIsAllThatAnEditorNeeds(t *testing.T) {
	w, server := newWorld(t), editor.Start(t)
	if res := w.run("init"); res.code != 0 {
		t.Fatalf("weft init: exit %d\n%s", res.code, res.stderr)
	}
	files := []string{filepath.Join(w.dir, "dags", "hello.yaml")}
	examples, err := filepath.Abs("../dags")
	if err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob(filepath.Join(examples, "*.yaml"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var open []editor.File
	for _, f := range append(files, list...) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, editor.File{Path: f, Text: string(text) + "\nslip: 1\n"})
	}
	for i, found := range server.Open(open...) {
		if len(found) != 1 || found[0].Message != "Property slip is not allowed." {
			t.Errorf("%s: a key too many is not all that is seen, but %v", open[i].Path, found)
		}
	}
}
