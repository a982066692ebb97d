package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"weft/machine"
	"weft/store"
)

// order has a fact recorded that somebody ordered of a run: that it is cancelled, that tasks are cleared or marked.
// The body is the fact as a journal has it. A run that nobody drives, also one that is over, is driven here then.
func (s *Server) order(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("run")
	fact, err := s.fact(w, r)
	if err != nil {
		return err
	}
	if _, cancel := fact.(machine.CancelAsked); !cancel { // to end a run is possible to the end
		if err := s.accepts(); err != nil {
			return err
		}
	}
	stands, err := s.conf.Engine.Look(r.Context(), key)
	if err != nil {
		return err
	}
	if err := s.sameWorld(stands.Info.Sandbox); err != nil {
		return err
	}
	listener := s.listen(r, key)
	defer listener.Close()
	ctx := context.WithoutCancel(r.Context()) // who has gone has ordered all the same
	switch f := fact.(type) {
	case machine.CancelAsked:
		if stands.Summary.State.Terminal() {
			return s.goOn(w, r, listener, key, true)
		}
		err = s.conf.Engine.Cancel(ctx, key, f.By, f.Reason)
	case machine.Reopened:
		if _, missing := s.conf.Store.GetPlan(ctx, f.Plan); errors.Is(missing, store.ErrNotFound) {
			return bad("cannot clear tasks of run %s: the store has no plan %s", key, f.Plan)
		}
		err = s.conf.Engine.Reopen(ctx, key, f)
	case machine.Marked:
		err = s.conf.Engine.Mark(ctx, key, f)
	}
	if err != nil {
		return err
	}
	return s.accepted(w, r, listener, http.StatusOK, Accepted{Run: key, Existed: true})
}

// fact reads an order.
func (s *Server) fact(w http.ResponseWriter, r *http.Request) (machine.Fact, error) {
	body, err := s.body(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	var ev machine.Event
	if err := json.Unmarshal(body, &ev); err != nil {
		return nil, bad("%v", err)
	}
	switch f := ev.Fact.(type) {
	case machine.CancelAsked:
	case machine.Reopened:
		if len(f.Tasks) == 0 || f.Plan == "" {
			return nil, bad("cannot clear nothing: reopened names its tasks, and the plan by its hash")
		}
	case machine.Marked:
		switch f.State {
		case machine.Success, machine.Failed, machine.Skipped:
		default:
			return nil, bad("cannot mark task %q %s: a task is marked success, failed or skipped", f.Task, f.State)
		}
	default:
		return nil, bad("cannot order %s: what can be ordered is cancel_asked, reopened and marked", ev.Name())
	}
	return ev.Fact, nil
}
