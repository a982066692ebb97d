package spec

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"weft/tests/cputime"
)

// TestBombs: what is too much is refused with its place, and costs little.
func TestBombs(t *testing.T) {
	laughs := "x-0: &a0 [x]\n"
	for i := 1; i < 40; i++ {
		laughs += fmt.Sprintf("x-%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9))
	}
	merges := "x-0: &a0 {k0: 1}\n"
	for i := 1; i < 40; i++ {
		merges += fmt.Sprintf("x-%d: &a%d {<<: [%s], k%d: 1}\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i)
	}
	deepAliases := "x-0: &a0 [x]\n"
	for i := 1; i < 120; i++ {
		deepAliases += fmt.Sprintf("x-%d: &a%d [*a%d]\n", i, i, i-1)
	}
	tasks := "tasks: {a: {run: echo}}\n"
	for _, row := range []struct{ name, src, code string }{
		{"a file of more than 1 MiB", "# " + strings.Repeat("x", 1<<20), yLimit},
		{"lists in lists", strings.Repeat("[", 400_000), yLimit},
		{"fewer lists in lists", strings.Repeat("[", 100_000), yLimit},
		{"maps in maps, not closed", strings.Repeat("{a: ", 3000), yLimit},
		{"lists in lists, closed", "x-a: " + strings.Repeat("[", 101) + strings.Repeat("]", 101) + "\n" + tasks, yLimit},
		{"maps in maps", "x-a: " + strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000) + "\n" + tasks, yLimit},
		{"aliases of aliases", laughs + tasks, yLimit},
		{"merges of merges", merges + tasks, yLimit},
		{"aliases that nest", deepAliases + tasks, yLimit},
		{"an alias of what stands too deep", "x-a: " + strings.Repeat("[", 105) + "&a x" + strings.Repeat("]", 105) + "\nx-b: *a\n" + tasks, yLimit},
		{"a control character", "a: \x01\n" + tasks, yEncoding},
		{"not UTF-8", "a: \xff\n" + tasks, yEncoding},
		{"a control character of the second set", "a: \u009b31m\n" + tasks, yEncoding},
		{"a byte order mark inside", "a: x\ufeff\n" + tasks, yEncoding},
		{"no character at all", "a: \uffff\n" + tasks, yEncoding},
		{"a key many times", strings.Repeat("a: 1\n", 90_000), yDuplicate},
		{"a key too many times", strings.Repeat("a: 1\n", 110_000), yLimit},
		{"too many tasks", "tasks:\n" + numbered(12_001, "  t%d: {run: a}\n"), yLimit},
		{"too many callbacks", "tasks:\n" + numbered(6_001, "  t%d: {run: a, on_failure: {a: {run: a}}}\n"), yLimit},
		{"too many callbacks of the DAG", "on_failure:\n" + numbered(12_000, "  t%d: {run: a}\n") + tasks, yLimit},
		{"callbacks by an alias", "x-a: &a\n" + numbered(2_000, "  t%d: {run: a}\n") + "tasks:\n" + numbered(8, "  t%d: {run: a, on_failure: *a}\n"), yLimit},
		{"too many values by aliases", "x-a: &a\n" + numbered(40_000, "  P%d: a\n") + "tasks:\n" + numbered(5, "  t%d: {run: a, env: *a}\n"), yLimit},
		{"too much text by aliases", "x-a: &a " + strings.Repeat("x", 60_000) + "\ntasks:\n" + numbered(80, "  t%d: {run: *a}\n"), yLimit},
		{"too much by defaults", "defaults:\n  env:\n" + numbered(100, "    P%d: 1\n") + "tasks:\n" + numbered(2_000, "  t%d: {run: a}\n"), yLimit},
		{"too much text by defaults", "defaults:\n  env: {A: " + strings.Repeat("x", 60_000) + "}\ntasks:\n" + numbered(80, "  t%d: {run: a}\n"), yLimit},
		{"a tab in each second line", "tasks:\n" + numbered(30_000, "  a%d:\n\trun: echo\n"), yTab},
		{"an odd space in each second line", "tasks:\n" + numbered(30_000, "  a%d:\n    run:\u00a0echo\n"), ySpace},
		{"a key without a colon many times", "tasks:\n  a: {run: echo, " + numbered(30_000, "b%d, ") + "}\n", sUnknownKey},
		{"odd spaces in a row", "x:\n" + strings.Repeat(" \u00a0", 100_000) + "\n" + strings.Repeat("a", 300_000) + ":\u00a0b", ySpace},
		{"too many values in brackets", "x-a: [" + strings.Repeat("1, ", 210_000) + "]\n" + tasks, yLimit},
	} {
		t.Run(row.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC() // what nobody holds any more is not counted, whenever it would be swept
			runtime.ReadMemStats(&before)
			d, found := Parse("b.yaml", []byte(row.src), online())
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(d)
			if len(found) == 0 || !has(found, row.code) || found[0].Line == 0 {
				t.Errorf("want %s, found\n%s", row.code, cut(show(found), 500))
			}
			if held := (after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)) >> 20; held > 64 {
				t.Errorf("%d MB are held", held)
			}
		})
	}
}

func numbered(n int, form string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

// TestWhatIsNearlyTooMuchIsRead: the bounds of what a file comes to are those that are said.
func TestWhatIsNearlyTooMuchIsRead(t *testing.T) {
	for name, src := range map[string]string{
		"tasks":                 "tasks:\n" + numbered(12_000, "  t%d: {run: a}\n"),
		"tasks and callbacks":   "tasks:\n" + numbered(6_000, "  t%d: {run: a, on_failure: {a: {run: a}}}\n"),
		"callbacks by an alias": "x-a: &a\n" + numbered(1_000, "  t%d: {run: a}\n") + "tasks:\n" + numbered(8, "  t%d: {run: a, on_failure: *a}\n"),
		"texts by an alias":     "x-a: &a " + strings.Repeat("x", 60_000) + "\ntasks:\n" + numbered(60, "  t%d: {run: *a}\n"),
		"defaults":              "defaults:\n  env:\n" + numbered(10, "    P%d: 1\n") + "tasks:\n" + numbered(12_000, "  t%d: {run: a, env: {P1: 2}}\n"),
	} {
		if _, found := Parse("n.yaml", []byte(src), online()); len(found) > 0 {
			t.Errorf("%s: %s", name, cut(show(found), 300))
		}
	}
}

// TestInputsThatOverlap holds the look-up of paths to looking at each of those before.
func TestInputsThatOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		var laid inputPaths
		var before []string
		for range 1 + rng.IntN(12) {
			parts := make([]string, 1+rng.IntN(4))
			for i := range parts {
				parts[i] = string("abc"[rng.IntN(3)])
			}
			p, want := strings.Join(parts, "/"), ""
			for _, o := range before {
				if want == "" && (p == o || strings.HasPrefix(p, o+"/") || strings.HasPrefix(o, p+"/")) {
					want = o
				}
			}
			got, over := laid.add(Field{Key: &Node{Text: p}})
			if over != (want != "") || over && got.Key.Text != want {
				t.Fatalf("%s among %v: overlaps %v, want %q", p, before, got.Key, want)
			}
			if !over {
				before = append(before, p)
			}
		}
	}
}

// TestDeepScriptsAreRefused: the parser of shell would grow its stack until Go ends the program.
func TestDeepScriptsAreRefused(t *testing.T) {
	script := func(text string) (*DAG, []Diagnostic) {
		return Parse("s.yaml", []byte("tasks:\n  a:\n    run: |\n      "+text+"\n"), online())
	}
	for _, unit := range []string{
		"((", "$((", "$(", "a[", "$[", "$((a[", "<(", "{ ", "${a:-", "\"$(", "$(: ')'", "$( #)\n      ", "if ", "while ", "time ", "! ", "a&&", "a||", "coproc ",
		"if a; then ", "for x in y; do ", "f() ",
	} {
		_, found := script(strings.Repeat(unit, 900_000/len(unit)))
		if !has(found, xShell) || found[0].Line < 4 {
			t.Errorf("%q many times: %s", unit, cut(show(found), 300))
		}
	}
	for name, text := range map[string]string{
		"substitutions in a row": strings.Repeat("x=$(echo $((1 + ${#y})))\n      ", 5000),
		"ifs in a row":           strings.Repeat("if a && b; then c; fi\n      ", 10_000),
		"prose":                  "cat <<'E'\n      " + strings.Repeat("if and while it lasts, for a time (and so on)\n      ", 2000) + "E\n",
		"braces of data":         "cat <<'E'\n      " + strings.Repeat(`{"a": [1, 2, {"b": {}}]}`+"\n      ", 5000) + "E\n",
		"nested":                 strings.Repeat("$(echo ", 200) + "x" + strings.Repeat(")", 200),
	} {
		if _, found := script(text); has(found, xShell) {
			t.Errorf("%s: %s", name, cut(show(found), 300))
		}
	}
}

func has(found []Diagnostic, code string) bool {
	for _, d := range found {
		if d.Code == code {
			return true
		}
	}
	return false
}

// TestLargeFileIsQuick: a file at its limit, with a script at its limit, is no hardship.
func TestLargeFileIsQuick(t *testing.T) {
	var b strings.Builder
	b.WriteString("tasks:\n  a:\n    run: |\n")
	for b.Len() < 500_000 {
		b.WriteString("      echo \"${{ run.id }}\" ${{ run.ds }}\n")
	}
	for i := 0; b.Len() < 1_000_000; i++ {
		fmt.Fprintf(&b, "  t%d: {run: \"echo ${{ tasks.a.output }}\", needs: [a]}\n", i)
	}
	d, found := Parse("l.yaml", []byte(b.String()), online())
	if len(found) > 0 {
		t.Fatal(cut(show(found), 500))
	}
	if _, err := d.Plan(); err != nil {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, glob := range []string{"testdata/*.yaml", "testdata/right/*.yaml"} {
		files, _ := filepath.Glob(glob)
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<16 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var d *DAG
		var found []Diagnostic
		if took := cputime.Of(func() { d, found = Parse("fuzz.yaml", src, online()) }); took > 3*time.Second {
			t.Errorf("%v for %d bytes", took, len(src))
		}
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
			t.Errorf("%d MB for %d bytes", used, len(src))
		}
		for _, x := range found {
			if x.Line < 1 || x.Column < 1 {
				t.Errorf("without a place: %+v", x)
			}
		}
		if d == nil && len(found) == 0 {
			t.Error("nothing came of it, and nothing was said")
		}
		if d != nil && !hasSeverity(found, Error) {
			if _, err := d.Plan(); err != nil {
				t.Errorf("no error was found, and yet: %v", err)
			}
		}
	})
}

func hasSeverity(found []Diagnostic, s Severity) bool {
	for _, d := range found {
		if d.Severity == s {
			return true
		}
	}
	return false
}
