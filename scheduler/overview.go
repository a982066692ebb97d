package scheduler

import (
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/schedule"
	"weft/store"
)

// A Listed is what is told of one DAG. Times are UTC.
type Listed struct {
	ID          string      `json:"dag_id"`
	Description string      `json:"description,omitempty"`
	Owner       string      `json:"owner,omitempty"`
	Tags        []string    `json:"tags,omitempty"`
	Version     string      `json:"version"`            // that is in force: the hash of its bundle
	Stale       bool        `json:"stale,omitempty"`    // its file is broken now: this is the last good version
	Schedule    machine.Raw `json:"schedule,omitempty"` // as it is written; none: only by hand
	Timezone    string      `json:"timezone"`
	Words       string      `json:"words"`           // the schedule, for people
	Never       string      `json:"never,omitempty"` // why the schedule never fires
	Paused      bool        `json:"paused"`
	PausedBy    string      `json:"paused_by,omitempty"` // "" = its file
	FirstSeen   time.Time   `json:"first_seen,omitzero"` // by a server; zero: none has seen it yet
	Next        *Tick       `json:"next,omitempty"`      // that becomes a run, unless it is paused by then
	Waiting     int         `json:"waiting,omitempty"`   // ticks that are due and whose runs have not begun
}

// A Tick is one at which a run is due.
type Tick struct {
	Due     time.Time `json:"due"`
	Logical time.Time `json:"logical_date"`
	Start   time.Time `json:"data_interval_start"`
	End     time.Time `json:"data_interval_end"`
	Run     string    `json:"run_id"`
}

// List tells of the DAGs of a snapshot, by id, from what the store remembers of them.
func List(snap *catalog.Snapshot, kept store.Scheduled, now time.Time) []Listed {
	rows := make(map[string]store.DAG, len(kept.DAGs))
	for _, r := range kept.DAGs {
		rows[r.ID] = r
	}
	waiting := map[string]int{}
	for _, d := range kept.Due {
		waiting[d.DAG]++
	}
	out := make([]Listed, 0, len(snap.Entries))
	for _, id := range snap.IDs() {
		l, next := about(snap.Entries[id], rows[id], now)
		if ticks := next(1); len(ticks) > 0 && waiting[id] == 0 {
			l.Next = &ticks[0]
		}
		l.Waiting = waiting[id]
		out = append(out, l)
	}
	return out
}

// Coming are the next ticks of a DAG, n at most.
func Coming(e catalog.Entry, row store.DAG, now time.Time, n int) []Tick {
	_, next := about(e, row, now)
	return next(n)
}

// about tells of a DAG, and how to have its next ticks. A row without id: no server has seen it.
func about(e catalog.Entry, row store.DAG, now time.Time) (l Listed, next func(n int) []Tick) {
	h := e.Head
	l = Listed{
		ID: e.ID, Description: h.Description, Owner: h.Owner, Tags: h.Tags, Version: e.Version, Stale: e.Stale,
		Schedule: h.Schedule, Timezone: h.Timezone, Paused: row.Paused, PausedBy: row.PausedBy, FirstSeen: row.FirstSeen,
	}
	if l.Timezone == "" {
		l.Timezone = "UTC"
	}
	if row.ID == "" {
		l.Paused = h.Paused
	}
	asked := store.DAG{ID: e.ID, Schedule: scheduleOf(h), Since: now}
	if asked.Schedule == row.Schedule {
		asked.Since, asked.Last = row.Since, row.Last
	}
	s, err := read(asked)
	switch {
	case err != nil:
		l.Words, l.Never = "never", err.Error()
		return l, func(int) []Tick { return nil }
	case s == nil:
		l.Words = "by hand"
		return l, func(int) []Tick { return nil }
	}
	l.Words = s.Words()
	return l, func(n int) []Tick { return coming(s, asked.Last, now, n) }
}

// coming are the ticks that have not been decided on. Of a schedule whose ticks follow from runs there is one at most.
func coming(s *schedule.Schedule, last, now time.Time, n int) (out []Tick) {
	from := last
	switch s.Kind() {
	case schedule.Once:
		if !last.IsZero() {
			return nil
		}
		n = min(n, 1)
	case schedule.Continuous:
		from, n = now, min(n, 1)
	case schedule.Timed:
		shift := time.Duration(0) // a tick that the jitter holds back is still to come
		if t, ok := s.Next(now); ok {
			shift = t.Due.Sub(t.At)
		}
		if now.Add(-shift).After(last) {
			from = now.Add(-shift)
		}
	}
	for range n {
		t, ok := s.Next(from)
		if !ok {
			break
		}
		out = append(out, Tick{Due: t.Due, Logical: t.LogicalDate(), Start: t.From, End: t.To, Run: t.RunID()})
		from = t.At
	}
	return out
}
