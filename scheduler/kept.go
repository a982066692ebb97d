package scheduler

import (
	"context"
	"time"

	"weft/catalog"
	"weft/schedule"
	"weft/store"
)

// PauseKept pauses a DAG, or ends that, where no server runs: the next one finds it so. The caller holds the lock
// of servers. It is durable on return; changed is false where it was so already.
func PauseKept(ctx context.Context, st store.Schedules, e catalog.Entry, by string, pause bool, now time.Time) (changed bool, err error) {
	kept, err := st.Scheduled(ctx)
	if err != nil {
		return false, err
	}
	row, here := store.DAG{ID: e.ID, FirstSeen: now, Paused: e.Head.Paused}, false
	for _, r := range kept.DAGs {
		if r.ID == e.ID {
			row, here = r, true
		}
	}
	if row.Paused == pause {
		return false, nil
	}
	s := &step{dag: &dag{id: e.ID, here: true, entry: e}, row: row}
	for _, a := range kept.Absences {
		if a.DAG == e.ID {
			s.away = append(s.away, a)
		}
	}
	s.row.Paused, s.row.PausedBy = pause, by
	if pause {
		s.absent(schedule.Paused, now)
	} else if here {
		s.back(schedule.Paused, now)
	}
	c := store.Changes{DAGs: []store.DAG{s.row}}
	for _, i := range s.fresh {
		c.Absences = append(c.Absences, s.away[i])
	}
	return true, st.Settle(ctx, &c)
}
