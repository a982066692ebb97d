package server

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/store"
)

// A BackfillOrder asks for the runs of a span of logical dates, both ends included.
type BackfillOrder struct {
	DAG       string      `json:"dag_id"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
	Reprocess string      `json:"reprocess"` // none, failed, all: which runs that exist are run again
	Backwards bool        `json:"backwards,omitempty"`
	MaxActive int         `json:"max_active"`
	Params    machine.Raw `json:"params,omitempty"` // JSON object
	By        string      `json:"by,omitempty"`
	Plan      bool        `json:"plan,omitempty"` // only tell what would be done
}

// A Backfill is one that was ordered.
type Backfill struct {
	Format int `json:"format"`
	store.Backfill
}

// A BackfillPlan is what one would do.
type BackfillPlan struct {
	Format int              `json:"format"`
	Dates  []scheduler.Date `json:"dates"` // in the order in which they are seen to
}

// Backfills are those that were ordered, the newest first.
type Backfills struct {
	Format    int              `json:"format"`
	Backfills []store.Backfill `json:"backfills"`
}

func (s *Server) listBackfills(w http.ResponseWriter, r *http.Request) error {
	list, err := s.conf.Store.ListBackfills(r.Context(), r.URL.Query().Get("dag"), mostListed)
	if err == nil {
		write(w, http.StatusOK, Backfills{Format: Format, Backfills: append([]store.Backfill{}, list...)})
	}
	return err
}

// row is an order as it is kept.
func (o BackfillOrder) row() store.Backfill {
	return store.Backfill{
		DAG: o.DAG, From: o.From, To: o.To, Reprocess: o.Reprocess, Backwards: o.Backwards, MaxActive: o.MaxActive,
		Params: string(o.Params), By: o.By,
	}
}

// orderBackfill begins a backfill, or tells what one would do.
func (s *Server) orderBackfill(w http.ResponseWriter, r *http.Request) error {
	if err := s.accepts(); err != nil {
		return err
	}
	var in BackfillOrder
	if err := s.decode(w, r, &in); err != nil {
		return err
	}
	if err := s.inForce(in.DAG); err != nil {
		return err
	}
	if _, err := runner.DecodeObject("params", in.Params); err != nil {
		return bad("%v", err)
	}
	if err := scheduler.CheckBackfill(in.row()); err != nil {
		return bad("%v", err)
	}
	if in.Plan {
		dates, err := s.conf.Scheduler.PlanBackfill(r.Context(), in.row())
		if err == nil {
			write(w, http.StatusOK, BackfillPlan{Format: Format, Dates: dates})
		}
		return err
	}
	row, err := s.conf.Scheduler.Backfill(context.WithoutCancel(r.Context()), in.row())
	if err == nil {
		write(w, http.StatusCreated, Backfill{Format, row})
	}
	return err
}

func (s *Server) pauseBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.backfillOrder(w, r, func(ctx context.Context, id, _ string) error { return s.conf.Scheduler.PauseBackfill(ctx, id, true) })
}

func (s *Server) resumeBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.backfillOrder(w, r, func(ctx context.Context, id, _ string) error { return s.conf.Scheduler.PauseBackfill(ctx, id, false) })
}

func (s *Server) cancelBackfill(w http.ResponseWriter, r *http.Request) error {
	return s.backfillOrder(w, r, s.conf.Scheduler.CancelBackfill)
}

// backfillOrder carries an order about a backfill out, and answers how that is then.
func (s *Server) backfillOrder(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, id, by string) error) error {
	var in Pausing
	if err := s.decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("backfill")
	if err := do(context.WithoutCancel(r.Context()), id, in.By); err != nil {
		return err
	}
	list, err := s.conf.Store.ListBackfills(r.Context(), "", 0)
	if err != nil {
		return err
	}
	for _, row := range list {
		if row.ID == id {
			write(w, http.StatusOK, Backfill{Format, row})
			return nil
		}
	}
	return scheduler.ErrNoBackfill
}

// Backfills lists those that were ordered, of one DAG or (dag is "") of all.
func (c *Client) Backfills(ctx context.Context, dag string) (out Backfills, err error) {
	err = c.ask(ctx, http.MethodGet, "/v1/backfills?dag="+url.QueryEscape(dag), nil, &out)
	return out, err
}

// PlanBackfill tells what an order would do.
func (c *Client) PlanBackfill(ctx context.Context, o BackfillOrder) (out BackfillPlan, err error) {
	o.Plan = true
	err = c.ask(ctx, http.MethodPost, "/v1/backfills", o, &out)
	return out, err
}

// Backfill orders one.
func (c *Client) Backfill(ctx context.Context, o BackfillOrder) (out Backfill, err error) {
	err = c.ask(ctx, http.MethodPost, "/v1/backfills", o, &out)
	return out, err
}

// OrderBackfill has one pause, resume or cancel.
func (c *Client) OrderBackfill(ctx context.Context, id, what, by string) (out Backfill, err error) {
	err = c.ask(ctx, http.MethodPost, "/v1/backfills/"+url.PathEscape(id)+"/"+what, Pausing{By: by}, &out)
	return out, err
}
