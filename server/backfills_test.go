package server

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weft/machine"
)

func TestBackfills(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	o := BackfillOrder{DAG: "nightly", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 3, 23, 0, 0, 0, time.UTC), Backwards: true, MaxActive: 2, Params: machine.Raw(`{"n":1}`), By: "me"}
	dates, err := c.Dates(t.Context(), o)
	if err != nil || len(dates.Dates) != 3 || dates.Dates[0].Run != "nightly/backfill__2026-01-03T02:00:00+00:00" || dates.Dates[0].Action != "run" {
		t.Fatalf("the plan is %+v, %v", dates, err)
	}
	b, err := c.Backfill(t.Context(), o)
	if err != nil || b.State != "running" || b.Reprocess != "none" || b.MaxActive != 2 || b.Params != `{"n":1}` || b.By != "me" {
		t.Fatalf("it is %+v, %v", b, err)
	}
	var p *Problem
	if _, err := c.Backfill(t.Context(), o); !errors.As(err, &p) || p.Status != 409 {
		t.Errorf("a second one: %v", err)
	}
	for _, order := range []struct{ what, state string }{{"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"}} {
		if b, err := c.OrderBackfill(t.Context(), b.ID, order.what, "me"); err != nil || b.State != order.state {
			t.Errorf("%s: %+v, %v", order.what, b, err)
		}
	}
	list, err := c.Backfills(t.Context(), "nightly")
	if err != nil || len(list.Backfills) != 1 || list.Backfills[0].State != "cancelled" {
		t.Errorf("listed are %+v, %v", list, err)
	}
	if _, err := c.OrderBackfill(t.Context(), "none", "pause", ""); !errors.As(err, &p) || p.Code != CodeNotFound {
		t.Errorf("of none: %v", err)
	}
}

func TestBackfillsThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	for what, x := range map[string]struct {
		order BackfillOrder
		says  string
	}{
		"a DAG that is not there":      {BackfillOrder{DAG: "none", From: day(1), To: day(2)}, "no DAG none is in force"},
		"one without a schedule":       {BackfillOrder{DAG: "old", From: day(1), To: day(2)}, "no schedule that names dates"},
		"an end before the beginning":  {BackfillOrder{DAG: "nightly", From: day(2), To: day(1)}, "`to` is not after `from`"},
		"no dates at all":              {BackfillOrder{DAG: "nightly"}, "`to` is not after `from`"},
		"a span without a tick":        {BackfillOrder{DAG: "nightly", From: day(1), To: day(1)}, "names no date"},
		"a word that nobody knows":     {BackfillOrder{DAG: "nightly", From: day(1), To: day(2), Reprocess: "some"}, "none, failed or all"},
		"params that are no object":    {BackfillOrder{DAG: "nightly", From: day(1), To: day(2), Params: machine.Raw(`[]`)}, "no JSON object"},
		"more dates than anybody runs": {BackfillOrder{DAG: "nightly", From: day(1).AddDate(-900, 0, 0), To: day(2)}, "more than 100000 dates"},
	} {
		var p *Problem
		if _, err := c.Backfill(t.Context(), x.order); !errors.As(err, &p) || p.Status >= 500 || !strings.Contains(p.Text, x.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if resp, text := w.ask("GET", "/v1/dags/nightly/dates?from=yesterday&to=2026-01-02T00:00:00Z", nil, nil); resp.StatusCode != 400 || !strings.Contains(text, "cannot read from") {
		t.Errorf("%s\n%s", resp.Status, text)
	}
	if len(w.desk.back.ID) > 0 {
		t.Errorf("and yet there is %+v", w.desk.back)
	}
}
