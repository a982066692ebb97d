package temporal

import (
	"context"
	"sync"

	"go.temporal.io/sdk/worker"
)

// A gate bounds what a worker has in hand, over all its queues together. The SDK reserves a slot before it asks a queue for a
// task, and a queue that has none keeps it for as long as a minute: with slots that are simply shared, queues without work
// would keep those of a queue that has some. So a queue may always ask once, as long as the worker has room; what comes
// of that when there is none left waits within, see enter. Of one queue alone no more comes than there is room for.
type gate struct {
	size int

	mu      sync.Mutex
	changed chan struct{}  // closed and made anew when something is given back
	asking  map[string]int // reserved, not used, by queue
	taken   int            // tasks that came and have not ended
	inside  int            // of them those that hold a slot
	shut    bool           // nothing is taken on any more
}

func newGate(size int) *gate {
	return &gate{size: size, changed: make(chan struct{}), asking: map[string]int{}}
}

var _ worker.SlotSupplier = (*gate)(nil)

// A pass is what a permit remembers.
type pass struct {
	queue string
	used  bool
}

// ReserveSlot implements worker.SlotSupplier.
func (g *gate) ReserveSlot(ctx context.Context, info worker.SlotReservationInfo) (*worker.SlotPermit, error) {
	for {
		p, wait := g.reserve(info.TaskQueue())
		if p != nil {
			return p, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *gate) reserve(queue string) (*worker.SlotPermit, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.mayAsk(queue) {
		return nil, g.changed
	}
	g.asking[queue]++
	return &worker.SlotPermit{UserData: &pass{queue: queue}}, nil
}

// mayAsk tells whether a queue may be asked for one more task; mu is held.
func (g *gate) mayAsk(queue string) bool {
	all := 0
	for _, n := range g.asking {
		all += n
	}
	return !g.shut && g.taken < g.size && (g.asking[queue] == 0 || g.taken+all < g.size)
}

// TryReserveSlot implements worker.SlotSupplier. It is for activities that come with a workflow task: of these none is
// asked for.
func (g *gate) TryReserveSlot(worker.SlotReservationInfo) *worker.SlotPermit { return nil }

// MarkSlotUsed implements worker.SlotSupplier.
func (g *gate) MarkSlotUsed(info worker.SlotMarkUsedInfo) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := info.Permit().UserData.(*pass)
	p.used = true
	g.stopAsking(p.queue)
	g.taken++
}

// ReleaseSlot implements worker.SlotSupplier.
func (g *gate) ReleaseSlot(info worker.SlotReleaseInfo) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := info.Permit().UserData.(*pass); p.used {
		g.taken--
	} else {
		g.stopAsking(p.queue)
	}
	g.stir()
}

func (g *gate) stopAsking(queue string) {
	if g.asking[queue]--; g.asking[queue] == 0 {
		delete(g.asking, queue)
	}
}

// stir wakes whoever waits; mu is held.
func (g *gate) stir() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// MaxSlots implements worker.SlotSupplier.
func (g *gate) MaxSlots() int { return g.size }

// enter takes one of the slots, for work that needs one, and waits for it until ctx ends or the gate is closed: false. leave
// gives it back.
func (g *gate) enter(ctx context.Context) (leave func(), ok bool) {
	for {
		g.mu.Lock()
		if g.shut {
			g.mu.Unlock()
			return nil, false
		}
		if g.inside < g.size && ctx.Err() == nil {
			g.inside++
			g.mu.Unlock()
			return sync.OnceFunc(func() {
				g.mu.Lock()
				defer g.mu.Unlock()
				g.inside--
				g.stir()
			}), true
		}
		wait := g.changed
		g.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, false
		}
	}
}

// close has nothing more be asked for.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	g.stir()
}

// busy tells how many slots are held, and how many tasks wait for one.
func (g *gate) busy() (held, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, max(0, g.taken-g.inside)
}
