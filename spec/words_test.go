package spec

import (
	"slices"
	"strings"
	"testing"
)

// TestNoWordBecomesALiteral: whatever stands where a value is asked for, no fix writes true, false or null in its
// place, but for the case of its letters.
func TestNoWordBecomesALiteral(t *testing.T) {
	words := strings.Fields("full nul nulll nil none None undefined tru ture treu trie fals flase falsy False TRUE Null no yes on off Nul nall")
	fixes := 0
	for _, place := range []string{
		"when: WORD", "when: params.mode == WORD", "when: params.n == WORD", "when: params.mode in [WORD]", "when: WORD != params.mode", "trigger: WORD",
		"trigger: success(a) && WORD", "trigger: tasks.a.state == WORD", "retry_if: WORD", "env: {A: '${{ WORD }}'}", "for_each: WORD",
		"workdir: x-${{ default(WORD, WORD) }}", "trigger: count(upstream, WORD) > 1",
	} {
		for _, word := range words {
			src := "params: {mode: {type: string, default: x}, n: {type: integer, default: 1}}\ntasks:\n  a: {run: echo}\n  b:\n    needs: a\n    run: echo\n    " +
				strings.ReplaceAll(place, "WORD", word) + "\n"
			_, found := Parse("f.yaml", []byte(src), online())
			for _, d := range found {
				for _, e := range d.Edits {
					fixes++
					if slices.Contains([]string{"true", "false", "null"}, e.Text) && !strings.EqualFold(e.Text, word) {
						t.Errorf("%s: %q would become %s", strings.ReplaceAll(place, "WORD", word), word, e.Text)
					}
				}
			}
			fixed, left := fixAll(t, "f.yaml", []byte(src))
			if string(fixed) == src {
				continue
			}
			for _, d := range left {
				if slices.ContainsFunc(found, func(was Diagnostic) bool { return was.Fixable() && was.Message == d.Message && was.Line == d.Line }) {
					t.Errorf("fixed to\n%s\nand this is still there: %s", fixed, show([]Diagnostic{d}))
				}
			}
		}
	}
	if fixes < 50 {
		t.Errorf("only %d fixes: the words are not those that are told of", fixes)
	}
}

// TestTextsAreQuotedAsTheValueIs: what a fix puts in quotes takes those that the value around it leaves free.
func TestTextsAreQuotedAsTheValueIs(t *testing.T) {
	const frame = "params: {mode: {type: string, default: x}}\ntasks:\n  a: {run: echo}\n"
	for _, c := range []struct{ what, src, want string }{ // want "" = as it was
		{"a plain value", "when: params.mode == full", `when: params.mode == "full"`},
		{"a value in double quotes", `when: "params.mode == full"`, `when: "params.mode == 'full'"`},
		{"a value in single quotes", `when: 'params.mode == full'`, `when: 'params.mode == "full"'`},
		{"a script below a bar", "run: |\n      echo ${{ params.mode == full }}", "run: |\n      echo ${{ params.mode == \"full\" }}"},
		{"folded text", "when: >-\n      params.mode ==\n      run.id || params.mode == full", "when: >-\n      params.mode ==\n      run.id || params.mode == \"full\""},
		{"behind an operator of two &", "when: params.mode != run.id && params.mode == full", `when: params.mode != run.id && params.mode == "full"`},
		{"at the beginning of a plain value a quote would be YAML's", "when: full == params.mode", ""},
		{"at the beginning of a value in quotes it is not", `when: 'full == params.mode'`, `when: '"full" == params.mode'`},
		{"a value with an anchor stays", "when: &x params.mode == full", ""},
		{"a list", "when: params.mode in [full, delta]", `when: params.mode in ["full", "delta"]`},
		{"curly quotes", "when: params.mode == “full load”", `when: params.mode == "full load"`},
		{"curly quotes in double quotes", `when: "params.mode == ‘full’"`, `when: "params.mode == 'full'"`},
		{"a date in double quotes", `when: "params.mode == 2026-01-08"`, `when: "params.mode == '2026-01-08'"`},
		{"a # that YAML takes", "when: any([params.mode], # == 'x') && true", "when: \"any([params.mode], # == 'x') && true\""},
		{"a # that begins a comment", "when: params.mode == # the mode", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			src, want := frame+"  b:\n    needs: a\n    "+c.src+"\n", frame+"  b:\n    needs: a\n    "+c.want+"\n"
			if !strings.Contains(c.src, "run:") {
				src, want = src+"    run: echo\n", want+"    run: echo\n"
			}
			got, left := fixAll(t, "f.yaml", []byte(src))
			if c.want == "" {
				want = src
			} else if len(left) > 0 {
				t.Errorf("left are %s", show(left))
			}
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s\n%s", got, want, show(left))
			}
		})
	}
}
