package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rude is what no terminal may obey, and no reader may stumble over: a title, the clipboard, a cleared
// screen, a question to the terminal, NULs, bytes that are not UTF-8, a colour left on.
const rude = `\033]0;owned\007\033]52;c;b3duZWQ=\007\033[2J\033[?1049h\033[c\302\2331;1H\000\000\377\376\303(\b\033[31mred`

// flooding is a DAG whose tasks say more, or otherwise, than a log should hold; the last one tells
// how much memory weft has needed at most.
const flooding = `
id: flooding
params: {bytes: {type: integer}, line: {type: integer}}
tasks:
  flood:
    run: |
      echo "first of the flood"
      yes "a line of the flood that goes on and on" | head -c ${{ params.bytes }} || true
      echo; echo "last of the flood"
  both:
    run: |
      yes "this is said to stderr" | head -c 20000000 >&2 &
      yes "this is said to stdout" | head -c 20000000 || true
      wait; echo "last of both"
  line: {run: "head -c ${{ params.line }} /dev/zero | tr '\\0' x"}
  rude:
    run: |
      for i in 1 2 3; do printf '` + rude + `%s\r' "$i"; done
      for i in 1 2 3; do printf '` + rude + `%s\n' "$i" >&2; done
      printf '\r 10%%\r 50%%\r100%%\n'
      exit 3
  memory: {needs: [flood, both, line, rude], trigger: all_done, run: 'awk "/VmHWM/ {print \$2}" "/proc/$PPID/status"'}
verdict: tasks.memory.state == "success"
`

// TestAFloodOfOutput: whatever tasks say, and however much of it, the log is whole or says what it
// lacks, and weft's memory does not grow.
func TestAFloodOfOutput(t *testing.T) {
	w := newWorld(t)
	file := w.write("flooding.yaml", flooding)
	const line = 100_000_000
	size := int64(128 << 20)
	if soak() {
		size = 1_000_000_000
	}
	need := func(bytes, line int64) (kb int64, out string) {
		id := fmt.Sprintf("bytes%d", bytes)
		res := w.run("run", file, "--run-id", id, "-p", fmt.Sprintf("bytes=%d", bytes), "-p", fmt.Sprintf("line=%d", line), "--json")
		sum := w.last(res.out)
		if got := sum.states("flood", "both", "line", "rude", "memory"); got != "flood=success both=success line=success rude=failed memory=success" {
			t.Fatalf("%s\n%s", got, res.stderr)
		}
		updates(t, res.out) // each line is an object
		kb, err := strconv.ParseInt(strings.Trim(string(sum.Tasks["memory"].Output), `"`), 10, 64)
		if err != nil {
			t.Fatalf("memory: %v", err)
		}
		return kb, res.out
	}
	small, _ := need(1000, 1000)
	large, out := need(size, line)
	t.Logf("most memory: %d KB with little, %d KB with %d bytes of output", small, large, size)
	if large > small+32<<10 {
		t.Errorf("weft needs %d KB for a flood, and %d KB without", large, small)
	}
	if n := len(out); n > 64<<10 {
		t.Errorf("--json says %d bytes of it", n)
	}
	id := fmt.Sprintf("bytes%d", size)
	whole(t, w, id, "flood", size+int64(len("first of the flood\n\nlast of the flood\n")), "first of the flood", "last of the flood\n", "")
	whole(t, w, id, "line", line, "xxxx", "xxxx", "\nthe last line of stdout is too long to be the output (over 16 MiB); write it to $WEFT_OUTPUT\n")
	if l := w.listen("logs", id, "both"); l.lines < 1_500_000 || !strings.HasSuffix(l.end, "last of both\n") {
		t.Errorf("both: %d lines, %d bytes", l.lines, l.size)
	}
	bytesOf, err := os.ReadFile(filepath.Join(w.dir, "state", "logs", "flooding", id, "rude.1.log"))
	if err != nil {
		t.Fatal(err)
	}
	if res := w.run("logs", id, "rude"); res.out != string(bytesOf) || !strings.Contains(res.out, "\x1b]0;owned\a") || !strings.Contains(res.out, "\x00\x00\xff\xfe") {
		t.Errorf("by a pipe the log is another than it is: %q", res.out)
	}
}

var marker = regexp.MustCompile(`\[weft: ([0-9,]+) bytes left out here; the log is capped at 64 MiB\]\n`)

// whole counts a log: what is there and what a marker says is left out are all that was written; said
// is weft's own end of it.
func whole(t *testing.T, w *world, run, task string, want int64, begins, ends, said string) {
	t.Helper()
	l := w.listen("logs", run, task)
	got := l.size
	if len(l.markers) != 1 {
		t.Fatalf("%s: %d bytes, and the markers %q", task, got, l.markers)
	}
	left, err := strconv.ParseInt(strings.ReplaceAll(marker.FindStringSubmatch(l.markers[0])[1], ",", ""), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	got += left - int64(len(l.markers[0])) - int64(len(said))
	if got != want && got != want+1 { // the marker's own line may have needed a line end before it
		t.Errorf("%s: %d bytes there and left out, %d were written", task, got, want)
	}
	if !strings.HasPrefix(l.begin, begins) || !strings.HasSuffix(strings.TrimSuffix(l.end, said), ends) {
		t.Errorf("%s begins %.80q and ends %q", task, l.begin, l.end)
	}
	t.Logf("%s: %d bytes, of which %d left out", task, want, left)
}

// A listened is what a command has written, without all of it: the tests' own memory counts as that of
// each process they start, until it has begun.
type listened struct {
	size       int64
	lines      int
	begin, end string // the first and last few hundred bytes
	markers    []string
}

// listen calls weft and reads along.
func (w *world) listen(args ...string) (l listened) {
	w.t.Helper()
	cmd := w.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	const kept = 300 // more than a marker has
	for buf, n := make([]byte, 1<<18), 0; ; {
		n, err = out.Read(buf)
		if n > 0 {
			seen := l.end + string(buf[:n])
			for _, m := range marker.FindAllString(seen, -1) {
				if !slices.Contains(l.markers, m) {
					l.markers = append(l.markers, m)
				}
			}
			if len(l.begin) < kept {
				l.begin += string(buf[:min(n, kept)])
			}
			l.size, l.lines = l.size+int64(n), l.lines+bytes.Count(buf[:n], []byte{'\n'})
			l.end = seen[max(0, len(seen)-kept):]
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		w.t.Fatalf("weft %v: %v", args, err)
	}
	return l
}

// steering finds what a terminal would obey, other than colours.
var steering = regexp.MustCompile("\x1b[^\\[]|\x1b\\[[0-9;:]*[^0-9;:m]|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\u009b|\u009d|owned")

// TestNoTaskSteersTheTerminal: at a terminal, logs and what is said of a run show text and colours.
func TestNoTaskSteersTheTerminal(t *testing.T) {
	w := newWorld(t)
	file := w.write("rude.yaml", `
id: rude
tasks:
  says:
    run: |
      for i in 1 2 3; do printf '`+rude+`%s\n' "$i"; done
      printf '`+rude+`'
  fails: {uses: fail, with: {message: "\e]0;owned\a\e[2J\x9b1;1H\e[31mred\nmore"}}
  value: {uses: noop, with: {output: "\e]0;owned\a\x9b1;1H\x7f"}}
`)
	w.run("run", file, "--run-id", "r")
	for _, args := range []string{"logs r says", "logs r says -f", "logs r", "explain r fails", "runs show r", "runs show r --json", "explain r fails --json"} {
		cmd := w.command(strings.Fields(args)...)
		cmd.Env = append(cmd.Env, "NO_COLOR=") // an empty one is none
		got := w.onTerminal(cmd, "")
		if strings.Contains(args, "--json") {
			got = strings.ReplaceAll(got, `;owned\u0007`, "") // as text it may be there
		}
		if at := steering.FindStringIndex(got); at != nil {
			t.Errorf("weft %s: %q in\n%q", args, got[at[0]:at[1]], got)
		}
		if args == "logs r says" && (!strings.Contains(got, "\x1b[31mred1\r\n") || !strings.HasSuffix(got, "red\x1b[0m")) {
			t.Errorf("weft %s shows %q", args, got)
		}
		if !strings.Contains(got, "red") && !strings.Contains(args, "show") {
			t.Errorf("weft %s shows nothing of it: %q", args, got)
		}
	}
	// While it runs too: the tree draws with sequences of its own, but shows none of a task's.
	got := w.atTerminal("", "run", file, "--run-id", "r2")
	if strings.Contains(got, "owned") || strings.Contains(got, "\u009b") || !strings.Contains(got, "says") {
		t.Errorf("the tree shows %q", got)
	}
	// By a pipe everything is there.
	if res := w.run("logs", "r", "says"); !strings.Contains(res.out, "\x1b]0;owned\a") || !strings.Contains(res.out, "\x00\x00\xff\xfe") {
		t.Errorf("by a pipe: %q", res.out)
	}
}

// TestAFloodIsFollowed: who follows a log that floods gets all of it or markers, and its end.
func TestAFloodIsFollowed(t *testing.T) {
	w := newWorld(t)
	file := w.write("x.yaml", `
id: x
tasks:
  a:
    run: |
      echo begun; touch "$LEDGER.begun"
      while ! test -e "$LEDGER.go"; do sleep 0.02; done
      yes "a line of the flood that goes on and on" | head -c 300000000 || true
      echo "last of the flood"
`)
	run := w.command("run", file, "--run-id", "r")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the task begins", func() bool { _, err := os.Stat(w.ledger + ".begun"); return err == nil })
	follow := w.command("logs", "r", "a", "-f")
	out, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(out, 1<<20)
	for said := ""; !strings.Contains(said, "begun"); {
		if said, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	w.write("ledger.go", "")
	total, tail := 0, ""
	for buf := make([]byte, 1<<20); ; {
		n, err := r.Read(buf)
		total += n
		tail = (tail + string(buf[:n]))[max(0, len(tail)+n-200):]
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); err != nil || total < 60<<20 || !strings.HasSuffix(tail, "last of the flood\n") {
		t.Errorf("followed %d bytes, %v, the end is %q", total, err, tail)
	}
	t.Logf("%d bytes were followed", total)
}
