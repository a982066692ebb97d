package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/store"
)

// Backfills are listed the newest first, those that are over too.
type Backfills struct {
	Format    int              `json:"format"`
	Backfills []store.Backfill `json:"backfills"`
}

// A Backfilled is one backfill, as an order has left it.
type Backfilled struct {
	Format int `json:"format"`
	store.Backfill
}

// A BackfillOrder asks for the runs of a span of logical dates, both inclusive.
type BackfillOrder struct {
	DAG       string      `json:"dag_id"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
	Reprocess string      `json:"reprocess,omitempty"` // none (""), failed, all: which runs that exist are run again
	Backwards bool        `json:"backwards,omitempty"`
	MaxActive int         `json:"max_active,omitempty"` // 0 = 1
	Params    machine.Raw `json:"params,omitempty"`     // JSON object
	By        string      `json:"by,omitempty"`
}

// Dates are those of a backfill, and what it would do about each.
type Dates struct {
	Format int              `json:"format"`
	Dates  []scheduler.Date `json:"dates"`
}

// row is the backfill that is asked for, checked against the DAG that is in force.
func (s *Server) row(o BackfillOrder) (row store.Backfill, err error) {
	if err := s.inForce(o.DAG); err != nil {
		return row, err
	}
	row = store.Backfill{
		DAG: o.DAG, From: o.From, To: o.To, Reprocess: o.Reprocess, Backwards: o.Backwards, MaxActive: max(o.MaxActive, 1), By: o.By,
		Schedule: scheduler.KeptHead(s.conf.Catalog.Now().Entries[o.DAG].Head),
	}
	switch row.Reprocess {
	case "":
		row.Reprocess = "none"
	case "none", "failed", "all":
	default:
		return row, bad("cannot backfill %s: reprocess is none, failed or all, not %q", o.DAG, o.Reprocess)
	}
	if o.From.IsZero() || o.To.Before(o.From) {
		return row, bad("cannot backfill %s: `to` is not after `from`", o.DAG)
	}
	if len(o.Params) > 0 {
		if _, err := runner.DecodeObject("params", o.Params); err != nil {
			return row, bad("%v", err)
		}
		row.Params = string(o.Params)
	}
	dates, err := scheduler.Dates(row.DAG, row.Schedule, row.From, row.To)
	switch {
	case err != nil:
		return row, bad("%v", err)
	case len(dates) == 0:
		return row, bad("cannot backfill %s: its schedule names no date from %s to %s", o.DAG, machine.Timestamp(o.From), machine.Timestamp(o.To))
	}
	return row, nil
}

// planBackfill tells what would be done: from=TIME, to=TIME, reprocess=none|failed|all, backwards=true.
func (s *Server) planBackfill(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	o := BackfillOrder{DAG: r.PathValue("dag"), Reprocess: q.Get("reprocess")}
	for name, t := range map[string]*time.Time{"from": &o.From, "to": &o.To} {
		at, err := time.Parse(time.RFC3339Nano, q.Get(name))
		if err != nil {
			return bad("cannot read %s=%q: write a time such as 2026-01-02T03:04:05Z", name, q.Get(name))
		}
		*t = at
	}
	if text := q.Get("backwards"); text != "" {
		var err error
		if o.Backwards, err = strconv.ParseBool(text); err != nil {
			return bad("cannot read backwards=%q: it is true or false", text)
		}
	}
	row, err := s.row(o)
	if err != nil {
		return err
	}
	dates, err := scheduler.PlanBackfill(r.Context(), s.conf.Store, row)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, Dates{Format: Format, Dates: append([]scheduler.Date{}, dates...)})
	return nil
}

// listBackfills tells of backfills: of one DAG (dag=ID), or of all; limit=N at most.
func (s *Server) listBackfills(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	list, err := s.conf.Store.ListBackfills(r.Context(), r.URL.Query().Get("dag"), limit)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, Backfills{Format: Format, Backfills: append([]store.Backfill{}, list...)})
	return nil
}

// orderBackfill begins one. A DAG has one at a time, so an order that is repeated begins no second.
func (s *Server) orderBackfill(w http.ResponseWriter, r *http.Request) error {
	if err := s.accepts(); err != nil {
		return err
	}
	var o BackfillOrder
	if err := s.decode(w, r, &o); err != nil {
		return err
	}
	row, err := s.row(o)
	if err != nil {
		return err
	}
	if row, err = s.conf.Scheduler.Backfill(context.WithoutCancel(r.Context()), row); err != nil {
		return err
	}
	write(w, http.StatusCreated, Backfilled{Format: Format, Backfill: row})
	return nil
}

func (s *Server) pauseBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.steer(w, r, func(ctx context.Context, id, _ string) error { return s.conf.Scheduler.PauseBackfill(ctx, id, true) })
}

func (s *Server) resumeBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.steer(w, r, func(ctx context.Context, id, _ string) error { return s.conf.Scheduler.PauseBackfill(ctx, id, false) })
}

func (s *Server) cancelBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.steer(w, r, s.conf.Scheduler.CancelBackfill)
}

// steer carries out an order about a backfill, and tells how it stands then.
func (s *Server) steer(w http.ResponseWriter, r *http.Request, order func(ctx context.Context, id, by string) error) error {
	var in Pausing
	if err := s.decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := order(context.WithoutCancel(r.Context()), id, in.By); err != nil {
		return err
	}
	list, err := s.conf.Store.ListBackfills(r.Context(), "", 0)
	if err != nil {
		return err
	}
	for _, row := range list {
		if row.ID == id {
			write(w, http.StatusOK, Backfilled{Format: Format, Backfill: row})
			return nil
		}
	}
	return scheduler.ErrNoBackfill
}
