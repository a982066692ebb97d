package shell

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"weft/plugins"
)

// tapped gives a call pipes, as a task with secrets has them. The log gets what comes out of each, in capitals:
// so it shows that nothing went past.
func tapped(t *testing.T, call *plugins.Call) *plugins.Call {
	t.Helper()
	log := call.Log
	call.Log = nil
	call.Tap = func(keep int) (*plugins.Stream, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		said := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(r)
			_, _ = log.Write(bytes.ToUpper(b))
			r.Close()
			said <- b
		}()
		var b []byte
		open := true
		return &plugins.Stream{File: w, Close: func() ([]byte, bool) {
			if open {
				open = false
				w.Close()
				b = <-said
			}
			return b[max(0, len(b)-keep):], len(b) <= keep
		}}, nil
	}
	return call
}

func TestOutputThroughPipes(t *testing.T) {
	for _, c := range outputCases {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, with{"run": c.script, "shell": "sh"})
			r, err := Plugin{}.Run(t.Context(), tapped(t, call))
			if err != nil || r.Exit == nil || *r.Exit != 0 {
				t.Fatalf("exit %v, error %v", r.Exit, err)
			}
			if got := outputOf(t, r); got != c.want {
				t.Errorf("output %.200s, want %.200s", got, c.want)
			}
			left, err := os.ReadDir(call.TmpDir)
			if err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() == lineFile }) {
				t.Errorf("the last line is on a disk: %v, %v", left, err)
			}
		})
	}
}

func TestPipesGoToTheLog(t *testing.T) {
	call := newCall(t, with{"run": "echo one; echo two >&2"})
	log := call.Log
	if _, err := (Plugin{}).Run(t.Context(), tapped(t, call)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log.Name())
	if err != nil || !strings.Contains(string(b), "ONE\n") || !strings.Contains(string(b), "TWO\n") {
		t.Errorf("the log is %q, %v", b, err)
	}
}

func TestTheLongestLineOfAPipe(t *testing.T) {
	for size, taken := range map[int]bool{maxPiped: true, maxPiped + 1: false, 3 * maxPiped: false} {
		for _, before := range []string{"", "x\n"} {
			said := []byte(before + strings.Repeat("y", size) + "\r\n")
			keep := maxPiped + 3
			line, err := lastOf(said[max(0, len(said)-keep):], len(said) <= keep)
			if (err == nil) != taken || taken && line.Size() != int64(size) {
				t.Errorf("%d bytes after %q: %v", size, before, err)
			}
		}
	}
}
