package python

import (
	"io"
	"os"
	"strings"
	"testing"

	"weft/plugins"
)

// tapped gives a call pipes, as a task with secrets has them, and what came out of them.
func tapped(t *testing.T, call *plugins.Call) (said *strings.Builder) {
	t.Helper()
	said = new(strings.Builder)
	call.Log = nil
	call.Tap = func(keep int) (*plugins.Stream, error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		all := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(r)
			r.Close()
			all <- b
		}()
		var b []byte
		open := true
		return &plugins.Stream{File: w, Close: func() ([]byte, bool) {
			if open {
				open = false
				w.Close()
				b = <-all
				said.Write(b)
			}
			return b[max(0, len(b)-keep):], len(b) <= keep
		}}, nil
	}
	return said
}

// TestWhatPythonSaysGoesByPipes: nothing of it, nor of its failure, is written to a file by weft.
func TestWhatPythonSaysGoesByPipes(t *testing.T) {
	call := newCall(t, with{"code": "import os\ndef main(x):\n    print('out', x)\n    print(sorted(os.listdir(os.environ['TMP_SEEN'])))\n    raise ValueError('no ' + x)", "args": with{"x": "canary"}})
	call.Env = append(call.Env, "TMP_SEEN="+call.TmpDir)
	said := tapped(t, call)
	_, err := Plugin{}.Run(t.Context(), call)
	if err == nil || err.Error() != "ValueError: no canary" {
		t.Errorf("error %v", err)
	}
	if got := said.String(); !strings.Contains(got, "out canary\n") || !strings.Contains(got, "Traceback") {
		t.Errorf("it said %q", got)
	}
	left, err := os.ReadDir(call.TmpDir)
	for _, e := range left {
		if e.Name() == failureFile {
			t.Errorf("the failure is on a disk: %v, %v", left, err)
		}
	}
}

func TestABuildThatFailsTellsWhyThroughPipes(t *testing.T) {
	call := newCall(t, with{"code": "1", "requirements": []string{"no-such-pearl>=3"}})
	said := tapped(t, call)
	_, err := Plugin{Cache: t.TempDir()}.Run(t.Context(), call)
	if err == nil || !strings.Contains(err.Error(), "there is no package that fits no-such-pearl>=3") {
		t.Errorf("error %v\n%s", err, said)
	}
}
