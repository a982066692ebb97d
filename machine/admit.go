package machine

import "container/heap"

// A Want is an attempt that is ready and wants slots.
type Want struct {
	Run      string
	RunOrder int64 // older runs first; ties by Run
	Key      Key
	Pool     string
	Slots    int
	Priority int // higher first
	Task     int // position in the file; callbacks after the tasks
	// Parallel bounds the instances of the task that may be alive at once; 0 = no bound.
	Parallel int
	// RunTasks bounds the attempts of the run that may be alive at once; 0 = no bound.
	RunTasks int
	// Backfill tells that its run makes up for the past: at one priority it comes after those of all
	// other runs, and it leaves a part of its pool free for them (see Reserve).
	Backfill bool
}

// Limits are the pools and their sizes. A pool that is not named has the size of DefaultPool.
type Limits struct {
	Pools map[string]int
}

// DefaultPool is the size of a pool that nobody configured.
const DefaultPool = 16

// Pool returns the size of a pool.
func (l Limits) Pool(name string) int {
	if n, ok := l.Pools[name]; ok {
		return n
	}
	return DefaultPool
}

// Reserve is how many slots of a pool of that size backfills leave free: a quarter, and one at least
// where there is more than one. So what runs tonight never waits for a whole task of a backfill, unless
// its like has taken the reserve.
func Reserve(size int) int {
	if size <= 1 {
		return 0
	}
	return max(1, size/4)
}

// Alive is an attempt that holds its slots now: occupancy is what is alive, never a counter that
// something must remember to take back.
type Alive struct {
	Run   string
	Key   Key
	Pool  string
	Slots int
}

// A Waitlist holds what is ready, in the order it will be served: by priority (higher first), backfills
// last, then by the age of the run, then by place in the file, then by index. Its zero value is empty.
//
// Wants of one pool, one run and (where max_parallel bounds it) one task share a heap, so that a
// run at its limit is passed over in one look, however much of it is ready.
type Waitlist struct {
	groups map[group]*wants
	where  map[slotKey]Want // what is wanted now; a heap may hold what no longer is
}

type group struct {
	pool, run, task string // task only where Parallel > 0
}

type slotKey struct {
	run string
	key Key
}

// Add puts a want in; one that is there already changes nothing.
func (w *Waitlist) Add(want Want) {
	if w.groups == nil {
		w.groups, w.where = map[group]*wants{}, map[slotKey]Want{}
	}
	id := slotKey{want.Run, want.Key}
	if _, twice := w.where[id]; twice {
		return
	}
	w.where[id] = want
	g := group{pool: want.Pool, run: want.Run}
	if want.Parallel > 0 {
		g.task = want.Key.Task
	}
	h := w.groups[g]
	if h == nil {
		h = new(wants)
		w.groups[g] = h
	}
	heap.Push(h, want)
}

// Remove takes a want out; it tells whether it was there.
func (w *Waitlist) Remove(run string, key Key) bool {
	id := slotKey{run, key}
	if _, ok := w.where[id]; !ok {
		return false
	}
	delete(w.where, id) // the heap forgets it when it comes up
	return true
}

// Len returns how many wait.
func (w *Waitlist) Len() int { return len(w.where) }

// holds tells whether an entry of a heap is still wanted.
func (w *Waitlist) holds(want Want) bool {
	now, ok := w.where[slotKey{want.Run, want.Key}]
	return ok && now == want
}

// Admit grants slots: (limits, what is alive, what is ready) → grants, taken out of ready. It is
// pure: the same input gives the same grants. A want at the head of its pool that does not fit
// holds up the pool for lower ones, so that wide tasks are not starved by narrow ones; one that is
// held by its run's or task's bound holds up nobody else, and a backfill's only other backfills.
func Admit(limits Limits, alive []Alive, ready *Waitlist) []Want {
	if ready.Len() == 0 {
		return nil
	}
	o := newOccupancy(limits, alive)
	var grants []Want
	for {
		g, h := ready.best(o)
		if h == nil {
			return grants
		}
		want := heap.Pop(h).(Want)
		if h.Len() == 0 {
			delete(ready.groups, g)
		}
		delete(ready.where, slotKey{want.Run, want.Key})
		o.take(want)
		grants = append(grants, want)
	}
}

// A seat is where a head stands: backfills have a line of their own in each pool.
type seat struct {
	pool     string
	backfill bool
}

// best returns the group whose head is to be granted now, nil if none can be.
func (w *Waitlist) best(o *occupancy) (pick group, found *wants) {
	heads := map[seat]group{} // the best open head of each
	for g, h := range w.groups {
		w.skim(g, h)
		if h.Len() == 0 || !o.open(g, (*h)[0]) {
			continue
		}
		at := seat{g.pool, (*h)[0].Backfill}
		if best, ok := heads[at]; !ok || before((*h)[0], (*w.groups[best])[0]) {
			heads[at] = g
		}
	}
	for at, g := range heads {
		h := w.groups[g]
		if !o.fits((*h)[0]) {
			continue
		}
		if at.backfill { // not before a head that is first, nor past one that waits for room
			if first, ok := heads[seat{pool: at.pool}]; ok && before((*w.groups[first])[0], (*h)[0]) {
				continue
			}
		}
		if found == nil || before((*h)[0], (*found)[0]) {
			pick, found = g, h
		}
	}
	return pick, found
}

// skim drops heads that were removed.
func (w *Waitlist) skim(g group, h *wants) {
	for h.Len() > 0 {
		if w.holds((*h)[0]) {
			return
		}
		heap.Pop(h)
	}
	delete(w.groups, g)
}

// occupancy is what is taken, counted afresh from what is alive.
type occupancy struct {
	limits Limits
	pools  map[string]int
	runs   map[string]int
	tasks  map[[2]string]int
}

func newOccupancy(limits Limits, alive []Alive) *occupancy {
	o := &occupancy{limits: limits, pools: map[string]int{}, runs: map[string]int{}, tasks: map[[2]string]int{}}
	for _, a := range alive {
		o.pools[a.Pool] += a.Slots
		o.runs[a.Run]++
		o.tasks[[2]string{a.Run, a.Key.Task}]++
	}
	return o
}

func (o *occupancy) open(g group, w Want) bool {
	return (w.RunTasks == 0 || o.runs[g.run] < w.RunTasks) &&
		(w.Parallel == 0 || o.tasks[[2]string{w.Run, w.Key.Task}] < w.Parallel)
}

// fits tells whether there is room for a want in its pool. One that could wait for ever, for it is wider
// than all it may have, runs once the pool is empty.
func (o *occupancy) fits(w Want) bool {
	size, taken := o.limits.Pool(w.Pool), o.pools[w.Pool]
	most := size
	if w.Backfill {
		most -= Reserve(size)
	}
	return w.Slots <= most-taken || w.Slots > most && size > 0 && taken == 0
}

func (o *occupancy) take(w Want) {
	o.pools[w.Pool] += w.Slots
	o.runs[w.Run]++
	o.tasks[[2]string{w.Run, w.Key.Task}]++
}

// wants is a heap by before.
type wants []Want

func before(a, b Want) bool {
	switch {
	case a.Priority != b.Priority:
		return a.Priority > b.Priority
	case a.Backfill != b.Backfill:
		return b.Backfill
	case a.RunOrder != b.RunOrder:
		return a.RunOrder < b.RunOrder
	case a.Run != b.Run:
		return a.Run < b.Run
	case a.Task != b.Task:
		return a.Task < b.Task
	}
	return compareKeys(a.Key, b.Key) < 0
}

func (h wants) Len() int           { return len(h) }
func (h wants) Less(i, j int) bool { return before(h[i], h[j]) }
func (h wants) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *wants) Push(x any)        { *h = append(*h, x.(Want)) }
func (h *wants) Pop() any {
	old := *h
	w := old[len(old)-1]
	*h = old[:len(old)-1]
	return w
}

// RemoveRun takes out all that a run wants.
func (w *Waitlist) RemoveRun(run string) {
	for id := range w.where {
		if id.run == run {
			delete(w.where, id)
		}
	}
}
