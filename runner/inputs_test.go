package runner_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// listsScratch is a plugin's function whose output is what lies in the scratch folder: {"path": "text"}.
func listsScratch(_ context.Context, c *plugins.Call) (plugins.Result, error) {
	found := map[string]string{}
	err := filepath.WalkDir(c.TmpDir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == c.TmpDir {
			return err
		}
		name := strings.TrimPrefix(p, c.TmpDir+"/")
		if d.IsDir() {
			found[name+"/"] = ""
			return nil
		}
		b, err := os.ReadFile(p)
		found[name] = string(b)
		return err
	})
	if err != nil {
		return plugins.Result{}, err
	}
	out, err := plugins.EncodeOutput(found)
	return plugins.Result{Output: out}, err
}

// A shelf is a bench with tasks that have left something: train a file and a folder, part a piece
// of two of three instances, small an output that is kept with the run, large one that is not.
type shelf struct {
	*bench
	views map[string]machine.TaskView
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{bench: newBench(t, makes("out/m=model", "out/sub/x=x"))}
	o := order(machine.Task{Artifacts: []machine.Var{file("model", "out/m"), file("all", "out")}})
	train := s.attempt(o)
	put, _ := spills(s.bench)
	ok := machine.Success
	part := func(i int) machine.InstanceView {
		return machine.InstanceView{Index: i, State: ok, Output: machine.Raw(fmt.Sprint(i)), Artifacts: []machine.Artifact{{
			Name: "piece", Ref: *put(fmt.Sprintf("d/r/part/%d/1/artifacts/piece", i), fmt.Sprintf("piece %d", i)),
		}}}
	}
	s.views = map[string]machine.TaskView{
		"train": {State: ok, Artifacts: train.Artifacts, Declared: []string{"model", "all"}},
		"part": {State: machine.Failed, Mapped: true, Declared: []string{"piece"}, Instances: []machine.InstanceView{
			part(0), {Index: 1, State: machine.Failed}, part(2),
		}},
		"small":  {State: ok, Output: machine.Raw(`{"rows":3}`)},
		"large":  {State: ok, Ref: put("d/r/large/-/1/output.json", `"a large value"`)},
		"broken": {State: machine.Failed, Declared: []string{"model"}},
		"marked": {State: ok, Declared: []string{"model"}},
		"a-b":    {State: machine.Skipped},
		"later":  {},
	}
	s.fake.run = listsScratch
	for name, text := range map[string]string{"sql/q.sql": "select", "sql/lib/f.sql": "f", "x": "x"} {
		path := filepath.Join(s.Home, "dags", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *shelf) lay(inputs ...machine.Var) machine.Outcome {
	o := order(machine.Task{Inputs: inputs})
	o.Tasks = s.views
	return s.attempt(o)
}

func TestInputsLieThereBeforeTheStart(t *testing.T) {
	s := newShelf(t)
	abs := filepath.Join(t.TempDir(), "host")
	if err := os.WriteFile(abs, []byte("host"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, value, want string }{
		{"model.bin", "${{ tasks.train.artifacts.model }}", `{"model.bin":"model"}`},
		{"deep/er", "${{ tasks.train.artifacts.all }}", `{"deep/":"","deep/er/":"","deep/er/m":"model","deep/er/sub/":"","deep/er/sub/x":"x"}`},
		{"parts", "${{ tasks.part.artifacts.piece }}", `{"parts/":"","parts/0":"piece 0","parts/2":"piece 2"}`},
		{"one", "${{ tasks.part.instances[2].artifacts.piece }}", `{"one":"piece 2"}`},
		{"none", "${{ filter(tasks.part.artifacts.piece, false) }}", `{"none/":""}`},
		{"out.json", "${{ tasks.small.ref }}", `{"out.json":"{\"rows\":3}"}`},
		{"out.json", "${{ tasks.large.ref }}", `{"out.json":"\"a large value\""}`},
		{"outs", "${{ map(tasks.part.instances, .ref) }}", `{"outs/":"","outs/0":"0","outs/2":"2"}`},
		{"data", `${{ {"uri": "data:,x", "size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"} }}`, `{"data":"x"}`},
		{"q", "sql/q.sql", `{"q":"select"}`},
		{"q", `sql/${{ "q" }}.sql`, `{"q":"select"}`},
		{"q", "sql", `{"q/":"","q/lib/":"","q/lib/f.sql":"f","q/q.sql":"select"}`},
		{"abs", abs, `{"abs":"host"}`},
		{"mixed", `${{ ["x", tasks.train.artifacts.model] }}`, `{"mixed/":"","mixed/0":"x","mixed/1":"model"}`},
	} {
		if out := s.lay(file(c.path, c.value)); string(out.Output) != c.want {
			t.Errorf("%s: %s\n got %s %s\nwant %s", c.path, c.value, out.Output, out.Error, c.want)
		}
	}
}

// Elsewhere a small output has no reference: it is kept with the run.
func TestTheRefOfASmallOutputIsThereInInputsAlone(t *testing.T) {
	s := newShelf(t)
	s.fake.run = echo
	o := order(machine.Task{With: machine.Raw(`{"ref": "${{ tasks.small.ref }}", "inst": "${{ tasks.part.instances[0].ref }}"}`), Inputs: []machine.Var{file("x", "${{ tasks.small.ref }}")}})
	o.Tasks = s.views
	if out := s.attempt(o); string(out.Output) != `{"inst":null,"ref":null}` {
		t.Errorf("%s %s", out.Output, out.Error)
	}
}

func TestInputsThatCannotBeLaidOut(t *testing.T) {
	s := newShelf(t)
	at := func(text string) string { return "dags/d.yaml:7:9: cannot lay out input in: " + text }
	ref := func(uri string) string {
		return fmt.Sprintf(`${{ {"uri": %q, "size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"} }}`, uri)
	}
	for _, c := range []struct{ value, kind, text string }{
		{"${{ tasks.broken.artifacts.model }}", "bad_input", at("the expression gives null: task broken is failed")},
		{`${{ tasks["a-b"].artifacts.model }}`, "bad_input", at("the expression gives null: task a-b is skipped")},
		{"${{ tasks.later.artifacts.model }}", "bad_input", at("the expression gives null: task later had not finished")},
		{"${{ tasks.marked.artifacts.model }}", "bad_input", at("the expression gives null: task marked is success and has kept nothing (it was marked by hand, or ran under another version; weft clear runs it again)")},
		{"${{ tasks.train.artifacts.nothing }}", "bad_input", at("the expression gives null: there is no such artifact or output")},
		{"${{ tasks.train.ref }}", "bad_input", at("the expression gives null: there is no such artifact or output")},
		{"${{ tasks.small.output }}", "bad_input", at("the expression gives a map without uri, size and sha256 (name tasks.X.artifacts.NAME or tasks.X.ref)")},
		{"${{ tasks.small.output.rows }}", "bad_input", at("the expression gives a number, and no file (name tasks.X.artifacts.NAME, tasks.X.ref or a path)")},
		{"${{ [[1]] }}", "bad_input", at("a list in a list is no file")},
		{"${{ 1 / 0 }}", "bad_input", "dags/d.yaml:7:9: cannot evaluate inputs.in: cannot divide by zero"},
		{`${{ "/etc/passwd" }}`, "bad_input", at(`an expression gives the absolute path "/etc/passwd" (write such a path as it is, or one below the folder of the DAG file)`)},
		{`${{ "../log" }}`, "bad_input", at("../log holds `..`")},
		{`${{ "a\u0000" }}`, "bad_input", at(`"a\x00" holds a NUL`)},
		{"${{ '' }}", "bad_input", at("its path is empty")},
		{"gone.sql", "temporary", "cannot lay out input in: gone.sql is not there"},
		{"/gone/x", "temporary", "cannot lay out input in: /gone/x is not there"},
		{ref("file:///etc/passwd"), "bad_input", at("cannot read file:///etc/passwd: it lies outside " + s.Home + "/handoff")},
		{ref(handoff.FileURI(s.Home + "/handoff/gone")), "temporary", "cannot lay out input in: cannot read " + handoff.FileURI(s.Home+"/handoff/gone") + ": no such file or directory"},
		{ref("data:,y"), "temporary", "cannot lay out input in: cannot read data:,y: its bytes are not those that were put there (SHA-256 differs)"},
		{ref("data:,yy"), "temporary", "cannot lay out input in: cannot read data:,yy: it is longer than the 1 bytes that were put there"},
	} {
		s.fake.run = func(context.Context, *plugins.Call) (plugins.Result, error) {
			t.Errorf("%s: the plugin was started", c.value)
			return plugins.Result{}, nil
		}
		out := s.lay(file("first", "x"), file("in", c.value))
		if out.State != machine.Failed || out.Kind != c.kind || out.Error != c.text {
			t.Errorf("%s: %s %s\n got %s\nwant %s", c.value, out.State, out.Kind, out.Error, c.text)
		}
	}
}

func TestAnArtifactThatWasTamperedWithStopsTheTask(t *testing.T) {
	s := newShelf(t)
	uri := s.views["train"].Artifacts[1].URI
	inside, err := filepath.Glob(s.Home + "/handoff/d/*/count/-/1/artifacts/all/sub/x")
	if err != nil || len(inside) != 1 {
		t.Fatalf("%v, %v", inside, err)
	}
	if err := os.WriteFile(inside[0], []byte("y"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.lay(file("in", "${{ tasks.train.artifacts.all }}"))
	if out.Kind != "temporary" || out.Error != "cannot lay out input in: cannot read "+uri+"sub/x: its bytes are not those that were put there (SHA-256 differs)" {
		t.Errorf("%s: %s", out.Kind, out.Error)
	}
}
