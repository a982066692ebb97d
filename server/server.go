// Package server is weft as a service for other programs: an API over HTTP, given a listener. What it does is done
// by the engine, the scheduler and the store that it is handed; it reads requests, asks them, and says what came of
// it, in JSON. Each resource has a file, and each route a line in one table, with the permission it asks for.
//
// On the machine itself it listens on a Unix socket in the state folder (Listen), which only the folder's owner can
// reach; Client is the other end of it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/runner"
	"weft/scheduler"
	"weft/store"
)

// An Engine drives runs; see runner.Engine.
type Engine interface {
	runner.Engine
	// Mark sets a task's state by hand; it returns when the order is durable.
	Mark(ctx context.Context, run string, order machine.Marked) error
	// Look tells where a run stands by its journal. store.ErrNotFound if there is none.
	Look(ctx context.Context, run string) (Standing, error)
}

// A Standing is where a run stands.
type Standing struct {
	Info    machine.RunInfo
	Summary machine.Summary
	Seq     uint64 // of the newest record that it is folded from
}

// A Scheduler begins runs of DAGs that are in force.
type Scheduler interface {
	Trigger(ctx context.Context, t scheduler.Trigger) (run string, err error)
	Pause(ctx context.Context, dag, by string, pause bool) error
	Backfill(ctx context.Context, row store.Backfill) (store.Backfill, error)
	PauseBackfill(ctx context.Context, id string, pause bool) error
	CancelBackfill(ctx context.Context, id, by string) error
}

// A Catalog knows the DAGs that are in force.
type Catalog interface {
	Now() *catalog.Snapshot // nil until one is known
	Shown(e catalog.Entry) string
}

// A Store is what of the state can be asked for.
type Store interface {
	store.RunList
	store.Schedules
	GetPlan(ctx context.Context, hash string) ([]byte, error)
}

// A Hub lets any number of listeners hear of what changes in runs.
type Hub interface {
	Listen(run string, depth int) *runner.Listener
}

// Config is what a Server is made of.
type Config struct {
	Engine    Engine
	Scheduler Scheduler
	Catalog   Catalog
	Store     Store
	Hub       Hub
	Log       *slog.Logger     // nil: nothing is said
	Now       func() time.Time // nil: the wall's clock

	Version string
	Home    string // state folder
	DAGs    string // what is served, as it was named
	Sandbox bool   // its runs take AWS from inside the program
	Keeps   string // what keeps its runs going, where that is not the engine of this machine: temporal
	PID     int
}

// A Server answers requests.
type Server struct {
	conf     Config
	since    time.Time
	mux      *http.ServeMux
	http     *http.Server
	starting keyed         // runs that are being started, by key
	reading  chan struct{} // bounds the large bodies that are held at one time
	stopping atomic.Bool
}

// How long and how large things may be.
const (
	headerTime = 10 * time.Second
	bodyTime   = 30 * time.Second
	answerTime = time.Minute // also of one stretch of a stream: who takes nothing for so long is cut off
	idleTime   = 2 * time.Minute
	maxHeader  = 64 << 10
	maxBody    = 1 << 20
	maxRequest = 64 << 20 // of a run: its plan may have 10,000 tasks
	atOnce     = 4        // bodies of that size
)

// New makes a server; Serve has it answer. An error is one of the table of routes.
func New(conf Config) (*Server, error) {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Now == nil {
		conf.Now = func() time.Time { return time.Now().UTC() }
	}
	s := &Server{conf: conf, since: conf.Now(), mux: http.NewServeMux(), reading: make(chan struct{}, atOnce)}
	byPath := map[string]map[string]route{}
	for _, rt := range routes {
		if !slices.Contains(permissions, rt.Permission) {
			return nil, fmt.Errorf("route %s %s asks for no permission", rt.Method, rt.Path)
		}
		if byPath[rt.Path] == nil {
			byPath[rt.Path] = map[string]route{}
		}
		byPath[rt.Path][rt.Method] = rt
	}
	for path, methods := range byPath {
		s.mux.Handle(path, s.answer(methods))
	}
	s.mux.Handle("/", s.answer(nil))
	s.http = &http.Server{
		Handler: s.mux, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(conf.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Serve answers who comes by a listener, until Close. Whoever can reach it has the permissions that are granted.
func (s *Server) Serve(l net.Listener, granted ...Permission) error {
	s.http.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, grantedKey{}, granted)
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type grantedKey struct{}

// may tells whether a request has a permission.
func may(r *http.Request, p Permission) bool {
	granted, _ := r.Context().Value(grantedKey{}).([]Permission)
	return slices.Contains(granted, p)
}

// Stop has the server begin nothing more: what runs is still told of.
func (s *Server) Stop() { s.stopping.Store(true) }

// Close ends all connections, after a moment for answers that are under way.
func (s *Server) Close() {
	s.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// answer hands a request to the route of its method, and makes an answer of what goes wrong.
func (s *Server) answer(methods map[string]route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // it is that very value
				s.conf.Log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				write(w, http.StatusInternalServerError, problem{Code: "internal", Error: "the server has failed at this"})
			}
		}()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		rt, ok := methods[r.Method]
		switch {
		case methods == nil:
			write(w, http.StatusNotFound, problem{Code: "no_route", Error: "there is nothing at " + r.URL.Path})
		case !ok:
			for m := range methods {
				w.Header().Add("Allow", m)
			}
			write(w, http.StatusMethodNotAllowed, problem{Code: "no_route", Error: "cannot " + r.Method + " " + r.URL.Path})
		case !may(r, rt.Permission):
			write(w, http.StatusForbidden, problem{Code: "forbidden", Error: "cannot do that: it asks for the permission to " + string(rt.Permission)})
		default:
			if err := rt.handle(s, w, r); err != nil {
				s.fail(w, r, err)
			}
		}
	})
}

// fail answers that something could not be done.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, p := problemOf(err)
	if status >= http.StatusInternalServerError {
		s.conf.Log.Error("cannot do what was asked for", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	write(w, status, p)
}

// accepts refuses to begin anything once the server is ending.
func (s *Server) accepts() error {
	if s.stopping.Load() {
		return scheduler.ErrOver
	}
	return nil
}
