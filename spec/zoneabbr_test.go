package spec

import (
	"strings"
	"testing"
)

// TestAbbreviationsOfZones: each is told of with places, which are there; none of them is a zone itself.
func TestAbbreviationsOfZones(t *testing.T) {
	for short, names := range zoneShort {
		if findZone(strings.ToUpper(short)) != nil {
			t.Errorf("%s is a zone: nobody would ask", short)
		}
		for _, name := range names {
			if findZone(name) == nil {
				t.Errorf("%s: there is no zone %s", short, name)
			}
		}
	}
	_, found := Parse("d.yaml", []byte("schedule: {cron: \"0 6 * * *\", timezone: PST}\ntasks: {a: {run: echo}}\n"), online())
	const want = "1:41-1:44 error[T406] there is no time zone \"PST\"\n    ^ write `America/Los_Angeles`\n" +
		"    help: an abbreviation says one offset, or several; a place knows when its clocks change\n"
	if got := show(found); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestAPoolWithoutSlots: where a task names no pool its key is pointed at.
func TestAPoolWithoutSlots(t *testing.T) {
	o := online()
	o.Pools = map[string]int{"default": 0, "glue": 2}
	_, found := Parse("d.yaml", []byte("verdict: strict\ntasks:\n  a: {run: echo}\n  b: {run: echo, pool: default}\n  c: {run: echo, pool: glue, pool_slots: 3}\n"), o)
	const want = "3:3-3:4 error[S112] pool \"default\" has no slots: task \"a\" would never run\n" +
		"4:24-4:31 error[S112] pool \"default\" has no slots: task \"b\" would never run\n" +
		"5:42-5:43 error[S112] task \"c\" wants 3 slots of pool \"glue\", which has 2: it would never run\n"
	if got := show(found); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
