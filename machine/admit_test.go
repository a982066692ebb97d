package machine

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// want reads "run/task[index] key=value …": pool, slots, priority, order (of the run), file (place),
// parallel, tasks (max_active_tasks); backfill=1.
func want(line string) Want {
	words := strings.Fields(line)
	run, task, _ := strings.Cut(words[0], "/")
	w := Want{Run: run, Key: Key{Task: task, Index: -1, Attempt: 1}, Pool: "default", Slots: 1}
	if name, index, ok := strings.Cut(strings.TrimSuffix(task, "]"), "["); ok {
		w.Key.Task = name
		must(fmt.Sscan(index, &w.Key.Index))
	}
	for _, kv := range words[1:] {
		name, value, _ := strings.Cut(kv, "=")
		if name == "pool" {
			w.Pool = value
			continue
		}
		n := 0
		must(fmt.Sscan(value, &n))
		switch name {
		case "slots":
			w.Slots = n
		case "priority":
			w.Priority = n
		case "order":
			w.RunOrder = int64(n)
		case "file":
			w.Task = n
		case "parallel":
			w.Parallel = n
		case "tasks":
			w.RunTasks = n
		case "backfill":
			w.Backfill = n > 0
		default:
			panic("nobody knows " + kv)
		}
	}
	return w
}

func must(_ int, err error) {
	if err != nil {
		panic(err)
	}
}

func (w Want) label() string {
	if w.Key.Index < 0 {
		return w.Run + "/" + w.Key.Task
	}
	return fmt.Sprintf("%s/%s[%d]", w.Run, w.Key.Task, w.Key.Index)
}

func alive(w Want) Alive { return Alive{Run: w.Run, Key: w.Key, Pool: w.Pool, Slots: w.Slots} }

func TestAdmit(t *testing.T) {
	many := func(format string, n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return out
	}
	cases := []struct {
		says   string
		pools  map[string]int
		alive  []string
		wants  []string
		grants string
	}{
		{"higher priority first", map[string]int{"default": 2}, nil, []string{"r/a", "r/b priority=5", "r/c priority=-1", "r/d priority=9"}, "r/d r/b"},
		{"then the older run", map[string]int{"default": 2}, nil, []string{"a_young/a order=2", "z_old/z order=1 file=9", "y_old/a order=1 file=10"}, "y_old/a z_old/z"},
		{"then the place in the file", map[string]int{"default": 1}, nil, []string{"r/a file=3", "r/z file=1"}, "r/z"},
		{"then the index", map[string]int{"default": 3}, nil, []string{"r/a[10]", "r/a[2]", "r/a[9]", "r/a[11]"}, "r/a[2] r/a[9] r/a[10]"},
		{"priority goes before the age of the run", map[string]int{"default": 1}, nil, []string{"old/a order=1", "young/a order=2 priority=1"}, "young/a"},
		{"an attempt holds its pool_slots", map[string]int{"glue": 5}, nil, []string{"r/a pool=glue slots=3 file=1", "r/b pool=glue slots=2 file=2", "r/c pool=glue slots=1 file=3"}, "r/a r/b"},
		{"what is alive holds its slots", map[string]int{"glue": 5}, []string{"x/a pool=glue slots=4"}, []string{"r/a pool=glue", "r/b pool=glue"}, "r/a"},
		{"a wide one at the head is not starved by narrow ones", map[string]int{"default": 4}, []string{"x/a slots=2"}, []string{"r/wide slots=3 priority=1", "r/narrow"}, ""},
		{"another pool goes on meanwhile", map[string]int{"default": 4, "b": 1}, []string{"x/a slots=2"}, []string{"r/wide slots=3 priority=1", "r/narrow pool=b"}, "r/narrow"},
		{"wider than its pool: alone", map[string]int{"default": 4}, nil, []string{"r/wide slots=9 priority=1", "r/narrow"}, "r/wide"},
		{"wider than its pool: waits until it is alone", map[string]int{"default": 4}, []string{"x/a"}, []string{"r/wide slots=9 priority=1", "r/narrow"}, ""},
		{"beside one that is too wide nothing starts", map[string]int{"default": 4}, []string{"x/wide slots=9"}, []string{"r/a"}, ""},
		{"an unknown pool has 16", nil, nil, many("r/a[%d] pool=new", 20), strings.Join(many("r/a[%d]", 16), " ")},
		{"a pool of nothing grants nothing", map[string]int{"off": 0}, []string{"x/a pool=off"}, []string{"r/a pool=off"}, ""},
		{"max_active_tasks bounds a run", map[string]int{"default": 9}, []string{"r/x"}, []string{"r/a tasks=2 file=1", "r/b tasks=2 file=2", "s/a tasks=2 order=1"}, "r/a s/a"},
		{"a run at its bound holds up nobody", map[string]int{"default": 9}, []string{"r/x", "r/y"}, []string{"r/a tasks=2 priority=9", "s/a"}, "s/a"},
		{"max_active_tasks counts over all pools", map[string]int{"a": 1, "b": 1}, nil, []string{"r/a pool=a tasks=1 file=2", "r/b pool=b tasks=1 file=1"}, "r/b"},
		{"max_parallel bounds the instances", map[string]int{"default": 9}, []string{"r/m[0]"}, []string{"r/m[1] parallel=2", "r/m[2] parallel=2", "r/n file=1", "s/m[0] parallel=2 order=1"}, "r/m[1] r/n s/m[0]"},
		{"a backfill comes after all others of its priority, however old", map[string]int{"default": 3}, nil, []string{"old/a order=1 backfill=1", "young/a order=9", "old/b order=1 backfill=1 priority=1"}, "old/b young/a"},
		{"a backfill leaves a quarter free", nil, nil, many("b/a[%d] backfill=1", 20), strings.Join(many("b/a[%d]", 12), " ")},
		{"of two slots it leaves one", map[string]int{"default": 2}, nil, many("b/a[%d] backfill=1", 3), "b/a[0]"},
		{"of one slot it leaves none", map[string]int{"default": 1}, nil, many("b/a[%d] backfill=1", 3), "b/a[0]"},
		{"what it leaves free is for others, whatever its priority", map[string]int{"default": 4}, []string{"b/x backfill=1 slots=3"}, []string{"b/a backfill=1 priority=9", "r/a"}, "r/a"},
		{"what others hold is not free for it", map[string]int{"default": 4}, []string{"r/x slots=3"}, []string{"b/a backfill=1"}, ""},
		{"it holds up nobody, but for other backfills", map[string]int{"default": 4}, []string{"r/x slots=2"}, []string{"b/wide backfill=1 slots=2 priority=9", "b/a backfill=1 priority=8", "r/a"}, "r/a"},
		{"one that waits for room holds up backfills too", map[string]int{"default": 4}, []string{"r/x slots=2"}, []string{"r/wide slots=3", "b/a backfill=1"}, ""},
		{"a backfill wider than its part runs alone", map[string]int{"default": 4}, nil, []string{"b/wide backfill=1 slots=4", "b/a backfill=1 file=1"}, "b/wide"},
		{"and waits until it is alone", map[string]int{"default": 4}, []string{"r/x"}, []string{"b/wide backfill=1 slots=4"}, ""},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			var list Waitlist
			for _, line := range c.wants {
				list.Add(want(line))
			}
			var living []Alive
			for _, line := range c.alive {
				living = append(living, alive(want(line)))
			}
			var got []string
			for _, w := range Admit(Limits{c.pools}, living, &list) {
				got = append(got, w.label())
			}
			if strings.Join(got, " ") != c.grants {
				t.Errorf("granted %v, want %s", got, c.grants)
			}
			if list.Len() != len(c.wants)-len(got) {
				t.Errorf("%d still wait of %d after %d grants", list.Len(), len(c.wants), len(got))
			}
		})
	}
}

func TestWaitlist(t *testing.T) {
	var list Waitlist
	a, b := want("r/a"), want("s/a order=1")
	list.Add(a)
	list.Add(a)
	list.Add(b)
	if list.Len() != 2 {
		t.Fatalf("a want that is added twice counts once: %d wait", list.Len())
	}
	if !list.Remove("r", a.Key) || list.Remove("r", a.Key) {
		t.Error("Remove tells whether it was there")
	}
	wider := a
	wider.Slots, wider.Pool = 3, "wide"
	list.Add(wider) // again, with other wishes: only the new one counts
	if got := Admit(Limits{}, nil, &list); !reflect.DeepEqual(got, []Want{wider, b}) {
		t.Errorf("granted %+v", got)
	}
	list.Add(a)
	list.Add(b)
	list.RemoveRun("r")
	if got := Admit(Limits{}, nil, &list); !reflect.DeepEqual(got, []Want{b}) || list.Len() != 0 {
		t.Errorf("after RemoveRun granted %+v", got)
	}
}

// TestAdmitNeverOverLimits plays random days of a crowded house: grants keep every limit but for a
// want that is wider than its pool and runs alone in it (a pool of none is closed); none that could go waits; the same input
// gives the same grants, in whatever order it was put in.
func TestAdmitNeverOverLimits(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 11))
		limits := Limits{map[string]int{"a": 1 + rng.IntN(6), "b": rng.IntN(3)}}
		var living []Want
		var waiting []Want
		for day := range 12 {
			for i := range rng.IntN(15) {
				waiting = append(waiting, randomWant(rng, day*100+i))
			}
			var list, again Waitlist
			for _, w := range waiting {
				list.Add(w)
			}
			for _, i := range rng.Perm(len(waiting)) {
				again.Add(waiting[i])
			}
			held := make([]Alive, len(living))
			for i, w := range living {
				held[i] = alive(w)
			}
			got := Admit(limits, held, &list)
			if other := Admit(limits, held, &again); !reflect.DeepEqual(got, other) {
				t.Fatalf("seed %d: granted %v, then %v", seed, got, other)
			}
			living = append(living, got...)
			waiting = slices.DeleteFunc(waiting, func(w Want) bool { return slices.Contains(got, w) })
			if err := overLimits(limits, living); err != nil {
				t.Fatalf("seed %d, day %d: %v", seed, day, err)
			}
			if err := reserved(limits, living, got); err != nil {
				t.Fatalf("seed %d, day %d: %v", seed, day, err)
			}
			if err := idle(limits, living, waiting); err != nil {
				t.Fatalf("seed %d, day %d: %v", seed, day, err)
			}
			living = slices.DeleteFunc(living, func(Want) bool { return rng.IntN(3) == 0 })
		}
	}
}

// randomWant has the bounds of its run and task, which are the same for all of them.
func randomWant(rng *rand.Rand, n int) Want {
	run, task := rng.IntN(4), rng.IntN(3)
	return Want{
		Run: fmt.Sprintf("r%d", run), RunOrder: int64(run / 2), Key: Key{Task: fmt.Sprintf("t%d", task), Index: n, Attempt: 1},
		Pool: pick(rng, []string{"a", "b", "c"}), Slots: 1 + rng.IntN(8)/3*rng.IntN(4), Priority: rng.IntN(3),
		Task: task, Parallel: task * 2, RunTasks: run * 3, Backfill: run == 3,
	}
}

// reserved takes the grants back one by one, the last first: no backfill was granted into the part of
// its pool that is for others, unless it runs alone.
func reserved(limits Limits, living, grants []Want) error {
	taken := map[string]int{}
	for _, w := range living {
		taken[w.Pool] += w.Slots
	}
	for _, w := range slices.Backward(grants) {
		size := limits.Pool(w.Pool)
		if most := size - Reserve(size); w.Backfill && taken[w.Pool] > most && (taken[w.Pool] > w.Slots || w.Slots <= most) {
			return fmt.Errorf("backfill %s was granted %d slots, and then %d of the %d in pool %s are taken", w.label(), w.Slots, taken[w.Pool], size, w.Pool)
		}
		taken[w.Pool] -= w.Slots
	}
	return nil
}

// TestBackfillsNeverHoldOthersUp: as long as others take no more than the reserve they wait for nothing,
// whatever the priorities; and beside backfills of no higher priority they get all that they would get
// without. (Slots are one wide: what is wider may have to wait for its own room.)
func TestBackfillsNeverHoldOthersUp(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 12))
		limits, low := Limits{map[string]int{"a": 1 + rng.IntN(9), "b": 2 + rng.IntN(20)}}, seed%2 == 0
		var living []Want
		for day := range 20 {
			var with, without Waitlist
			others := map[string]int{}
			for i := range rng.IntN(40) {
				w := randomWant(rng, day*100+i)
				w.Slots, w.Parallel, w.RunTasks = 1, 0, 0
				if w.Backfill && low {
					w.Priority = 0
				}
				with.Add(w)
				if !w.Backfill {
					without.Add(w)
					others[w.Pool]++
				}
			}
			held := make([]Alive, len(living))
			for i, w := range living {
				held[i] = alive(w)
				if !w.Backfill {
					others[w.Pool]++
				}
			}
			got := Admit(limits, held, &with)
			alone := Admit(limits, held, &without)
			fresh := slices.DeleteFunc(slices.Clone(got), func(w Want) bool { return w.Backfill })
			if low && len(fresh) < len(alone) {
				t.Fatalf("seed %d, day %d: beside backfills %d of others were granted, without %d", seed, day, len(fresh), len(alone))
			}
			living = append(living, got...)
			for _, pool := range []string{"a", "b"} {
				n := 0
				for _, w := range living {
					if w.Pool == pool && !w.Backfill {
						n++
					}
				}
				if others[pool] <= Reserve(limits.Pool(pool)) && n < others[pool] {
					t.Fatalf("seed %d, day %d: %d of %d wait for pool %s of %d", seed, day, others[pool]-n, others[pool], pool, limits.Pool(pool))
				}
			}
			living = slices.DeleteFunc(living, func(Want) bool { return rng.IntN(3) == 0 })
		}
	}
}

func overLimits(limits Limits, living []Want) error {
	slots, count, runs, tasks := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, w := range living {
		slots[w.Pool] += w.Slots
		count[w.Pool]++
		runs[w.Run]++
		tasks[w.Run+"/"+w.Key.Task]++
	}
	for _, w := range living {
		switch size := limits.Pool(w.Pool); {
		case slots[w.Pool] > size && (count[w.Pool] > 1 || w.Slots <= size || size == 0):
			return fmt.Errorf("pool %s of %d holds %d slots of %d attempts", w.Pool, size, slots[w.Pool], count[w.Pool])
		case w.RunTasks > 0 && runs[w.Run] > w.RunTasks:
			return fmt.Errorf("run %s has %d alive of %d", w.Run, runs[w.Run], w.RunTasks)
		case w.Parallel > 0 && tasks[w.Run+"/"+w.Key.Task] > w.Parallel:
			return fmt.Errorf("%s/%s has %d alive of %d", w.Run, w.Key.Task, tasks[w.Run+"/"+w.Key.Task], w.Parallel)
		}
	}
	return nil
}

// idle finds a want that is first of its pool among those that nothing else holds, fits and waits.
func idle(limits Limits, living, waiting []Want) error {
	for _, w := range waiting {
		now := append(slices.Clone(living), w)
		if overLimits(limits, now) != nil || reserved(limits, now, []Want{w}) != nil {
			continue
		}
		first := true
		for _, other := range waiting {
			unbound := other
			unbound.Pool, unbound.Slots = "nobody's", 0 // only its run and its task may hold it
			holds := before(other, w) && (w.Backfill || !other.Backfill)
			if other.Pool == w.Pool && holds && overLimits(limits, append(slices.Clone(living), unbound)) == nil {
				first = false
			}
		}
		if first {
			return fmt.Errorf("%+v could go and waits", w)
		}
	}
	return nil
}
