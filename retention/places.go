package retention

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"weft/handoff"
	"weft/machine"
	"weft/store"
)

// A place is where values of a run may lie; sure, if a record says that some were put there.
type place struct {
	uri  string
	sure bool
}

// survey finds what runs have in the handoffs. It remembers what plans say and which places cannot
// be reached: thousands of runs share both.
type survey struct {
	k  *Keeper
	mu sync.Mutex
	// handoffs are the places that plans name, by hash; bad those that do not answer.
	handoffs map[string]string
	bad      map[string]error
}

func newSurvey(k *Keeper) *survey {
	return &survey{k: k, handoffs: map[string]string{}, bad: map[string]error{}}
}

// An unreached is a handoff that did not answer: the runs that may have values there stay.
type unreached struct {
	uri   string
	cause error
}

func (e unreached) Error() string {
	return fmt.Sprintf("cannot reach the handoff %s: %v", e.uri, e.cause)
}
func (e unreached) Unwrap() error { return e.cause }

// values counts what a run has in each place, where it has anything.
func (s *survey) values(ctx context.Context, r Run) (map[string]handoff.Amount, error) {
	out := map[string]handoff.Amount{}
	for _, p := range r.places {
		n, err := s.measure(ctx, p, r.row)
		if err != nil {
			return nil, err
		}
		if n.Count > 0 {
			out[p.uri] = n
		}
	}
	return out, nil
}

func (s *survey) measure(ctx context.Context, p place, run store.Run) (handoff.Amount, error) {
	s.mu.Lock()
	bad := s.bad[p.uri]
	s.mu.Unlock()
	if bad != nil {
		return handoff.Amount{}, bad
	}
	b, err := s.k.Place(p.uri)
	if err != nil && !p.sure { // of a kind that this program does not know: nothing was put there
		return handoff.Amount{}, nil
	}
	var n handoff.Amount
	if err == nil {
		n, err = b.Measure(ctx, prefix(run))
	}
	if errors.Is(err, fs.ErrNotExist) && !p.sure { // a folder that nobody has made yet
		return handoff.Amount{}, nil
	}
	if err == nil || ctx.Err() != nil {
		return n, err
	}
	err = unreached{p.uri, err}
	s.mu.Lock()
	s.bad[p.uri] = err
	s.mu.Unlock()
	return n, err
}

// prefix is what the keys of a run's values begin with.
func prefix(run store.Run) string { return run.DAG + "/" + run.RunID() }

// places lists where values of a run may lie: where its records say, where its plans say, and where
// those go that say nothing.
func (s *survey) places(ctx context.Context, run store.Run, journal []store.Record) []place {
	var out []place
	add := func(uri string, sure bool) {
		uri = strings.TrimRight(uri, "/")
		if uri == "" || uri == "s3:" || uri == "file:" {
			return
		}
		for i := range out {
			if out[i].uri == uri {
				out[i].sure = out[i].sure || sure
				return
			}
		}
		out = append(out, place{uri, sure})
	}
	own := handoff.FileURI(s.k.Own)
	ref := func(r *machine.Ref) {
		if r == nil {
			return
		}
		if uri, ok := handoff.PlaceOf(r.URI, run.DAG, run.RunID()); ok && !s.formerHome(uri, out) {
			add(uri, uri != own) // what is not in the home any more is nowhere else
		}
	}
	add(own, false)
	add(s.k.Handoff, false)
	add(s.ofPlan(ctx, run.Plan), false)
	for _, rec := range journal {
		switch f := rec.Event.Fact.(type) {
		case machine.RunStarted:
			add(f.Handoff, false)
			add(s.ofPlan(ctx, f.Plan), false)
		case machine.Reopened:
			add(s.ofPlan(ctx, f.Plan), false)
		case machine.AttemptEnded:
			ref(f.Outcome.Ref)
			for i := range f.Artifacts {
				ref(&f.Artifacts[i].Ref)
			}
		case machine.Evaluated:
			ref(f.Ref)
		}
	}
	return out
}

// formerHome tells of a place that nobody has named: it was the folder of this home itself, when that had
// another path. What was in it has moved with the home; what is there now, if anything, belongs to the
// home that this one is a copy of.
func (s *survey) formerHome(uri string, named []place) bool {
	if !strings.HasPrefix(uri, "file:") || path.Base(uri) != filepath.Base(s.k.Own) {
		return false
	}
	return !slices.ContainsFunc(named, func(p place) bool { return p.uri == uri })
}

// apart says why a run is left to another gc: a bucket of the sandbox and one of the same name outside
// are two places, and a run has its values in one of them.
func (k *Keeper) apart(places []place, journal []store.Record) error {
	if !slices.ContainsFunc(places, func(p place) bool { return strings.HasPrefix(p.uri, "s3:") }) {
		return nil
	}
	in := slices.ContainsFunc(journal, func(r store.Record) bool {
		began, ok := r.Event.Fact.(machine.RunStarted)
		return ok && began.Sandbox
	})
	switch {
	case in && !k.Sandbox:
		return aloneError("it began in the sandbox: weft gc --sandbox removes it")
	case !in && k.Sandbox:
		return aloneError("it began outside the sandbox: weft gc without --sandbox removes it")
	}
	return nil
}

// ofPlan returns the handoff that a plan names. Of a plan that cannot be read the records tell.
func (s *survey) ofPlan(ctx context.Context, hash string) string {
	s.mu.Lock()
	uri, known := s.handoffs[hash]
	s.mu.Unlock()
	if known {
		return uri
	}
	if body, err := s.k.Store.GetPlan(ctx, hash); err == nil {
		if p, err := machine.DecodePlan(body); err == nil {
			uri = p.Handoff
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handoffs[hash] = uri
	return uri
}
