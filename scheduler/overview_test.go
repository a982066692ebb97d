package scheduler_test

import (
	"testing"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/scheduler"
	"weft/spec"
	"weft/store"
)

// What a list says of a DAG: when it is due next, by what is remembered of it.
func TestWhatComesNext(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 30, 0, 0, time.UTC)
	ago := now.AddDate(0, -1, 0)
	for _, c := range []struct {
		what     string
		schedule string
		row      store.DAG // but for its schedule, which is that of the file
		due      []store.Due
		next     string // "" = none
		words    string
	}{
		{what: "one without a schedule", words: "by hand"},
		{what: "one that no server has seen", schedule: `"0 * * * *"`, next: "14:00 scheduled__2026-07-01T13:00:00+00:00", words: "at minute 0 of each hour"},
		{what: "one that is known for long", schedule: `"0 * * * *"`, row: store.DAG{Since: ago, Last: now.Add(-30 * time.Minute)}, next: "13:00 scheduled__2026-07-01T12:00:00+00:00", words: "at minute 0 of each hour"},
		{what: "one whose server was away for days", schedule: `"0 * * * *"`, row: store.DAG{Since: ago, Last: now.AddDate(0, 0, -3)}, next: "13:00 scheduled__2026-07-01T12:00:00+00:00", words: "at minute 0 of each hour"},
		{what: "one that has begun its only run", schedule: `"@once"`, row: store.DAG{Since: ago, Last: ago}, words: "once, at `start` or when the DAG is first seen"},
		{what: "one that has ended", schedule: `{"cron": "0 * * * *", "start": "2026-01-01", "end": "2026-01-02"}`, row: store.DAG{Since: ago}, words: "at minute 0 of each hour"},
		{what: "one whose run is due and has not begun", schedule: `"0 * * * *"`, row: store.DAG{Since: ago, Last: now}, due: []store.Due{{DAG: "d"}}, words: "at minute 0 of each hour"},
	} {
		e := catalog.Entry{ID: "d", Head: spec.Head{}}
		kept := store.Scheduled{Due: c.due}
		if c.schedule != "" {
			e.Head.Schedule = machine.Raw(c.schedule)
		}
		if !c.row.Since.IsZero() {
			c.row.ID, c.row.Schedule = "d", scheduler.KeptHead(e.Head)
			kept.DAGs = []store.DAG{c.row}
		}
		snap := &catalog.Snapshot{Entries: map[string]catalog.Entry{"d": e}}
		l := scheduler.List(snap, kept, now)[0]
		next := ""
		if l.Next != nil {
			next = l.Next.Due.Format("15:04 ") + l.Next.Run
		}
		if next != c.next || l.Words != c.words || l.Waiting != len(c.due) {
			t.Errorf("%s: next is %q, in words %q, %d wait; want %q, %q", c.what, next, l.Words, l.Waiting, c.next, c.words)
		}
	}
}

// A tick that the jitter holds back is still to come.
func TestATickThatIsHeldBack(t *testing.T) {
	e := catalog.Entry{ID: "some_dag", Head: spec.Head{Schedule: machine.Raw(`{"cron": "0 * * * *", "jitter": "30m"}`)}}
	row := store.DAG{ID: "some_dag", Schedule: scheduler.KeptHead(e.Head), Since: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Last: time.Date(2026, 7, 1, 11, 0, 0, 0, time.UTC)}
	noon := time.Date(2026, 7, 1, 12, 0, 0, 1, time.UTC)
	ticks := scheduler.Coming(e, row, noon, 2)
	if len(ticks) != 2 || ticks[0].Run != "scheduled__2026-07-01T11:00:00+00:00" || !ticks[0].Due.After(noon) {
		t.Errorf("coming are %+v", ticks)
	}
}
