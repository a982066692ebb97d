package runner_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"weft/clock"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// makes is a plugin's function that writes files below the scratch folder: name=text, a "|" a pipe.
func makes(files ...string) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		for _, f := range files {
			name, text, _ := strings.Cut(f, "=")
			path := filepath.Join(c.TmpDir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return plugins.Result{}, err
			}
			var err error
			if text == "|" {
				err = syscall.Mkfifo(path, 0o600)
			} else {
				err = os.WriteFile(path, []byte(text), 0o600)
			}
			if err != nil {
				return plugins.Result{}, err
			}
		}
		return plugins.Result{Output: []byte("1"), OutputFile: ""}, nil
	}
}

func file(name, value string) machine.Var {
	return machine.Var{Name: name, Value: value, Pos: machine.Pos{Line: 7, Col: 9}}
}

func TestArtifactsAreKeptAfterSuccess(t *testing.T) {
	b := newBench(t, makes("out/model.bin=model", "out/sub/x=x", ".weft_output=1"))
	o := order(machine.Task{Artifacts: []machine.Var{file("model", "out/${{ run.ds }}model.bin"), file("all", "."), file("out", "out/")}})
	out := b.attempt(o)
	shows(t, out, machine.Success, "", "")
	base := handoff.FileURI(b.Home + "/handoff/d/manual__2026-03-01T12%3A00%3A00%2B00%3A00/count/-/1/artifacts")
	var got []string
	for _, a := range out.Artifacts {
		got = append(got, strings.TrimPrefix(a.URI, base)+" "+a.Name)
		if len(a.SHA256) != 64 || a.Folder() && a.Files != 2 || a.Folder() && a.Size != 6 || !a.Folder() && a.Size != 5 {
			t.Errorf("artifact %+v", a)
		}
	}
	if want := "/model model, /all/ all, /out/ out"; strings.Join(got, ", ") != want || string(out.Output) != "1" {
		t.Errorf("kept %s, want %s; output %s", strings.Join(got, ", "), want, out.Output)
	}
}

func TestArtifactsThatCannotBeKept(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	const below = " (paths of artifacts are below $WEFT_TMPDIR)"
	for _, c := range []struct {
		path, kind, text string
		began            bool
	}{
		{"gone", "remote", "cannot keep artifact a: gone is not there" + below, true},
		{"pipe", "remote", "cannot keep artifact a: pipe is a pipe, and only files and folders travel" + below, true},
		{"link/secret", "remote", "cannot keep artifact a: link/secret leads out of its folder" + below, true},
		{".weft_output", "remote", "cannot keep artifact a: .weft_output is weft's own" + below, true},
		{secret + "x", "remote", "cannot keep artifact a: " + secret + "x is not there", true},
		{"../x", "bad_input", `dags/d.yaml:7:9: cannot keep artifact a: its path is "../x" (it lies below $WEFT_TMPDIR)`, false},
		{`${{ "x/.." }}`, "bad_input", `dags/d.yaml:7:9: cannot keep artifact a: its path is "x/.." (it lies below $WEFT_TMPDIR)`, false},
		{"${{ null }}", "bad_input", `dags/d.yaml:7:9: cannot keep artifact a: its path is "" (it lies below $WEFT_TMPDIR)`, false},
		{`a${{ "\u0000" }}`, "bad_input", `dags/d.yaml:7:9: cannot keep artifact a: its path is "a\x00" (it lies below $WEFT_TMPDIR)`, false},
		{`${{ "/etc/passwd" }}`, "bad_input", `dags/d.yaml:7:9: cannot keep artifact a: an expression gives the absolute path "/etc/passwd" (write such a path as it is, or one below $WEFT_TMPDIR)`, false},
		{"${{ 1 / 0 }}", "bad_input", "dags/d.yaml:7:9: cannot keep artifact a: cannot divide by zero", false},
	} {
		began := false
		b := newBench(t, func(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
			began = true
			if err := os.Symlink(filepath.Dir(secret), filepath.Join(call.TmpDir, "link")); err != nil {
				t.Error(err)
			}
			return makes("pipe=|", ".weft_output=1")(ctx, call)
		})
		out := b.attempt(order(machine.Task{Artifacts: []machine.Var{file("a", c.path)}}))
		if out.State != machine.Failed || out.Kind != c.kind || out.Error != c.text || began != c.began || out.Artifacts != nil {
			t.Errorf("%s: began %v, %s %s: %s\nwant %s", c.path, began, out.State, out.Kind, out.Error, c.text)
		}
		if _, err := os.Stat(b.Home + "/handoff"); err == nil {
			t.Errorf("%s: something was kept", c.path)
		}
	}
}

// TestAHandoffThatIsNoneIsToldFirst: no work is done for artifacts that nobody can take.
func TestAHandoffThatIsNoneIsToldFirst(t *testing.T) {
	b := newBench(t, func(context.Context, *plugins.Call) (plugins.Result, error) {
		t.Error("the work has begun")
		return plugins.Result{}, nil
	})
	o := order(machine.Task{Artifacts: []machine.Var{file("a", "f")}})
	o.Run.Handoff = "s3://b/x"
	shows(t, b.attempt(o), machine.Failed, "bad_input", `cannot use "s3://b/x" as handoff: "b" is no bucket's name (3 to 63 of a-z 0-9 . -)`)
}

func TestAnAbsolutePathIsTheAuthorsWord(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/real", []byte("report"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+"/real", dir+"/latest"); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, makes())
	out := b.attempt(order(machine.Task{Artifacts: []machine.Var{file("a", dir+"/latest")}}))
	if len(out.Artifacts) != 1 || out.Artifacts[0].Size != 6 {
		t.Errorf("%+v", out)
	}
}

func TestAScratchThatIsReplacedIsNotKept(t *testing.T) {
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		if err := os.Remove(c.TmpDir); err != nil {
			t.Error(err)
		}
		return plugins.Result{}, os.Symlink("/etc", c.TmpDir)
	})
	shows(t, b.attempt(order(machine.Task{Artifacts: []machine.Var{file("a", "passwd")}})), machine.Failed, "remote",
		"cannot keep artifact a: $WEFT_TMPDIR is no folder any more (paths of artifacts are below $WEFT_TMPDIR)")
}

// A failure, and a sensor that does not hold, leave nothing.
func TestOnlyASuccessIsKept(t *testing.T) {
	kept := []machine.Var{file("a", "f")}
	b := newBench(t, func(ctx context.Context, c *plugins.Call) (plugins.Result, error) {
		if _, err := makes("f=x")(ctx, c); err != nil {
			return plugins.Result{}, err
		}
		if c.Poke == 0 {
			return plugins.Result{}, plugins.Errorf(plugins.Remote, "exited with status 1")
		}
		return plugins.Result{Output: []byte(`{"n": 1}`)}, nil
	})
	shows(t, b.attempt(order(machine.Task{Artifacts: kept})), machine.Failed, "remote", "exited with status 1")
	sensor := order(machine.Task{Artifacts: kept, Sensor: &machine.Sensor{Until: ask("poke == 3")}})
	if res := b.Poke(t.Context(), sensor, 2, noon); res.Done {
		t.Errorf("poke 2: %+v", res)
	}
	wrong := order(machine.Task{Artifacts: kept, Outputs: []machine.Output{{Name: "m", Schema: []byte(`"integer"`)}}, Sensor: sensor.Task.Sensor})
	if res := b.Poke(t.Context(), wrong, 3, noon); res.Outcome.State != machine.Failed {
		t.Errorf("an output that is wrong: %+v", res)
	}
	if _, err := os.Stat(b.Home + "/handoff"); err == nil {
		t.Error("something was kept")
	}
	if res := b.Poke(t.Context(), sensor, 3, noon); !res.Done || len(res.Outcome.Artifacts) != 1 {
		t.Errorf("poke 3: %+v", res)
	}
	b.nothingLeft()
}

func TestAPluginThatWorksApartHasAFolderForItsFiles(t *testing.T) {
	b := newBench(t, makes("f=x"))
	out := b.attempt(order(machine.Task{Uses: "light", Artifacts: []machine.Var{file("a", "f")}}))
	if len(out.Artifacts) != 1 {
		t.Errorf("%+v", out)
	}
}

// slow is a handoff that answers never.
type slow struct{ handoff.Values }

func (slow) Put(ctx context.Context, _ string, _ io.Reader, _ int64) (machine.Ref, error) {
	<-ctx.Done()
	return machine.Ref{}, ctx.Err()
}

func TestTheTimeoutCoversTheCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, makes("f=x"))
		b.Clock = clock.Real
		b.Handoff = func(string) (handoff.Backend, error) { return slow{}, nil }
		o := order(machine.Task{Timeout: machine.Duration(time.Minute), Artifacts: []machine.Var{file("a", "f")}})
		shows(t, b.attempt(o), machine.Failed, "timeout", "timed out after 1m0s")
	})
}
