package tests

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestDailyJobsThroughChangesOfOffset is R08 beside others: a daily job through every change of offset of every zone
// (tests/cronlibs/zones.txt: those of the database that are no other name of one, 447),
// 2020 to 2030, by weft's scheduler and by two cron libraries (tests/cronlibs, a module apart).
func TestDailyJobsThroughChangesOfOffset(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "run", ".", "zones.txt")
	cmd.Dir = "cronlibs"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	once, all := map[string]int{}, map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var name string
		var changes, one, none, more int
		if _, err := fmt.Sscan(line, &name, &changes, &one, &none, &more); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		once[name], all[name] = one, changes
		t.Logf("R08: %-20s %4d of %d once, %d not at all, %d more than once", name, one, changes, none, more)
	}
	if once["weft"] != all["weft"] || all["weft"] < 2966 {
		t.Errorf("weft: %d of %d", once["weft"], all["weft"])
	}
	for _, lib := range []string{"robfig/cron", "netresearch/go-cron"} {
		if all[lib] != all["weft"] || once[lib] >= all[lib] {
			t.Errorf("%s: %d of %d: it is counted wrongly, or the comparison is out of date", lib, once[lib], all[lib])
		}
	}
}
