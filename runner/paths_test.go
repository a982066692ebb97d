package runner_test

import (
	"strings"
	"testing"

	"weft/machine"
	"weft/plugins"
)

// A filer is a fake that opens the file that its input names.
type filer struct{ fake }

// PathInputs implements plugins.NamesFiles.
func (*filer) PathInputs() (below, anywhere []string) {
	return []string{"file"}, []string{"place"}
}

// TestDataDoesNotLeadAPathUp: `..` must be written by the author, wherever the data come from.
func TestDataDoesNotLeadAPathUp(t *testing.T) {
	for _, c := range []struct {
		path, data string
		passes     bool
	}{
		{"${{ item }}", "a/b.py", true},
		{"/${{ item }}", "data/b.py", true},
		{"/${{ item }}", "/data/b.py", true},
		{"${{ item }}", "a..b/..c/d..", true},
		{"jobs/${{ item }}.py", "a", true},
		{"../jobs/${{ item }}.py", "a", true},
		{"${{ item }}", "../b.py", false},
		{"${{ item }}", "..", false},
		{"${{ item }}", "/data/../etc/passwd", false},
		{"jobs/${{ item }}.py", "../../x", false},
		{"jobs/${{ item }}/x.py", "..", false},
		{"jobs/.${{ item }}/x.py", ".", false},
		{"jobs/..${{ item }}/x.py", "", false},
		{"../jobs/${{ item }}", "a/../../x", false},
		{"jobs/${{ item }}", "a\x00b", false},
	} {
		b := newBench(t, gives(`1`))
		b.Plugins = plugins.NewRegistry(&filer{fake{name: "filer", run: gives(`1`)}}, b.fake)
		for what, task := range map[string]machine.Task{
			"with.file":  {Uses: "filer", With: machine.Raw(`{"file": "` + c.path + `"}`), Places: []machine.Place{{Path: "with.file", Pos: machine.Pos{Line: 9, Col: 7}}}},
			"with.place": {Uses: "filer", With: machine.Raw(`{"place": "` + c.path + `"}`), Places: []machine.Place{{Path: "with.place", Pos: machine.Pos{Line: 9, Col: 7}}}},
			"workdir":    {Workdir: c.path, Places: []machine.Place{{Path: "workdir", Pos: machine.Pos{Line: 9, Col: 7}}}},
		} {
			o := order(task)
			o.Item, o.HasItem = c.data, true
			out := b.attempt(o)
			if c.passes && out.State != machine.Success {
				t.Errorf("%s: %q with %q: %s", what, c.path, c.data, out.Error)
			}
			if !c.passes && (out.Kind != "bad_input" || !strings.HasPrefix(out.Error, "dags/d.yaml:9:7: cannot use the path ") || !strings.Contains(out.Error, "of "+what+":")) {
				t.Errorf("%s: %q with %q: %s %q", what, c.path, c.data, out.State, out.Error)
			}
		}
	}
}

// A path that an expression begins may be absolute where that is how a place is chosen, not for a script.
func TestWhereDataMayChooseThePlace(t *testing.T) {
	b := newBench(t, gives(`1`))
	b.Plugins = plugins.NewRegistry(&filer{fake{name: "filer", run: gives(`1`)}})
	for with, passes := range map[string]bool{`{"place": "${{ item }}"}`: true, `{"file": "${{ item }}"}`: false} {
		o := order(machine.Task{Uses: "filer", With: machine.Raw(with), Workdir: "${{ item }}"})
		o.Item, o.HasItem = "/data/b.py", true
		if out := b.attempt(o); (out.State == machine.Success) != passes || !passes && !strings.Contains(out.Error, "lies below the working directory") {
			t.Errorf("%s: %s %s", with, out.State, out.Error)
		}
	}
}

// What the author writes himself is his own affair.
func TestALiteralPathMayLeadUp(t *testing.T) {
	b := newBench(t, gives(`1`))
	b.Plugins = plugins.NewRegistry(&filer{fake{name: "filer", run: gives(`1`)}})
	if out := b.attempt(order(machine.Task{Uses: "filer", With: machine.Raw(`{"file": "../../x"}`), Workdir: "../.."})); out.State != machine.Success {
		t.Errorf("%s", out.Error)
	}
}
