package tests

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bombs are files that are small and mean much, or are at the limit and mean nothing.
func bombs() map[string]string {
	const tasks = "tasks: {a: {run: echo}}\n"
	grow := func(first, each string, n int) string {
		text := first
		for i := 1; i < n; i++ {
			text += fmt.Sprintf("x-%d: &a%d "+each+"\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
		}
		return text + tasks
	}
	full := func(unit string) string { return strings.Repeat(unit, (1<<20-100)/len(unit)) }
	long := strings.Repeat("x", 30_000)
	return map[string]string{
		"a billion laughs":           grow("x-0: &a0 [lol]\n", "[%s]", 12),
		"a billion laughs, as maps":  grow("x-0: &a0 {k: v}\n", "{l: [%s]}", 12),
		"merges of merges":           grow("x-0: &a0 {k: v}\n", "{<<: [%s]}", 12),
		"many values in brackets":    "x-a: [" + full("1,")[:400_000] + "]\n" + tasks,
		"as many as there may be":    "x-a:\n" + strings.Repeat("  - [1, 2, 3]\n", 49_000) + tasks,
		"anchors, each its own":      "x-a:\n" + many(30_000, "  - &a%d x\n") + "x-b:\n" + many(30_000, "  - *a%d\n") + tasks,
		"an open quote, and values":  "description: \"x\n" + full("a: [1,2,3,4]\n") + "\"\n" + tasks,
		"one text many times":        "x-0: &a " + long + "\nx-1: [" + full("*a, ")[:900_000] + "]\n" + tasks,
		"one merge many times":       "x-0: &a {" + strings.Repeat("k: v, ", 3)[:16] + "}\nx-1:\n" + full("  - {<<: *a}\n")[:900_000] + "\n" + tasks,
		"an alias in itself":         "x-0: &a [*a]\n" + tasks,
		"lists in lists":             full("["),
		"lists in lists, in a block": full("- "),
		"maps in maps":               full("{a: "),
		"maps in maps, in a block":   full("? "),
		"quotes":                     full("'\""),
		"commas":                     "x-a: [" + full(",") + "]\n" + tasks,
		"colons":                     full(": "),
		"many anchors":               full("- &a x\n"),
		"many keys":                  full("a: 1\n"),
		"many keys, each its own":    many(60_000, "k%d: 1\n"),
		"many tasks":                 "tasks:\n" + many(25_000, "  t%d: {run: echo}\n"),
		"a task with many needs":     "tasks:\n" + many(9_000, "  t%d: {run: echo}\n") + "  z: {run: echo, needs: [" + many(9_000, "t%d, ") + "]}\n",
		"each task needs all before": "tasks:\n" + stairs(400),
		"a long key":                 "? " + full("k") + "\n: 1\n",
		"a long plain text":          "description: " + full("x ") + "\n" + tasks,
		"a long block":               "description: |\n" + full("  x\n") + tasks,
		"escapes":                    "description: \"" + full(`\U0001F600`) + "\"\n" + tasks,
		"comments":                   full("#\n"),
		"blank lines":                full("\n"),
		"documents":                  full("---\n"),
		"directives":                 full("%TAG ! x\n"),
		"tags":                       full("- !!str x\n"),
		"expressions":                "tasks:\n  a:\n    run: |\n" + full("      ${{ params.x }}\n"),
		"one long expression":        "tasks: {a: {run: echo, when: \"" + full("(1 + ") + "\"}}\n",
		"a script of brackets":       "tasks:\n  a:\n    run: |\n      " + full("$(") + "\n",
		"a script of here-documents": "tasks:\n  a:\n    run: |\n" + full("      cat <<E\n"),
		"bytes":                      full("\x00\xff"),
		"more than a file may have":  strings.Repeat("x", 3<<20),
	}
}

func many(n int, form string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

// stairs are tasks each of which needs all before it.
func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  t%d: {run: echo, needs: [%s]}\n", i, many(i, "t%d, "))
	}
	return b.String()
}

// most is the most memory that a file may take, in KB. Only 25,000 tasks, each with all that a plan has of one, take more.
func most(name string) int64 {
	if name == "many tasks" {
		return 104 << 10
	}
	return 64 << 10
}

var placed = regexp.MustCompile(`(?m)--> bomb\.yaml:[1-9][0-9]*:[1-9]`)

// measure runs a command and says on stderr how much memory it had at most, in KB. A child is counted
// from what its parent had when it began, and Python is small; the tests' own process is not.
const measure = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stderr=subprocess.STDOUT).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code if code >= 0 else 128 - code)
`

// TestBombsAreDefused: weft validate answers with a place or finds the file right, in little memory.
// Time is only guarded against a hang; the figures are in the log.
func TestBombsAreDefused(t *testing.T) {
	var slowest time.Duration
	var largest int64
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3, which measures memory here")
	}
	for name, src := range bombs() {
		w := newWorld(t)
		w.write("bomb.yaml", src)
		cmd := w.command("validate", "bomb.yaml")
		cmd.Path, cmd.Args = python, []string{"python3", "-c", measure, binary, "validate", "bomb.yaml"}
		var out, figures strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &figures
		begun := time.Now()
		stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		_ = cmd.Run() // the exit code is looked at below
		stop.Stop()
		kb, err := strconv.ParseInt(strings.TrimSpace(figures.String()), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v\n%.1000s", name, err, out.String())
		}
		took := time.Since(begun)
		slowest, largest = max(slowest, took), max(largest, kb)
		code := cmd.ProcessState.ExitCode()
		if code != 0 && code != 1 || code == 1 && !placed.MatchString(out.String()) || strings.Contains(out.String(), "goroutine ") {
			t.Errorf("%s: exit %d\n%.1000s", name, code, out.String())
		}
		if out.Len() > 1<<20 {
			t.Errorf("%s: %d bytes are said of it", name, out.Len())
		}
		if kb > most(name) {
			t.Errorf("%s takes %d MB", name, kb>>10)
		}
		t.Logf("%-28s %7d bytes  exit %d  %6d ms  %3d MB", name, len(src), code, took.Milliseconds(), kb>>10)
	}
	t.Logf("the slowest took %d ms, the largest %d MB", slowest.Milliseconds(), largest>>10)
}
