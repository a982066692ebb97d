package tests

import (
	"fmt"
	"maps"
	"os/exec"
	"regexp"
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

// dense are files that are right, or nearly, and just below one limit or several: each says as much as a file may.
func dense() map[string]string {
	const some = 11_990 // tasks: 12,000 are too many
	one := "tasks:\n  a:\n    run: echo\n"
	anchor := func(each string, n int) string { return "x-a: &a\n" + many(n, "  "+each+"\n") }
	return map[string]string{
		"as many tasks as there may be":    "tasks:\n" + many(some, "  t%d: {run: echo}\n"),
		"… each with a condition":          "tasks:\n" + many(some, "  t%d: {run: a, when: run.epoch < %[1]d}\n"),
		"… in a chain, with conditions":    "params: {x: {type: integer}}\ntasks:\n  t0: {run: a}\n" + inChain(some-2, "when: params.x == 1"),
		"… in a chain, with triggers":      "tasks:\n  t0: {run: a}\n" + inChain(some-2, "trigger: all_done"),
		"… by one, by its state":           "tasks:\n  a: {run: a}\n" + many(some-1, "  t%d: {run: a, needs: a, trigger: tasks.a.state == 'failed'}\n"),
		"… in a chain of references":       "tasks:\n  t0: {run: a}\n" + many(some-2, "  t1%d: {run: 'a ${{ tasks.t0.output }}'}\n"),
		"… each with a list":               "tasks:\n" + many(some, "  t%d: {run: '${{ item }}', for_each: [1, 2]}\n"),
		"… with retries, env and outputs":  "tasks:\n" + many(10_000, "  t%d: {run: a, retries: 1, env: {A: b}, outputs: {o: string}}\n"),
		"… wrongly named in needs":         "tasks:\n" + many(some, "  t%d: {run: a, needs: u%[1]d}\n"),
		"… wrongly named in an expression": "tasks:\n" + many(some, "  t%d: {run: 'a ${{ tasks.u%[1]d.output }}'}\n"),
		"callbacks of tasks":               "tasks:\n" + many(some/2, "  t%d: {run: x, on_failure: {a: {run: a}}}\n"),
		"callbacks by an alias":            anchor("t%d: {run: a}", some/10-10) + "tasks:\n" + many(10, "  t%d: {run: a, on_failure: *a}\n"),
		"too many callbacks by an alias":   anchor("t%d: {run: a}", 11_000) + "tasks:\n" + many(9, "  t%d: {run: a, on_failure: *a}\n"),
		"as many params":                   "params:\n" + many(18_000, "  p%d: {type: integer}\n") + "tasks:\n" + many(11_000, "  t%d: {run: 'a ${{ params.p%[1]d }}'}\n"),
		"params that are no schemas":       "params:\n" + many(90_000, "  p%d: 1\n") + one,
		"wrong params in expressions":      "params:\n" + many(18_000, "  p%d: {type: integer}\n") + "tasks:\n" + many(11_000, "  t%d: {run: 'a ${{ params.q%[1]d }}'}\n"),
		"env of the DAG":                   "env:\n" + many(90_000, "  P%d: 1\n") + one,
		"env of the DAG, by expressions":   "env:\n" + many(42_000, "  P%d: ${{run.id}}\n") + one,
		"env of a task, by expressions":    one + "    env:\n" + many(38_000, "      P%d: ${{run.id}}\n"),
		"env that is named in `with`":      "tasks:\n  a:\n    uses: http\n    with:\n      url: http://a\n      body:\n" + many(20_000, "      - ${{env.P%d}}\n") + "    env:\n" + many(20_000, "      P%d: 1\n"),
		"env by an alias":                  anchor("P%d: a", 45_000) + "tasks:\n" + many(3, "  t%d: {run: a, env: *a}\n"),
		"env by defaults":                  "defaults:\n  env:\n" + many(9, "    P%d: 1\n") + "tasks:\n" + many(some, "  t%d: {run: a, env: {A: 1}}\n"),
		"too much env by defaults":         "defaults:\n  env:\n" + many(1_000, "    P%d: 1\n") + "tasks:\n" + many(5_000, "  t%d: {run: a}\n"),
		"lists of for_each":                "tasks:\n" + many(19, "  t%d: {run: a, for_each: ["+strings.Repeat("1,", 9_900)+"1]}\n"),
		"lists of for_each by an alias":    "x-a: &a [" + strings.Repeat("1, ", 9_900) + "1]\ntasks:\n" + many(9, "  t%d: {run: a, for_each: *a}\n"),
		"needs of twenty":                  "tasks:\n  t0: {run: a}\n" + ladder(6_000, 20),
		"needs by an alias":                "x-a: &a [" + many(8_000, "t%d, ") + "]\ntasks:\n" + many(8_000, "  t%d: {run: a}\n") + many(25, "  u%d: {run: a, needs: *a, trigger: all_done}\n"),
		"groups, deep":                     "tasks:\n" + many(some, "  t%d: {run: a, group: g.%[1]d."+strings.Repeat("h.", 15)+"h}\n"),
		"inputs":                           one + "    inputs:\n" + many(70_000, "      P%d: a\n"),
		"artifacts":                        one + "    artifacts:\n" + many(70_000, "      P%d: a\n"),
		"outputs, each read":               one + "    outputs:\n" + many(12_000, "      o%d: string\n") + "  b:\n    run: |\n" + many(14_000, "      ${{tasks.a.output.o%d}}\n"),
		"comments that silence nothing":    "tasks:\n" + many(some, "  t%d: {run: a} # weft: ignore[R501] x\n"),
		"keys that are none":               many(85_000, "a%d: 1\n"),
		"a script many times":              "x-a: &a |\n" + strings.Repeat("  echo a\n", 5_000) + "tasks:\n" + many(80, "  t%d: {run: *a}\n"),
		"a script too many times":          "x-a: &a |\n" + strings.Repeat("  echo a\n", 50_000) + "tasks:\n" + many(10_000, "  t%d: {run: *a}\n"),
		"a text many times":                "x-a: &a " + strings.Repeat("echo a ", 5_000) + "\ntasks:\n" + many(100, "  t%d: {uses: http, with: {url: http://a, body: *a}}\n"),
	}
}

// inChain are tasks t1 … each of which needs the one before, the first a task t0.
func inChain(n int, more string) string { return ladderOf(n, 1, more) }

// ladder are tasks each of which needs some of those before.
func ladder(n, some int) string { return ladderOf(n, some, "retries: 0") }

func ladderOf(n, some int, more string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "  t%d: {run: a, %s, needs: [", i, more)
		for k := max(0, i-some); k < i; k++ {
			fmt.Fprintf(&b, "t%d, ", k)
		}
		b.WriteString("]}\n")
	}
	return b.String()
}

// most is the most memory that a file may take, in KB.
const most = 64 << 10

// mostTime is above the second that a file may take, in seconds of CPU: a second is less on a machine that is slower, or
// whose caches others use too. What grows with the square of a file takes minutes.
const mostTime = 3.0

var placed = regexp.MustCompile(`(?m)--> bomb\.yaml:[1-9][0-9]*:[1-9]`)

// measure runs a command and says on stderr how much memory it had at most, in KB, and how many seconds of CPU. A child is counted
// from what its parent had when it began, and Python is small; the tests' own process is not.
const measure = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stderr=subprocess.STDOUT).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code if code >= 0 else 128 - code)
`

// measured validates bomb.yaml, and tells the most memory and the time of CPU that it took.
func (w *world) measured(python string) (cmd *exec.Cmd, out *strings.Builder, kb int64, cpu float64) {
	w.t.Helper()
	cmd = w.command("validate", "bomb.yaml")
	cmd.Path, cmd.Args = python, []string{"python3", "-c", measure, binary, "validate", "bomb.yaml"}
	out = &strings.Builder{}
	var figures strings.Builder
	cmd.Stdout, cmd.Stderr = out, &figures
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	_ = cmd.Run() // the exit code is looked at by the caller
	stop.Stop()
	if _, err := fmt.Sscan(figures.String(), &kb, &cpu); err != nil {
		w.t.Fatalf("cannot read the figures: %v\n%.1000s", err, out.String())
	}
	return cmd, out, kb, cpu
}

// TestBombsAreDefused: weft validate answers with a place or finds the file right, in little memory and in little time of
// CPU, however busy the machine is; the figures are in the log.
func TestBombsAreDefused(t *testing.T) {
	var slowest float64
	var largest int64
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3, which measures memory here")
	}
	all := bombs()
	maps.Copy(all, dense())
	for name, src := range all {
		w := newWorld(t)
		w.write("bomb.yaml", src)
		begun := time.Now()
		cmd, out, kb, cpu := w.measured(python)
		took := time.Since(begun)
		slowest, largest = max(slowest, cpu), max(largest, kb)
		code := cmd.ProcessState.ExitCode()
		if code != 0 && code != 1 || code == 1 && !placed.MatchString(out.String()) || strings.Contains(out.String(), "goroutine ") {
			t.Errorf("%s: exit %d\n%.1000s", name, code, out.String())
		}
		if out.Len() > 1<<20 {
			t.Errorf("%s: %d bytes are said of it", name, out.Len())
		}
		if kb > most {
			t.Errorf("%s takes %d MB", name, kb>>10)
		}
		if cpu > mostTime {
			t.Errorf("%s takes %.1f s of CPU", name, cpu)
		}
		t.Logf("%-34s %7d bytes  exit %d  %6d ms  %5.2f s CPU  %3d MB", name, len(src), code, took.Milliseconds(), cpu, kb>>10)
	}
	t.Logf("the slowest took %.2f s of CPU, the largest %d MB", slowest, largest>>10)
}
