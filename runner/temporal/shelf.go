package temporal

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sync/singleflight"

	"weft/handoff"
	"weft/machine"
)

// PlanKey is where a plan lies in the handoff, by its hash. Whoever starts a run puts it there first.
func PlanKey(hash string) string { return "plans/" + hash }

// A shelf has the plans and the folders that orders name.
type shelf struct {
	place  string // URI
	values handoff.Backend
	folder func(ctx context.Context, from Source) (string, error)

	flight singleflight.Group
	mu     sync.Mutex
	plans  map[string]*machine.Plan // by hash
}

// How many plans are kept, and how large one may be.
const (
	mostPlans = 500
	maxPlan   = 64 << 20
)

// plan returns a plan by its hash: the same each time, so that what is known of its tasks stays known.
func (s *shelf) plan(ctx context.Context, hash string) (*machine.Plan, error) {
	s.mu.Lock()
	p := s.plans[hash]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	got, err, _ := s.flight.Do(hash, func() (any, error) { return s.fetch(ctx, hash) })
	if err != nil {
		return nil, err
	}
	return got.(*machine.Plan), nil
}

func (s *shelf) fetch(ctx context.Context, hash string) (*machine.Plan, error) {
	body, err := handoff.Load(ctx, s.values, s.place, PlanKey(hash), maxPlan)
	switch {
	case handoff.Absent(err):
		return nil, unreadyf("cannot find plan %s of the run: it is not in the handoff %s (any more)", hash, s.place)
	case err != nil:
		return nil, unreadyf("cannot get plan %s of the run: %w", hash, err)
	}
	p, err := Body{Hash: hash, Plan: body}.read()
	if err != nil { // of a newer weft, or damaged
		return nil, unreadyError{err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans == nil || len(s.plans) >= mostPlans {
		s.plans = map[string]*machine.Plan{}
	}
	s.plans[hash] = p
	return p, nil
}

// dir is the folder of the DAG's file on this machine.
func (s *shelf) dir(ctx context.Context, from Source) (string, error) {
	if s.folder != nil {
		dir, err := s.folder(ctx, from)
		if err != nil {
			return "", unreadyError{err}
		}
		return dir, nil
	}
	if info, err := os.Stat(from.Dir); err != nil || !info.IsDir() {
		return "", unreadyf("cannot find the folder of the DAG: %s is not on this machine", from.Dir)
	}
	return from.Dir, nil
}
