// Package near keeps what store/temporal remembers in this process, without a Temporal server: for tests of what
// builds on it, in virtual time. What goes to a DAG and back goes through JSON, as it does there, and a DAG goes on as a
// new execution again and again.
package near

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	wire "weft/runner/temporal"
	"weft/store"
	"weft/store/temporal"
)

// A Server is a temporal.Far.
type Server struct {
	// Now is the server's clock.
	Now func() time.Time
	// Lose, if not nil, is asked at each update of a DAG whether its answer is lost: it was carried out all the same.
	Lose func(dag string) bool

	mu      sync.Mutex
	dags    map[string]*temporal.Entity
	updates int
}

var _ temporal.Far = (*Server)(nil)

// ErrLost is what is heard of an update whose answer was lost.
var ErrLost = errors.New("the answer was lost")

// anew is after how many updates a DAG goes on as a new execution.
const anew = 7

func copied[T any](v T) (out T) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("%T does not go over the wire: %v", v, err))
	}
	return out
}

func update[A, R any](s *Server, dag string, arg A, do func(e *temporal.Entity, arg A) (R, error)) (none R, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.dags[dag]
	if e == nil {
		if s.dags == nil {
			s.dags = map[string]*temporal.Entity{}
		}
		e = &temporal.Entity{}
		s.dags[dag] = e
	}
	out, err := do(e, copied(arg))
	if err != nil {
		return none, err
	}
	if s.updates++; s.updates%anew == 0 {
		e = copied(e)
		s.dags[dag] = e
	}
	e.Admitted = nil // they hear of it at once
	if s.Lose != nil && s.Lose(dag) {
		return none, ErrLost
	}
	return copied(out), nil
}

func query[R any](s *Server, dag string, ask func(e *temporal.Entity) R) (none R, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.dags[dag]
	if e == nil {
		return none, fmt.Errorf("nothing is remembered of %s: %w", dag, store.ErrNotFound)
	}
	return copied(ask(e)), nil
}

// DAGs implements temporal.Far.
func (s *Server) DAGs(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.dags)), nil
}

// Claim implements temporal.Far.
func (s *Server) Claim(_ context.Context, dag string, c temporal.Claim) (temporal.Claimed, error) {
	return update(s, dag, c, (*temporal.Entity).Claim)
}

// Settle implements temporal.Far.
func (s *Server) Settle(_ context.Context, dag string, c temporal.Settle) (temporal.Settled, error) {
	return update(s, dag, c, (*temporal.Entity).Settle)
}

// Arrive implements temporal.Far.
func (s *Server) Arrive(_ context.Context, a wire.Arrival) (wire.Place, error) {
	return update(s, a.DAG, a, func(e *temporal.Entity, a wire.Arrival) (wire.Place, error) {
		return e.Arrive(a, s.Now()), nil
	})
}

// Leave implements temporal.Far.
func (s *Server) Leave(_ context.Context, d wire.Departure) error {
	_, err := update(s, d.DAG, d, func(e *temporal.Entity, d wire.Departure) (struct{}, error) {
		e.Leave(d, s.Now())
		return struct{}{}, nil
	})
	return err
}

// Kept implements temporal.Far.
func (s *Server) Kept(_ context.Context, dag string) (temporal.Kept, error) {
	return query(s, dag, func(e *temporal.Entity) temporal.Kept { return e.Kept })
}

// Missed implements temporal.Far.
func (s *Server) Missed(_ context.Context, dag string, limit int) ([]temporal.Numbered, error) {
	return query(s, dag, func(e *temporal.Entity) []temporal.Numbered { return e.ListMissed(limit) })
}

// Backfills implements temporal.Far.
func (s *Server) Backfills(_ context.Context, dag string, limit int) ([]store.Backfill, error) {
	return query(s, dag, func(e *temporal.Entity) []store.Backfill { return e.ListBackfills(limit) })
}

// Runs implements temporal.Far.
func (s *Server) Runs(_ context.Context, dag string, a temporal.Asked) ([]temporal.Known, error) {
	return query(s, dag, func(e *temporal.Entity) []temporal.Known { return e.List(a) })
}

// Past implements temporal.Far.
func (s *Server) Past(_ context.Context, p wire.Past) (temporal.Earlier, error) {
	return query(s, p.DAG, func(e *temporal.Entity) temporal.Earlier { return e.Past(p) })
}

// Busy implements temporal.Far: of the runs' own workflows nothing is known here.
func (s *Server) Busy(context.Context) ([]string, bool, error) { return nil, true, nil }

// Look implements temporal.Far.
func (s *Server) Look(_ context.Context, run string) (store.Run, error) {
	return store.Run{}, fmt.Errorf("cannot find run %s: %w", run, store.ErrNotFound)
}
