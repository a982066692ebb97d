package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/spec"
	"weft/store"
)

// A Trigger asks for a run of a DAG that is in force. Who names its run_id may repeat it: there is one run.
type Trigger struct {
	Params  machine.Raw       `json:"params,omitempty"` // JSON object
	Text    map[string]string `json:"text,omitempty"`   // params as text, read as their types say
	Run     string            `json:"run_id,omitempty"`
	Logical *time.Time        `json:"logical_date,omitempty"`
	By      string            `json:"by,omitempty"`
}

// triggerDAG begins a run of a DAG that is in force.
func (s *Server) triggerDAG(w http.ResponseWriter, r *http.Request) error {
	if err := s.accepts(); err != nil {
		return err
	}
	var in Trigger
	if err := s.decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("dag")
	if err := s.inForce(id); err != nil {
		return err
	}
	params, err := runner.DecodeObject("params", in.Params)
	if err != nil {
		return bad("%v", err)
	}
	named := in.Run != ""
	if !named {
		now := s.conf.Now()
		in.Run = runner.RunID("manual", now, now)
	}
	if err := spec.CheckRunID(in.Run); err != nil {
		return bad("%v", err)
	}
	return s.triggered(w, r, id, in, params, named)
}

// triggered begins the run. An id that was made here and is taken is made anew: two may ask within a microsecond.
func (s *Server) triggered(w http.ResponseWriter, r *http.Request, id string, in Trigger, params map[string]any, named bool) error {
	key := machine.RunKey(id, "manual", in.Run)
	defer s.starting.lock(key)()
	listener := s.listen(r, key)
	defer listener.Close()
	_, err := s.conf.Scheduler.Trigger(context.WithoutCancel(r.Context()), scheduler.Trigger{
		DAG: id, Params: params, Text: in.Text, Run: in.Run, Logical: in.Logical, By: in.By,
	})
	taken := errors.Is(err, store.ErrExists) || errors.Is(err, runner.ErrDriven)
	switch {
	case err == nil:
		return s.accepted(w, r, listener, http.StatusCreated, Accepted{Run: key})
	case taken && !named:
		now := s.conf.Now()
		in.Run = runner.RunID("manual", now, now)
		return s.triggered(w, r, id, in, params, named)
	case taken:
		row, missing := s.conf.Store.GetRun(r.Context(), key)
		switch {
		case missing != nil:
			return err
		case row.DAG != id:
			return conflict(codeExists, "choose another run id", "cannot start run %s of %s: a run of %s has that id", in.Run, id, row.DAG)
		}
		return s.goOn(w, r, listener, key, true)
	}
	return err
}
