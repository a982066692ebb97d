package spec

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Each row is a script and what a linter is shown of it: as many characters, each on its line.
func TestWhatALinterSees(t *testing.T) {
	for script, want := range map[string]string{
		"echo ${{ run.ds }}":            `echo "${WWWWWWWW}"`,
		"echo ${{1}}":                   `echo "${W}"`,
		`echo "é ${{ run.ds }}é"`:       `echo "é ${WWWWWWWWWW}é"`,
		"echo ${{ '漢字' }} x":            `echo "${WWWWWW}" x`,
		"cat <<EOF\n${{ run.ds }}\nEOF": "cat <<EOF\n${WWWWWWWWWW}\nEOF",
		"echo $(( ${{ 1 + 1 }} ))":      "echo $(( ${WWWWWWWWW} ))",
		"true # ${{ run.ds }}":          "true # WWWWWWWWWWWWW",
		"${{ run.ds }} --flag":          `"${WWWWWWWW}" --flag`,
		"echo a${{ run.ds }}b":          `echo a"${WWWWWWWW}"b`,
		"echo nothing":                  "echo nothing",
	} {
		var seen []Script
		o := online()
		o.Lint = func(s Script) []Remark { seen = append(seen, s); return nil }
		_, found := Parse("f.yaml", []byte("tasks:\n  a:\n    run: |\n      "+strings.ReplaceAll(script, "\n", "\n      ")+"\n"), o)
		if len(seen) != 1 || seen[0].Text != want+"\n" {
			t.Errorf("%q: shown is %v, want %q (%s)", script, seen, want, show(found))
			continue
		}
		if got := seen[0].Text; utf8.RuneCountInString(got) != utf8.RuneCountInString(script)+1 {
			t.Errorf("%q is %d characters, shown are %d", script, utf8.RuneCountInString(script)+1, utf8.RuneCountInString(got))
		}
	}
}

// TestAnyPlaceOfALinter: what a linter says of places that are not in the script is shown at its nearest.
func TestAnyPlaceOfALinter(t *testing.T) {
	src := []byte("tasks:\n  a:\n    run: |\n      echo one\n      echo two\n")
	for _, r := range []Remark{
		{Line: 0, Column: 0},
		{Line: -7, Column: -7, EndLine: -7, EndColumn: -8},
		{Line: 2, Column: 400, EndLine: 9, EndColumn: 9},
		{Line: 99, Column: 1, EndLine: 98, EndColumn: 1},
		{Line: 1, Column: 6, EndLine: 2, EndColumn: 3},
		{Line: 3, Column: 1, EndLine: 3, EndColumn: 1},
	} {
		o := online()
		r.Message, r.Severity = "it is odd", Warning
		o.Lint = func(Script) []Remark { return []Remark{r} }
		_, found := Parse("f.yaml", src, o)
		if len(found) != 1 || found[0].Line < 4 || found[0].Line > 5 || found[0].EndLine != found[0].Line || found[0].EndColumn <= found[0].Column {
			t.Errorf("%+v is shown as %s", r, show(found))
		}
	}
}

// TestALinterKeepsNoDAGFromRunning, whatever it calls an error; only who sets X609 to error means it so.
func TestALinterKeepsNoDAGFromRunning(t *testing.T) {
	src := []byte("tasks: {a: {run: 'echo \"$loose\"'}}\n")
	d, found := Parse("f.yaml", src, online())
	if _, err := d.Plan(); err != nil || len(found) != 1 || found[0].Severity != Warning {
		t.Errorf("%v, %s", err, show(found))
	}
	o := online()
	o.Severities = map[string]Severity{"X609": Off}
	if _, found := Parse("f.yaml", src, o); len(found) > 0 {
		t.Errorf("it is off, and says %s", show(found))
	}
}
