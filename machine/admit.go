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

// Alive is an attempt that holds its slots now: occupancy is what is alive, never a counter that
// something must remember to take back.
type Alive struct {
	Run   string
	Key   Key
	Pool  string
	Slots int
}

// A Waitlist holds what is ready, in the order it will be served: by priority (higher first), then
// by the age of the run, then by place in the file, then by index. Its zero value is empty.
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
// held by its run's or task's bound holds up nobody else.
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

// best returns the group whose head is to be granted now, nil if none can be.
func (w *Waitlist) best(o *occupancy) (group, *wants) {
	heads := map[string]group{} // the best open head of each pool
	for g, h := range w.groups {
		w.skim(g, h)
		if h.Len() == 0 || !o.open(g, (*h)[0]) {
			continue
		}
		if best, ok := heads[g.pool]; !ok || before((*h)[0], (*w.groups[best])[0]) {
			heads[g.pool] = g
		}
	}
	var pick group
	var found *wants
	for pool, g := range heads {
		h := w.groups[g]
		need, size, taken := (*h)[0].Slots, o.limits.Pool(pool), o.pools[pool]
		tooWide := need > size && size > 0 && taken == 0 // it would wait for ever: it runs alone
		if need > size-taken && !tooWide {
			continue
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
