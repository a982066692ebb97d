package sim

import "weft/machine"

// Plan is the random DAG of a seed, of 5 to 50 tasks with something of everything, for tests of other engines. Its
// expressions read outputs {"ok": bool, "list": […]} and the params yes (true) and no (false).
func Plan(seed uint64, name string) *machine.Plan { return grow(seed, name).plan }
