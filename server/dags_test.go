package server

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weft/store"
)

// noon is a moment at which it is summer in Berlin.
var noon = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

func TestDAGsAreListed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Now = func() time.Time { return noon } })
	c := w.client()
	begun, err := c.Trigger(t.Context(), "nightly", Trigger{Run: "by_hand", By: "me"})
	if err != nil || begun.Run != "by_hand" || begun.Existed {
		t.Fatal(begun, err)
	}
	if again, err := c.Trigger(t.Context(), "nightly", Trigger{Run: "by_hand"}); err != nil || !again.Existed {
		t.Errorf("repeated: %+v, %v", again, err)
	}
	list, err := c.DAGs(t.Context())
	if err != nil || len(list.DAGs) != 2 {
		t.Fatal(list, err)
	}
	nightly, old := list.DAGs[0], list.DAGs[1]
	if nightly.ID != "nightly" || nightly.File != "dags/nightly.yaml" || nightly.Words != "at 03:00" || nightly.Timezone != "Europe/Berlin" || nightly.Paused {
		t.Errorf("nightly is %+v", nightly)
	}
	if nightly.Last == nil || nightly.Last.ID != "by_hand" {
		t.Errorf("its last run is %+v", nightly.Last)
	}
	// Seen first at 12:00 in Berlin: its first interval is from 03:00 to 03:00, and due on the day after the next.
	if want := time.Date(2026, 7, 3, 1, 0, 0, 0, time.UTC); nightly.Next == nil || !nightly.Next.Due.Equal(want) || nightly.Next.Run != "scheduled__2026-07-02T01:00:00+00:00" {
		t.Errorf("its next tick is %+v", nightly.Next)
	}
	if old.ID != "old" || !old.Stale || old.Words != "by hand" || old.Next != nil || old.Last != nil {
		t.Errorf("old is %+v", old)
	}
	want := []BrokenFile{{"dags/old.yaml", "old", 1, "2:1: unknown key [S101]"}, {"dags/torn.yaml", "torn", 1, "4:7: a quote is never closed [Y003]"}}
	if len(list.Broken) != 2 || list.Broken[0] != want[0] || list.Broken[1] != want[1] {
		t.Errorf("broken are %+v", list.Broken)
	}
}

func TestADAGIsShown(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Now = func() time.Time { return noon } })
	row := store.DAG{
		ID: "nightly", FirstSeen: noon.AddDate(0, -1, 0), Schedule: `{"schedule":"0 3 * * *","timezone":"Europe/Berlin"}`,
		Since: noon.AddDate(0, -1, 0), Last: noon.AddDate(0, 0, -1), Paused: true, PausedBy: "me",
	}
	missed := store.Missed{DAG: "nightly", First: day, Last: day, Due: day, LastDue: day, Count: 1, Why: "paused", Reason: "the DAG was paused", RecordedAt: noon}
	if err := w.st.Settle(t.Context(), &store.Changes{DAGs: []store.DAG{row}, Missed: []store.Missed{missed}}); err != nil {
		t.Fatal(err)
	}
	c := w.client()
	p, err := c.DAG(t.Context(), "nightly")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Paused || p.PausedBy != "me" || len(p.Coming) != 5 || p.Coming[0].Run != "scheduled__2026-07-01T01:00:00+00:00" || len(p.Missed) != 1 || p.Missed[0].Why != "paused" {
		t.Errorf("it is %+v", p)
	}
	if p, err = c.DAG(t.Context(), "old"); err != nil || !strings.Contains(string(p.Found), `"code":"S101"`) {
		t.Errorf("the findings of old are %s, %v", p.Found, err)
	}
	for id, hint := range map[string]string{"nightli": "did you mean nightly?", "torn": "dags/torn.yaml:4:7: a quote is never closed [Y003]", "zzz": "weft dags lists them"} {
		var bad *Problem
		if _, err := c.DAG(t.Context(), id); !errors.As(err, &bad) || bad.Code != CodeUnknownDAG || bad.Hint != hint {
			t.Errorf("of %s is told %v, %+v", id, err, bad)
		}
	}
	if resp, text := w.ask("GET", "/v1/missed?dag=nightly&limit=5", nil, nil); resp.StatusCode != 200 || !strings.Contains(text, `"reason":"the DAG was paused"`) {
		t.Errorf("missed: %s\n%s", resp.Status, text)
	}
	if resp, text := w.ask("GET", "/v1/missed?dag=other", nil, nil); resp.StatusCode != 200 || !strings.Contains(text, `"missed":[]`) {
		t.Errorf("missed of none: %s\n%s", resp.Status, text)
	}
}

func TestDAGsArePaused(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	if p, err := c.Pause(t.Context(), "nightly", "me", true); err != nil || !p.Paused || w.desk.paused["nightly"] != "me" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := c.Pause(t.Context(), "nightly", "me", false); err != nil || p.Paused || len(w.desk.paused) > 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestTheStatus(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	if _, err := c.StartOnly(t.Context(), request(planOf(t, "d", "slow"), "r")); err != nil {
		t.Fatal(err)
	}
	if err := w.st.Settle(t.Context(), &store.Changes{DAGs: []store.DAG{{ID: "nightly", Paused: true}, {ID: "gone", Paused: true}}}); err != nil {
		t.Fatal(err)
	}
	s, err := c.Status(t.Context())
	want := Counts{DAGs: 2, Paused: 1, Stale: 1, Broken: 2, Running: 1}
	if err != nil || s.Counts != want || s.Format != Format || s.DAGs != "dags" || s.Home != w.home || s.Stopping {
		t.Errorf("%+v, %v; want counts %+v", s, err, want)
	}
	w.hands.let <- struct{}{}
}
