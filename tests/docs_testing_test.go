package tests

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocsTesting takes docs/testing.md at its word: the DAG and the cases in it stand beside each
// other and pass, and the table is the one that is printed.
func TestDocsTesting(t *testing.T) {
	b, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := fence.FindAllStringSubmatch(string(b), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of yaml, not a DAG and its tests", len(blocks))
	}
	w := newWorld(t)
	w.write("dags/orders.yaml", blocks[0][2])
	w.write("dags/orders.test.yaml", blocks[1][2])
	if res := w.run("test"); res.code != 0 || !strings.HasSuffix(res.out, "4 passed, 0 failed\n") {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	table := regexp.MustCompile("(?s)```text\n(publish: .*?)```").FindStringSubmatch(string(b))
	if res := w.run("test", "--exhaustive", "publish", "orders"); table == nil || res.out != table[1] {
		t.Errorf("weft test --exhaustive prints\n%s%s", res.out, res.stderr)
	}
}

// TestTheSchemaOfTestsIsPrinted: what editors read is what the repository's modelines name.
func TestTheSchemaOfTestsIsPrinted(t *testing.T) {
	b, err := os.ReadFile("../schema/test.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if res := newWorld(t).run("test", "--schema"); res.out != string(b) {
		t.Errorf("weft test --schema prints something else (exit %d)", res.code)
	}
}
