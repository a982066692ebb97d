package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEachLogIsItsOwn: chains side by side, in which shells are started early and thrown away, and empty logs are handed on;
// each task says its name, and its log says that and nothing else.
func TestEachLogIsItsOwn(t *testing.T) {
	t.Parallel()
	runs := 40
	if soak() {
		runs = 1000
	}
	w := newWorld(t)
	var dag strings.Builder
	dag.WriteString("id: talk\ntasks:\n")
	for _, chain := range []string{"a", "b", "c"} {
		fmt.Fprintf(&dag, "  %s1: {run: 'echo %[1]s1'}\n", chain)
		for n := 2; n <= 4; n++ {
			fmt.Fprintf(&dag, "  %s%d: {needs: %[1]s%[3]d, run: 'echo %[1]s%[2]d'}\n", chain, n, n-1)
		}
	}
	file := w.write("talk.yaml", dag.String())
	for n := range runs {
		id := fmt.Sprintf("r%d", n)
		if r := w.run("run", file, "--run-id", id); r.code != 0 {
			t.Fatalf("exit %d\n%s", r.code, r.out)
		}
		logs, err := filepath.Glob(w.dir + "/state/logs/*/" + id + "/*.log")
		if err != nil || len(logs) != 12 {
			t.Fatalf("%s has %d logs, error %v", id, len(logs), err)
		}
		for _, log := range logs {
			task, _, _ := strings.Cut(filepath.Base(log), ".")
			if said, err := os.ReadFile(log); err != nil || string(said) != task+"\n" {
				t.Errorf("the log of %s %s says %q, error %v", id, task, said, err)
			}
		}
	}
}
