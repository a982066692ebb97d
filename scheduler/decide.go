package scheduler

import (
	"context"
	"slices"
	"time"

	"weft/schedule"
	"weft/store"
)

// A step is what is decided about one DAG in a round. It is in force once it is in the store.
type step struct {
	*dag
	row   store.DAG
	sched *schedule.Schedule
	away  []store.Absence
	fresh []int // places in away of absences that are new or have ended
	from  int   // where those are in the round's changes
	due   []store.Due
}

// decide asks each DAG that is due, or has changed, and remembers what was decided; false if that failed, and is to
// be tried again.
func (s *Service) decide(now time.Time) bool {
	if s.again > 0 && s.conf.Clock.Mono() < s.again {
		return false
	}
	if s.follow(); s.snapshot == nil {
		return false // which DAGs there are is not known yet
	}
	asked := s.queue.due(now)
	var c store.Changes
	var steps []*step
	var err error
	for _, d := range asked {
		var st *step
		if st, err = s.consider(d, now, &c); err != nil {
			break
		}
		steps = append(steps, st)
	}
	if err == nil {
		err = s.write(&c)
	}
	if err != nil {
		for _, d := range asked {
			s.soon(d)
		}
		s.trouble("cannot remember what is due; it is decided again", err)
		return false
	}
	s.again, s.fails = 0, 0
	for _, st := range steps {
		s.apply(st, &c)
	}
	s.away, s.rewound = nil, false // all have been asked about it
	return true
}

// write settles changes, and with them what has been begun.
func (s *Service) write(c *store.Changes) error {
	c.Settled = append(c.Settled, s.settled...)
	if c.Empty() {
		return nil
	}
	if err := s.conf.Store.Settle(context.WithoutCancel(s.ctx), c); err != nil {
		return err
	}
	s.settled = nil
	return nil
}

// follow sees which DAGs are in force now, and has those be asked that have changed.
func (s *Service) follow() {
	snap := s.conf.Catalog.Now()
	if snap == nil || snap == s.snapshot {
		return
	}
	first := s.snapshot == nil
	s.snapshot = snap
	for id, e := range snap.Entries {
		d := s.dags[id]
		if d == nil {
			d = s.known(id)
		}
		changed := !d.here || first || scheduleOf(e.Head) != scheduleOf(d.entry.Head)
		d.entry, d.here = e, true
		if changed {
			s.soon(d)
		}
	}
	for id, d := range s.dags {
		if _, is := snap.Entries[id]; !is && (d.here || first) {
			d.here = false
			s.soon(d)
		}
	}
}

// consider decides about a DAG: what became of its file, of its schedule, and which ticks are due.
func (s *Service) consider(d *dag, now time.Time, c *store.Changes) (*step, error) {
	st := &step{dag: d, row: d.row, sched: d.sched, away: slices.Clone(d.away)}
	if !s.conf.Schedules {
		return st, nil
	}
	var err error
	if st.sched == nil {
		if st.sched, err = read(st.row); err != nil {
			s.conf.Log.Warn("a schedule never fires", "dag", d.id, "reason", err)
		}
	}
	if to := d.rewound; !to.IsZero() {
		if err := s.unmissed(st, to, c); err != nil {
			return nil, err
		}
		st.turnBack(to)
	}
	st.arrive(now)
	st.vanished(s.away)
	if err := s.ticks(st, now, c); err != nil { // of the schedule that was in force until now
		return nil, err
	}
	if st.change(now) {
		if st.sched, err = read(st.row); err != nil {
			s.conf.Log.Warn("a schedule never fires", "dag", d.id, "reason", err)
		}
		if err := s.ticks(st, now, c); err != nil {
			return nil, err
		}
	}
	st.leave(now)
	st.prune(now, c)
	if st.row != d.row {
		c.DAGs = append(c.DAGs, st.row)
	}
	c.Due = append(c.Due, st.due...)
	st.from = len(c.Absences)
	for _, i := range st.fresh {
		c.Absences = append(c.Absences, st.away[i])
	}
	return st, nil
}

// turnBack takes the clock's new time for the last decision. @once stays decided.
func (st *step) turnBack(to time.Time) {
	if st.sched != nil && st.sched.Kind() != schedule.Once {
		st.row.High, st.row.Last = later(st.row.High, st.row.Last), to
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// arrive is a DAG that is seen for the first time, or again.
func (st *step) arrive(now time.Time) {
	if !st.here {
		return
	}
	if st.row.ID == "" {
		st.row = store.DAG{ID: st.id, FirstSeen: now.UTC().Truncate(time.Microsecond), Paused: st.entry.Head.Paused}
		if st.row.Paused {
			st.absent(schedule.Paused, now)
		}
	}
	if p := st.pausing; p != nil {
		if st.row.Paused, st.row.PausedBy = p.pause, p.by; !p.pause {
			st.back(schedule.Paused, now)
		}
	}
	st.back(schedule.Gone, now)
}

// vanished is a DAG that had gone before this server came: nobody knows since when.
func (st *step) vanished(away []absence) {
	if !st.here && len(away) > 0 && st.sched != nil && open(st.away, schedule.Gone) < 0 {
		st.absent(schedule.Gone, away[0].from)
	}
}

// leave is a DAG whose file is gone, or that is paused. What has no schedule misses nothing.
func (st *step) leave(now time.Time) {
	if p := st.pausing; p != nil && p.pause && open(st.away, schedule.Paused) < 0 {
		st.absent(schedule.Paused, now)
	}
	if !st.here && st.sched != nil && open(st.away, schedule.Gone) < 0 {
		st.absent(schedule.Gone, now)
	}
}

// absent begins an absence.
func (st *step) absent(why schedule.Why, now time.Time) {
	st.fresh = append(st.fresh, len(st.away))
	st.away = append(st.away, store.Absence{DAG: st.id, From: now, Why: string(why)})
}

// back ends one.
func (st *step) back(why schedule.Why, now time.Time) {
	if i := open(st.away, why); i >= 0 {
		st.away[i].To = now
		if !slices.Contains(st.fresh, i) {
			st.fresh = append(st.fresh, i)
		}
	}
}

// change puts the schedule of the file in force, if that is another one. Ticks of the new one that lie before are none
// of its own, unless there was none before: then its `start` and `catchup` count.
func (st *step) change(now time.Time) bool {
	raw := scheduleOf(st.entry.Head)
	if !st.here || raw == st.row.Schedule {
		return false
	}
	had := st.row.Schedule != ""
	st.row.Schedule, st.row.Since, st.row.Last = raw, now.UTC().Truncate(time.Microsecond), time.Time{}
	if sched, err := read(st.row); had && err == nil && sched != nil && sched.Kind() != schedule.Once {
		st.row.Last = now.UTC().Truncate(time.Microsecond)
	}
	return true
}

// ticks decides about the ticks until now.
func (s *Service) ticks(st *step, now time.Time, c *store.Changes) error {
	if st.sched == nil {
		return nil
	}
	dec := st.sched.Due(s.question(st.dag, st.row, st.away, now))
	st.row.Last = dec.Last
	for _, t := range dec.Runs {
		st.due = append(st.due, store.Due{DAG: st.id, Logical: t.From, Start: t.From, End: t.To, At: t.Due})
	}
	for _, m := range dec.Missed {
		rec := store.Missed{
			DAG: st.id, First: m.First.From, Last: m.Last.From, Due: m.First.Due, LastDue: m.Last.Due,
			Count: m.Count, More: m.More, Why: string(m.Why), Reason: m.Reason(), RecordedAt: now,
		}
		if m.More || m.First.At.After(st.row.High) { // what is not counted is not looked through
			c.Missed = append(c.Missed, rec)
			continue
		}
		parts, err := s.without(st, rec)
		if err != nil {
			return err
		}
		c.Missed = append(c.Missed, parts...)
	}
	return nil
}

// first is the tick that a record begins with.
func (st *step) first(m store.Missed) (schedule.Tick, bool) {
	return st.sched.Next(m.Due.Add(-st.sched.Shift() - time.Nanosecond))
}

// without is a record of missed ticks but for those that have a run: it began before the clock was set back.
func (s *Service) without(st *step, m store.Missed) (parts []store.Missed, err error) {
	runs, err := s.conf.Store.ListRuns(s.ctx, store.Filter{DAG: st.id, Types: []string{"scheduled", "backfill"}})
	if err != nil {
		return nil, err
	}
	has := map[int64]bool{}
	for _, r := range runs {
		has[r.LogicalDate.UnixMicro()] = true
	}
	open := false
	for t, ok := st.first(m); ok && !t.From.After(m.Last); t, ok = st.sched.Next(t.At) {
		if has[t.From.UnixMicro()] {
			open = false
			continue
		}
		if !open {
			part := m
			part.First, part.Due, part.Count, part.More = t.From, t.Due, 0, false
			parts, open = append(parts, part), true
		}
		last := &parts[len(parts)-1]
		last.Last, last.LastDue = t.From, t.Due
		last.Count++
	}
	return parts, nil
}

// prune forgets absences that are over: everything until now is decided.
func (st *step) prune(now time.Time, c *store.Changes) {
	if lasting(st.away) {
		return
	}
	for _, a := range st.away {
		if a.ID != 0 {
			c.DropAbsences = append(c.DropAbsences, a)
		}
	}
	st.away, st.fresh = nil, nil
}

// apply puts in force what is in the store now.
func (s *Service) apply(st *step, c *store.Changes) {
	d := st.dag
	for k, i := range st.fresh {
		st.away[i].ID = c.Absences[st.from+k].ID
	}
	d.row, d.sched, d.away, d.rewound = st.row, st.sched, st.away, time.Time{}
	if d.due = append(d.due, st.due...); len(d.due) > 0 {
		s.todo[d] = true
	}
	if d.sched == nil || lasting(d.away) || !s.conf.Schedules {
		s.queue.drop(d)
		return
	}
	if at, ok := s.after(d); ok {
		s.queue.put(d, at)
		return
	}
	s.queue.drop(d)
}

// after is when a DAG is due next, if that is known: a continuous one is asked when its run ends.
func (s *Service) after(d *dag) (time.Time, bool) {
	last := d.row.Last
	switch d.sched.Kind() {
	case schedule.Once:
		if !last.IsZero() {
			return time.Time{}, false
		}
	case schedule.Continuous:
		if d.active > 0 || len(d.due) > 0 || d.starting {
			return time.Time{}, false
		}
		last = d.free()
	}
	t, ok := d.sched.Next(last)
	return t.Due, ok
}
