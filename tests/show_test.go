package tests

import (
	"os"
	"strings"
	"testing"
)

// What a task gave is somebody else's text: it steers no terminal, and a pipe gets it whole.
func TestAnOutputSteersNoTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const text = "a\x1b[2Jb\x1b]0;title\x07c"
	file := w.write("d.yaml", `
id: d
tasks:
  say: {uses: noop, with: {output: "a\u001b[2Jb\u001b]0;title\u0007c"}}
`)
	if sum, res := w.runJSON(file, "--run-id", "r"); sum.State != "success" {
		t.Fatalf("%s\n%s", sum.State, res.stderr)
	}
	if res := w.run("runs", "show", "r", "say"); res.out != text+"\n" {
		t.Errorf("a pipe gets %q", res.out)
	}
	if out := w.atTerminal("", "runs", "show", "r", "say"); strings.TrimSpace(out) != "abc" {
		t.Errorf("a terminal gets %q", out)
	}
}

// An answer that could not be written is no success.
func TestWhatCannotBeWrittenIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.spoke("r")
	for _, args := range [][]string{{"runs", "show", "r", "talk"}, {"runs", "show", "r", "large"}, {"explain", "r", "talk"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		cmd := w.command(args...)
		cmd.Stdout = full
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 3 {
			t.Errorf("weft %s: exit %d", strings.Join(args, " "), code)
		}
		_ = full.Close()
	}
}
