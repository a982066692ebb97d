package tests

import "testing"

// TestWhyATaskFailedIsSeen: tasks.X.error is a text that passes the validator, decides in `when`, and reaches a
// process as it does in `weft test` (rehearse/testdata/right/errors.yaml).
func TestWhyATaskFailedIsSeen(t *testing.T) {
	w := newWorld(t)
	file := w.write("dags/why.yaml", `
verdict: tasks.told.state == "success"
tasks:
  load: {run: exit 7}
  told:
    needs: load
    trigger: all_done
    when: 'contains(tasks.load.error ?? "", "status 7") && tasks.load.error != null'
    run: 'test "${{ tasks.load.error }}" = "$WHY" && echo "$WHY"'
    env: {WHY: "${{ tasks.load.error }}"}
  fine: {needs: load, trigger: all_done, when: tasks.load.error == null, run: echo}
`)
	if res := w.run("validate", file); res.code != 0 {
		t.Fatalf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	sum, res := w.runJSON(file)
	if got := sum.states("load", "told", "fine"); got != "load=failed told=success fine=skipped" {
		t.Fatalf("%s\n%s%s", got, res.out, res.stderr)
	}
	if got := string(sum.Tasks["told"].Output); got != `"exited with status 7"` {
		t.Errorf("it was told %s", got)
	}
}
