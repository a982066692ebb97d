package diag_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"weft/diag"
	"weft/spec"
)

// published is the schema that OASIS publishes; see testdata/schema.
var published = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.Compile("testdata/schema/sarif-2.1.0.json")
})

// sarifOf renders diagnostics and holds the log to the published schema, and its places to what the
// specification says of them and no schema can.
func sarifOf(t *testing.T, ds []spec.Diagnostic, o diag.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := diag.SARIF(&out, ds, o); err != nil {
		t.Fatal(err)
	}
	schema, err := published()
	if err != nil {
		t.Fatal(err)
	}
	var log any
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, out.String())
	}
	if err := schema.Validate(log); err != nil {
		t.Errorf("not by the schema: %#v\n%s", err, out.String())
	}
	return out.Bytes()
}

func TestSARIFIsByThePublishedSchema(t *testing.T) {
	sarifOf(t, nil, diag.Options{})
	sarifOf(t, []spec.Diagnostic{{}}, diag.Options{Version: "1"})
	files, _ := filepath.Glob("testdata/*.in")
	for _, file := range files {
		sarifOf(t, diagnostics(t, file), diag.Options{Source: source, Version: "1.2.3", Path: func(f string) string { return "/srv/r p/" + f }})
	}
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
			}
		}
	}
	if err := json.Unmarshal(sarifOf(t, everyCode(), diag.Options{}), &log); err != nil {
		t.Fatal(err)
	}
	for _, r := range log.Runs[0].Results {
		if got := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; got != r.RuleID {
			t.Errorf("the rule of %s is %s", r.RuleID, got)
		}
	}
	// The schema is no rubber stamp: a log that is wrong in one place is refused.
	schema, _ := published()
	for _, wrong := range []string{
		`{"version": "2.0.0", "runs": []}`,
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "weft"}}, "results": [{"message": {"text": "x"}, "level": "info"}]}]}`,
		`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "weft"}}, "results": [{"message": {"text": "x"}, "locations": [{"physicalLocation": {"region": {"startLine": 0}}}]}]}]}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(wrong), &v); err != nil || schema.Validate(v) == nil {
			t.Errorf("passes (%v): %s", err, wrong)
		}
	}
}

// everyCode is one diagnostic of each code.
func everyCode() []spec.Diagnostic {
	var ds []spec.Diagnostic
	for _, code := range spec.Codes() {
		ds = append(ds, spec.Diagnostic{Code: code, Severity: spec.Error, File: "f.yaml", Line: 1, Column: 1, EndLine: 1, EndColumn: 2, Message: code})
	}
	slices.Reverse(ds)
	return ds
}

func diagnostics(t *testing.T, file string) []spec.Diagnostic {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var ds []spec.Diagnostic
	if err := json.Unmarshal(body, &ds); err != nil {
		t.Fatal(file, err)
	}
	return ds
}

// A command is a workflow command as the runner reads it (actions/runner, ActionCommand.TryParseV2 and
// IssueCommandExtension): "::name key=value,key=value::data", on one line.
type command struct {
	name, data string
	properties map[string]string
}

var commandForm = regexp.MustCompile(`^::([a-z]+) ([^\r\n]*?)::([^\r\n]*)$`)

// readCommand takes a line apart as the runner does. What the runner would drop or take for something else is an
// error.
func readCommand(line string) (command, error) {
	m := commandForm.FindStringSubmatch(line)
	if m == nil {
		return command{}, fmt.Errorf("no command: %q", line)
	}
	c := command{name: m[1], data: unescape(m[3]), properties: map[string]string{}}
	if !slices.Contains([]string{"error", "warning", "notice"}, c.name) {
		return c, fmt.Errorf("no annotation: %q", c.name)
	}
	for part := range strings.SplitSeq(m[2], ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || !slices.Contains([]string{"file", "line", "endLine", "col", "endColumn", "title"}, key) {
			return c, fmt.Errorf("no property: %q in %q", part, line)
		}
		if strings.Contains(value, ":") {
			return c, fmt.Errorf("a colon in a property: %q", line)
		}
		c.properties[key] = unescape(value)
	}
	for _, n := range []string{"line", "endLine", "col", "endColumn"} {
		if v, ok := c.properties[n]; ok && !regexp.MustCompile(`^[1-9][0-9]*$`).MatchString(v) {
			return c, fmt.Errorf("%s is %q", n, v)
		}
	}
	if c.properties["col"] != "" && c.properties["endLine"] != "" && c.properties["line"] != c.properties["endLine"] {
		return c, fmt.Errorf("columns over several lines: %q", line)
	}
	return c, nil
}

func unescape(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(s)
}

func TestGitHubCommandsAreReadAsTheyWereMeant(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.in")
	for _, file := range files {
		ds := diagnostics(t, file)
		var out bytes.Buffer
		if err := diag.GitHub(&out, ds, diag.Options{}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(ds) {
			t.Fatalf("%s: %d lines for %d diagnostics", file, len(lines), len(ds))
		}
		for i, d := range ds {
			c, err := readCommand(lines[i])
			if err != nil {
				t.Error(err)
			}
			if c.properties["file"] != d.File || c.properties["title"] != d.Code {
				t.Errorf("%q is read as %v", lines[i], c)
			}
			if d.Line > 0 && c.properties["line"] != fmt.Sprint(d.Line) {
				t.Errorf("%q: line %d", lines[i], d.Line)
			}
			for _, n := range d.Notes {
				if !strings.Contains(c.data, "\n"+n.Kind+": "+n.Text) {
					t.Errorf("%q lacks %q", c.data, n.Text)
				}
			}
		}
	}
}

// TestNoFormatShowsASecret: what a diagnostic points at as a secret is in no byte of any rendering, nor of a
// diff, whichever diagnostic speaks of it.
func TestNoFormatShowsASecret(t *testing.T) {
	ds := diagnostics(t, "testdata/secret.in")
	before := source("se%c,r:et.yaml")
	after, n := spec.Fix(before, ds)
	if n != 2 {
		t.Fatalf("%d fixes", n)
	}
	renderings := map[string]string{}
	for _, f := range diag.Formats {
		var out bytes.Buffer
		if err := f.Write(&out, ds, diag.Options{Source: source}); err != nil {
			t.Fatal(err)
		}
		renderings[f.Name] = out.String()
	}
	for _, color := range []bool{false, true} {
		var out bytes.Buffer
		if err := diag.Diff(&out, "se%c,r:et.yaml", before, after, ds, diag.Options{Color: color}); err != nil {
			t.Fatal(err)
		}
		renderings[fmt.Sprint("diff ", color)] = out.String()
	}
	for name, text := range renderings {
		if strings.Contains(text, "ghp_") || strings.Contains(text, "hunter22") {
			t.Errorf("%s shows it:\n%s", name, text)
		}
		if !strings.Contains(text, "****") && name != "github" {
			t.Errorf("%s masks nothing:\n%s", name, text)
		}
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ what, before, after, want string }{
		{"a line", "a\nb\n", "a\nc\n", "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"},
		{"no last line's end", "a\nb", "a\nc", "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"},
		{"CRLF stays", "a\r\nb\r\n", "a\r\nc\r\n", "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"},
		{"nothing", "a\n", "a\n", ""},
	} {
		var out bytes.Buffer
		if err := diag.Diff(&out, "f.yaml", []byte(c.before), []byte(c.after), nil, diag.Options{}); err != nil || out.String() != c.want {
			t.Errorf("%s (%v): got\n%q\nwant\n%q", c.what, err, out.String(), c.want)
		}
	}
	var out bytes.Buffer
	if err := diag.Diff(&out, "f.yaml", []byte("a\x1b[2J\n"), []byte("b\n"), nil, diag.Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "\x1b[1;31m-a␛[2J\x1b[0m\n") || !strings.Contains(got, "\x1b[32m+b\x1b[0m\n") {
		t.Errorf("got %q", got)
	}
}
