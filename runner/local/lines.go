package local

import (
	"container/heap"

	"weft/machine"
)

// A line is the runs that one max_active_runs bounds together: of one DAG those of its backfills, or all
// others. So a backfill holds back no run of tonight, nor is it held back by one.
type line struct {
	key    lineKey
	active int      // drives whose run is at work, or has been admitted
	coming int      // runs that are being made durable
	held   heldRuns // those that wait
}

type lineKey struct {
	dag      string
	backfill bool
}

// lines are those that have a run.
type lines struct {
	all  map[lineKey]*line
	came uint64
}

// of returns the line of a DAG's runs of one type.
func (ls *lines) of(dag, kind string) *line {
	key := lineKey{dag, kind == backfill}
	l := ls.all[key]
	if l == nil {
		l = &line{key: key}
		if ls.all == nil {
			ls.all = map[lineKey]*line{}
		}
		ls.all[key] = l
	}
	return l
}

// backfill is the type of runs that make up for the past.
const backfill = "backfill"

// full tells whether a line has as many runs at work as it may.
func (l *line) full(limit int) bool { return limit > 0 && l.active+l.coming >= limit }

// join puts a run in its line.
func (ls *lines) join(d *drive) {
	ls.came++
	d.line, d.came, d.heldAt = ls.of(d.row.DAG, d.row.Type), ls.came, -1
	if d.run.State() == machine.RunQueued {
		heap.Push(&d.line.held, d)
		return
	}
	d.line.active++
}

// leave takes a run out.
func (ls *lines) leave(d *drive) {
	if d.heldAt >= 0 {
		heap.Remove(&d.line.held, d.heldAt)
	} else {
		d.line.active--
	}
	ls.tidy(d.line)
}

// tidy forgets a line without runs.
func (ls *lines) tidy(l *line) {
	if l.active+l.coming+len(l.held) == 0 {
		delete(ls.all, l.key)
	}
}

// admitRuns lets held runs of a line begin, in the order of their logical dates.
func (c *Core) admitRuns(l *line) {
	for len(l.held) > 0 && c.drain == nil {
		d := l.held[0]
		p := d.run.Plan()
		if p == nil || l.full(p.MaxActiveRuns) {
			return
		}
		heap.Pop(&l.held)
		l.active++
		d.record(machine.RunAdmitted{})
	}
}

// hold counts a run that is about to be made durable, and tells whether it must be held. arrived must
// follow, once it is or is not.
func (c *Core) hold(p *machine.Plan, kind string) (hold bool) {
	l := c.lines.of(p.DAG, kind)
	hold = l.full(p.MaxActiveRuns)
	l.coming++
	return hold
}

func (c *Core) arrived(dag, kind string) {
	l := c.lines.of(dag, kind)
	l.coming--
	c.admitRuns(l) // its place is free if it did not come
	c.lines.tidy(l)
}

// heldRuns is a heap by logical date, then as they came.
type heldRuns []*drive

func (h heldRuns) Len() int { return len(h) }
func (h heldRuns) Less(i, j int) bool {
	if by := h[i].row.LogicalDate.Compare(h[j].row.LogicalDate); by != 0 {
		return by < 0
	}
	return h[i].came < h[j].came
}

func (h heldRuns) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heldAt, h[j].heldAt = i, j
}

func (h *heldRuns) Push(x any) {
	d := x.(*drive)
	d.heldAt = len(*h)
	*h = append(*h, d)
}

func (h *heldRuns) Pop() any {
	old := *h
	d := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	d.heldAt = -1
	return d
}
