package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixAll applies fixes until there is none left to apply.
func fixAll(t *testing.T, file string, src []byte) (fixed []byte, left []Diagnostic) {
	t.Helper()
	for range 20 {
		_, found := Parse(file, src, online())
		next, n := Fix(src, found)
		if fixable := slices.ContainsFunc(found, func(d Diagnostic) bool { return d.Fixable() }); fixable != (n > 0) || (n > 0) == bytes.Equal(src, next) {
			t.Fatalf("%d fixes made of\n%s\n%s\nthis\n%s", n, src, show(found), next)
		}
		if n == 0 {
			return src, found
		}
		src = next
	}
	t.Fatalf("there is always something left to fix:\n%s", src)
	return nil, nil
}

// TestFixesAreGolden holds what fixes make of each testdata/NAME.yaml to NAME.fixed, if they make anything
// of it. What was fixable is gone after it, and nothing new is wrong, unless the file could not be read
// before.
func TestFixesAreGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.yaml")
	changed := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			_, before := Parse(name, src, online())
			fixed, after := fixAll(t, name, src)
			golden(t, strings.TrimSuffix(file, ".yaml")+".fixed", fixed, bytes.Equal(src, fixed))
			if bytes.Equal(src, fixed) {
				return
			}
			changed++
			had := map[string]bool{}
			unreadable := false
			for _, d := range before {
				had[d.Code] = true
				unreadable = unreadable || Unread(d.Code)
			}
			for _, d := range after {
				if d.Fixable() || !had[d.Code] && !unreadable {
					t.Errorf("after all fixes: %s", show([]Diagnostic{d}))
				}
			}
			for _, how := range rewritings {
				if got, _ := fixAll(t, name, how.write(src)); !bytes.Equal(got, how.write(fixed)) {
					t.Errorf("%s: got\n%q\nwant\n%q", how.what, got, how.write(fixed))
				}
			}
		})
	}
	if changed < 10 {
		t.Errorf("only %d files have fixes", changed)
	}
}

// TestFixesOfThePages: what a page shows as wrong is right after its fix, if it has one.
func TestFixesOfThePages(t *testing.T) {
	fixable := 0
	for _, code := range Codes() {
		page, _ := PageOf(code)
		for _, f := range page.Wrong {
			fixed, left := fixAll(t, f.File, []byte(f.Text))
			if string(fixed) == f.Text {
				continue
			}
			fixable++
			if len(left) > 0 {
				t.Errorf("%s: fixed to\n%s\nand left are\n%s", code, fixed, show(left))
			}
		}
		for _, f := range page.Right {
			if fixed, _ := fixAll(t, f.File, []byte(f.Text)); string(fixed) != f.Text {
				t.Errorf("%s: what is right is changed to\n%s", code, fixed)
			}
		}
	}
	if fixable < 10 {
		t.Errorf("only %d pages have fixes", fixable)
	}
}

// rewritings are other ways to write the same file.
var rewritings = []struct {
	what  string
	write func([]byte) []byte
}{
	{"with CRLF", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) }},
	{"with a byte order mark", func(b []byte) []byte { return append([]byte("\ufeff"), b...) }},
	{"without the last line's end", func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) }},
	{"below a comment of wide characters", func(b []byte) []byte { return append([]byte("# 漢字\u2028# é\n"), b...) }},
}

func golden(t *testing.T, file string, got []byte, none bool) {
	t.Helper()
	if *rewrite && none {
		_ = os.Remove(file)
	}
	if *rewrite && !none {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if none && err == nil {
		t.Errorf("%s is there, and nothing is fixed", file)
	}
	if !none && !bytes.Equal(want, got) {
		t.Errorf("%s (%v)\ngot\n%s\nwant\n%s", file, err, got, want)
	}
}

// TestANoteOfAFixIsAPromise: a diagnostic has edits if and only if a note says so.
func TestANoteOfAFixIsAPromise(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, found := Parse(filepath.Base(file), src, online())
		for _, d := range found {
			if promised := slices.ContainsFunc(d.Notes, func(n Note) bool { return n.Kind == "fix" }); promised != d.Fixable() {
				t.Errorf("%s: %s edits %v", file, show([]Diagnostic{d}), d.Edits)
			}
		}
	}
}

func TestFixesAreMadeOnlyWhereTheyAreSafe(t *testing.T) {
	const frame = "tasks:\n  a: {run: echo}\n"
	for _, c := range []struct{ what, src, want string }{ // want "" = as it was
		{"a name between quotes keeps them", frame + "  b: {needs: ['aa'], run: echo}\n", frame + "  b: {needs: ['a'], run: echo}\n"},
		{"a name in escapes stays", frame + "  b: {needs: [\"\\x61a\"], run: echo}\n", ""},
		{"a value with an anchor stays", "description: &n leavs\nverdict: *n\n" + frame, ""},
		{"two keys do not become one", frame + "  b: {run: echo, retires: 1, retrys: 2}\n", frame + "  b: {run: echo, retries: 1, retrys: 2}\n"},
		{"a key that is there already is not made again", frame + "  b: {run: echo, retries: 1, retires: 2}\n", ""},
		{"the first of two that touch, then the second", frame + "  b: {needs: [a, aa], run: echo}\n", frame + "  b: {needs: [a], run: echo}\n"},
		{"an item a line", frame + "  b:\n    needs:\n    - a\n    - a\n    run: echo\n", frame + "  b:\n    needs:\n    - a\n    run: echo\n"},
		{"an item with a comment stays", frame + "  b:\n    needs:\n    - a\n    - a # the other one\n    run: echo\n", ""},
		{"an alias stays", "x-a: &a a\n" + frame + "  b: {needs: [a, *a], run: echo}\n", ""},
		{"an octal number stays", frame + "  b: {run: echo, priority: 0022}\n", ""},
		{"digits in groups", frame + "  b: {run: echo, priority: 1_000}\n", frame + "  b: {run: echo, priority: 1000}\n"},
		{"truth between quotes", "paused: 'yes'\n" + frame, "paused: true\n" + frame},
		{"tabs as wide as the file indents", "tasks:\n    a:\n\t\trun: echo\n\t\tenv:\n\t\t\tA: b\n", "tasks:\n    a:\n        run: echo\n        env:\n            A: b\n"},
		{"tabs in a script stay", "tasks:\n  a:\n    run: |\n      cat <<-E\n      \tx\n      E\n\tb: {run: echo}\n", "tasks:\n  a:\n    run: |\n      cat <<-E\n      \tx\n      E\n  b: {run: echo}\n"},
		{"quotes about quotes", "description: a \"b\": c\n" + frame, "description: 'a \"b\": c'\n" + frame},
		{"a value that goes on below stays", "description: a: b\n  c\n" + frame, ""},
		{"a comment is no value", "description: a: b # c\n" + frame, "description: \"a: b\" # c\n" + frame},
		{"curly quotes about a word in a text stay", "description: [“a” b\n" + frame, ""},
		{"curly quotes about a value", "tags: [“a”, }]\n" + frame, ""},
		{"a space that does not break", "tasks:\n\u00a0\u00a0a: {run: echo}\n  b: [\n", "tasks:\n  a: {run: echo}\n  b: [\n"},
		{"an expression between brackets", "tasks:\n  a: {uses: noop, with: {output: ${{ run.id }}, x: [${{ run.ds == \"a\" }}]}}\n", "tasks:\n  a: {uses: noop, with: {output: \"${{ run.id }}\", x: ['${{ run.ds == \"a\" }}']}}\n"},
		{"another language", "tasks:\n  a: {run: echo, when: run.id == \"a\" AND run.ds == \"b\"}\n", "tasks:\n  a: {run: echo, when: run.id == \"a\" && run.ds == \"b\"}\n"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, left := fixAll(t, "f.yaml", []byte(c.src))
			if want := c.want; want == "" && string(got) != c.src || want != "" && string(got) != want {
				t.Errorf("got\n%s\nwant\n%s\n%s", got, c.want, show(left))
			}
			if _, found := Parse("f.yaml", []byte(c.src), online()); len(found) == 0 {
				t.Error("nothing is wrong with it")
			}
		})
	}
}

// TestEditsTakeEffectWhole: all edits of a diagnostic or none, in any order, wherever they point.
func TestEditsTakeEffectWhole(t *testing.T) {
	one := func(edits ...Edit) Diagnostic { return Diagnostic{Edits: edits} }
	for _, c := range []struct {
		what, src, want string
		ds              []Diagnostic
		n               int
	}{
		{"two places", "abc\ndef\n", "Xbc\ndeY\n", []Diagnostic{one(Edit{2, 3, 2, 4, "Y"}, Edit{1, 1, 1, 2, "X"})}, 1},
		{"the second overlaps", "abc\n", "Xc\n", []Diagnostic{one(Edit{1, 1, 1, 3, "X"}), one(Edit{1, 2, 1, 4, "Y"})}, 1},
		{"half of the second overlaps", "abc\nd\n", "Xc\nd\n", []Diagnostic{one(Edit{1, 1, 1, 3, "X"}), one(Edit{1, 2, 1, 4, "Y"}, Edit{2, 1, 2, 2, "Z"})}, 1},
		{"twice the same", "abc\n", "Xbc\n", []Diagnostic{one(Edit{1, 1, 1, 2, "X"}), one(Edit{1, 1, 1, 2, "X"})}, 2},
		{"side by side", "abc\n", "XYc\n", []Diagnostic{one(Edit{1, 1, 1, 2, "X"}), one(Edit{1, 2, 1, 3, "Y"})}, 2},
		{"a whole line, with its break", "a\r\nb\r\nc", "a\r\nc", []Diagnostic{one(Edit{2, 1, 3, 1, ""})}, 1},
		{"behind the end", "ab", "abX", []Diagnostic{one(Edit{7, 9, 8, 1, "X"})}, 1},
		{"bytes that are no text", "\xff\xfeb\n", "\xff\xfeX\n", []Diagnostic{one(Edit{1, 3, 1, 4, "X"})}, 1},
		{"nothing to do", "a\r\n\ufeff", "a\r\n\ufeff", []Diagnostic{one()}, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, n := Fix([]byte(c.src), c.ds)
			if string(got) != c.want || n != c.n {
				t.Errorf("got %q, %d; want %q, %d", got, n, c.want, c.n)
			}
		})
	}
}

// FuzzFix parses what it likes and fixes it: what has no fix stays as it is, and what has one changes.
func FuzzFix(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<14 {
			t.Skip()
		}
		_, found := Parse("f.yaml", src, online())
		fixed, n := Fix(src, found)
		if n == 0 && !bytes.Equal(src, fixed) {
			t.Errorf("no fix, and it changed:\n%q\n%q", src, fixed)
		}
		for _, d := range found {
			if promised := slices.ContainsFunc(d.Notes, func(n Note) bool { return n.Kind == "fix" }); promised != d.Fixable() {
				t.Errorf("%q: %s edits %v", src, show([]Diagnostic{d}), d.Edits)
			}
		}
		Parse("f.yaml", fixed, online())
	})
}
