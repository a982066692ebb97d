package server

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"weft/machine"
	"weft/runner"
	"weft/spec"
	"weft/store"
)

// An Accepted is the answer to what was started or ordered; of a stream its first line.
type Accepted struct {
	Format  int              `json:"format,omitempty"`
	Run     string           `json:"run_id"` // machine.RunKey
	Existed bool             `json:"existed"`
	State   machine.RunState `json:"state,omitempty"` // of a run that existed
}

// startRun starts a run from a whole request. It is told apart from others by its id alone: who repeats a request
// whose answer was lost finds the run, and starts none.
func (s *Server) startRun(w http.ResponseWriter, r *http.Request) error {
	if err := s.accepts(); err != nil {
		return err
	}
	req, err := s.request(w, r)
	if err != nil {
		return err
	}
	key := machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	defer s.starting.lock(key)()
	listener := s.listen(r, key)
	defer listener.Close()
	_, err = s.conf.Engine.Start(context.WithoutCancel(r.Context()), req)
	if err == nil {
		return s.accepted(w, r, listener, http.StatusCreated, Accepted{Run: key})
	}
	return s.existing(w, r, listener, req, err)
}

// request reads the request of a run, and refuses what no run may be.
func (s *Server) request(w http.ResponseWriter, r *http.Request) (req runner.Request, err error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-r.Context().Done():
		return req, r.Context().Err()
	}
	body, err := s.body(w, r, maxRequest)
	if err != nil {
		return req, err
	}
	if req, err = runner.DecodeRequest(body); err != nil {
		return req, bad("%v", err)
	}
	switch {
	case req.Type != "manual":
		return req, bad("cannot start a run of type %q: what is asked for is manual", req.Type)
	case !filepath.IsAbs(req.Dir):
		return req, bad("cannot start a run in folder %q: it is not absolute", req.Dir)
	case req.MaxInstances < 0:
		return req, bad("cannot start a run with max_instances %d", req.MaxInstances)
	case req.LogicalDate.IsZero():
		return req, bad("cannot start a run without a logical_date")
	}
	if err := spec.CheckRunID(req.Run); err != nil {
		return req, bad("%v", err)
	}
	if err := spec.CheckIDs(req.Plan); err != nil {
		return req, bad("%v", err)
	}
	return req, s.sameWorld(req.Sandbox)
}

// sameWorld refuses what belongs into the sandbox while the server is outside, and the other way round.
func (s *Server) sameWorld(sandbox bool) error {
	switch {
	case sandbox && !s.conf.Sandbox:
		return conflict(CodeSandbox, "leave it to weft serve --sandbox, or have this weft drive it", "cannot run in the sandbox: the server runs outside it")
	case !sandbox && s.conf.Sandbox:
		return conflict(CodeSandbox, "leave it to a server that runs outside, or have this weft drive it", "cannot run outside the sandbox: the server runs in it")
	}
	return nil
}

// existing answers a start that found a run of that id. failed says so; any other error is the answer.
func (s *Server) existing(w http.ResponseWriter, r *http.Request, l *runner.Listener, req runner.Request, failed error) error {
	if !errors.Is(failed, store.ErrExists) && !errors.Is(failed, runner.ErrDriven) {
		return failed
	}
	key := machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	row, err := s.conf.Store.GetRun(r.Context(), key)
	if err != nil {
		return failed
	}
	if row.DAG != req.Plan.DAG {
		return conflict(codeExists, "choose another run id", "cannot start run %s of %s: a run of %s has that id", req.Run, req.Plan.DAG, row.DAG)
	}
	return s.goOn(w, r, l, key, true)
}

// resume goes on with a run that nobody drives; one that is driven here, or over, is left as it is.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	if err := s.accepts(); err != nil {
		return err
	}
	key := r.PathValue("run")
	listener := s.listen(r, key)
	defer listener.Close()
	return s.goOn(w, r, listener, key, true)
}

// goOn has a run that exists be driven here, and tells where it stands.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, l *runner.Listener, key string, existed bool) error {
	stands, err := s.conf.Engine.Look(r.Context(), key)
	if err != nil {
		return err
	}
	if !stands.Summary.State.Terminal() {
		if err := s.sameWorld(stands.Info.Sandbox); err != nil {
			return err
		}
		if err := s.conf.Engine.Resume(context.WithoutCancel(r.Context()), key); err != nil {
			return err
		}
	}
	a := Accepted{Run: key, Existed: existed, State: stands.Summary.State}
	if wantsLines(r) {
		return s.stream(w, r, l, key, &a, &stands)
	}
	a.Format = Format
	write(w, http.StatusOK, a)
	return nil
}

// accepted answers that something was begun: by itself, or before what comes of it.
func (s *Server) accepted(w http.ResponseWriter, r *http.Request, l *runner.Listener, status int, a Accepted) error {
	if wantsLines(r) {
		return s.stream(w, r, l, a.Run, &a, nil)
	}
	a.Format = Format
	write(w, status, a)
	return nil
}

// updates tells where a run stands, and what becomes of it until it is over.
func (s *Server) updates(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("run")
	listener := s.conf.Hub.Listen(key, depth)
	defer listener.Close()
	stands, err := s.conf.Engine.Look(r.Context(), key)
	if err != nil {
		return err
	}
	return s.stream(w, r, listener, key, nil, &stands)
}

// listen hears of a run from before anything is done to it, if the caller wants to hear of it at all.
func (s *Server) listen(r *http.Request, key string) *runner.Listener {
	if wantsLines(r) {
		return s.conf.Hub.Listen(key, depth)
	}
	var none runner.Hub
	return none.Listen(key, 1)
}
