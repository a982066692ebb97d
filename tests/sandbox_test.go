package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatternsRunInTheSandbox: with --sandbox the S3 patterns run with no account and no server, and
// what they wrote is there for the next run.
func TestPatternsRunInTheSandbox(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"p1_one_task", "p2_two_in_a_row", "p7_large_data"} {
		file, err := filepath.Abs("../dags/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if sum, res := w.runJSON(file, "--sandbox"); sum.State != "success" {
			t.Errorf("%s is %s\n%s", name, sum.State, res.stderr)
		}
	}
	look := w.write("look.yaml", `
id: look
tasks:
  list: {uses: s3.list, with: {uri: "s3://000000000000-us-east-1-data/projects/weft/"}}
`)
	sum, res := w.runJSON(look, "--sandbox")
	if out := string(sum.Tasks["list"].Output); sum.State != "success" || !strings.Contains(out, "dag1/task1.output.json") {
		t.Errorf("the next run sees %s\n%s", out, res.stderr)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "state", "sandbox")); err != nil {
		t.Errorf("the objects are not in the state folder: %v", err)
	}
}
