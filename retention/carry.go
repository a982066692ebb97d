package retention

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"weft/handoff"
	"weft/store"
)

// A Result is what has gone.
type Result struct {
	Totals
	// Freed is by how much the store's file may shrink, in bytes.
	Freed int64 `json:"freed"`
	Notes
}

// Carry has a plan's things go. The error is one that ended it: the next plan goes on. What failed
// alone is in the Result's notes.
func (k *Keeper) Carry(ctx context.Context, p *Plan) (*Result, error) {
	res := &Result{}
	if err := k.carryRuns(ctx, p, res); err != nil {
		return res, err
	}
	if p.DAG == "" {
		if err := k.carryRest(ctx, p, res); err != nil {
			return res, err
		}
	}
	if err := k.at("compact"); err != nil {
		return res, err
	}
	freed, err := k.Store.Compact(ctx)
	if err != nil { // all has gone; the room is used again
		k.note(&res.Notes, "the store", err)
	}
	res.Freed = freed
	return res, ctx.Err()
}

// carryRuns removes runs side by side; the store writes what they have to write together.
func (k *Keeper) carryRuns(ctx context.Context, p *Plan, res *Result) error {
	s := newSurvey(k)
	places := unreachedPlaces{}
	var mu sync.Mutex // of res and places
	side, sctx := errgroup.WithContext(ctx)
	side.SetLimit(k.workers())
	for _, r := range p.Runs {
		side.Go(func() error {
			if err := sctx.Err(); err != nil {
				return err
			}
			gone, err := k.remove(sctx, s, r)
			mu.Lock()
			defer mu.Unlock()
			if gone != nil {
				res.add(*gone)
			}
			var at unreached
			switch {
			case err == nil || errors.Is(err, store.ErrNotFound): // else another has removed it
			case sctx.Err() != nil || errors.Is(err, errStopped):
				return err
			case errors.As(err, &at):
				places.add(at)
			default:
				k.note(&res.Notes, "run "+r.ID, err)
			}
			return nil
		})
	}
	err := side.Wait()
	res.Failed = append(res.Failed, places.notes()...)
	return err
}

// errStopped ends everything, as a crash does; for tests.
var errStopped = errors.New("stopped")

// remove removes one run. Its order is the promise: until it is marked nothing has changed; from then
// on nobody sees it, and every step can be done again; its row goes last.
func (k *Keeper) remove(ctx context.Context, s *survey, r Run) (*Run, error) {
	unlock, err := k.Lock(r.ID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	// Looked at once more, under the lock: a place that does not answer now keeps its runs whole.
	in, err := s.values(ctx, r)
	if err != nil {
		return nil, err
	}
	if !r.Begun {
		if err := k.at("mark " + r.ID); err != nil {
			return nil, err
		}
		if err := k.Store.MarkGoing(ctx, r.row); err != nil {
			return nil, err
		}
	}
	r.Values = handoff.Amount{}
	for _, uri := range slices.Sorted(maps.Keys(in)) {
		if err := k.at("values " + r.ID); err != nil {
			return nil, err
		}
		b, err := k.Place(uri)
		if err != nil {
			return nil, err
		}
		n, err := b.Remove(ctx, prefix(r.row))
		r.Values = r.Values.Plus(n)
		if err != nil {
			return nil, err
		}
	}
	if err := k.at("logs " + r.ID); err != nil {
		return nil, err
	}
	if err := k.Logs.Remove(r.DAG, r.ID); err != nil {
		return nil, err
	}
	if err := k.at("delete " + r.ID); err != nil {
		return nil, err
	}
	if err := k.Store.Delete(ctx, r.ID); err != nil {
		return nil, err
	}
	return &r, nil
}

// carryRest removes what belongs to no run, and notes which plans have come to belong to none.
func (k *Keeper) carryRest(ctx context.Context, p *Plan, res *Result) error {
	for _, l := range p.Leftovers {
		if l.Kind == idlePlan {
			continue
		}
		if err := errors.Join(ctx.Err(), k.at(l.what())); err != nil {
			return err
		}
		gone, err := k.clear(ctx, p, l)
		if err != nil {
			k.note(&res.Notes, l.what(), err)
		}
		if gone {
			res.Leftovers = res.Leftovers.Plus(handoff.Amount{Count: 1, Bytes: l.Bytes})
		}
	}
	for _, e := range p.Environments {
		if err := errors.Join(ctx.Err(), k.at(e.what())); err != nil {
			return err
		}
		k.carryEnvironment(p, e, res)
	}
	return k.carryPlans(ctx, p, res)
}

func (e Environment) what() string { return "environment " + e.Name }

func (k *Keeper) carryEnvironment(p *Plan, e Environment, res *Result) {
	gone, err := k.Environments.Remove(e.Name, p.Before)
	switch {
	case err != nil:
		k.note(&res.Notes, e.what(), err)
	case gone:
		res.Environments = res.Environments.Plus(handoff.Amount{Count: 1, Bytes: e.Bytes})
	default:
		k.note(&res.Notes, e.what(), aloneError("it is in use"))
	}
}

// carryPlans removes plans, then marks those that the removal of runs has made idle.
func (k *Keeper) carryPlans(ctx context.Context, p *Plan, res *Result) error {
	if err := k.at("plans"); err != nil {
		return err
	}
	gone, err := k.dropPlans(ctx, p)
	for _, l := range gone {
		res.Leftovers = res.Leftovers.Plus(handoff.Amount{Count: 1, Bytes: l.Bytes})
	}
	if err != nil {
		return err
	}
	if err := k.at("idle plans"); err != nil {
		return err
	}
	idle, err := k.Store.IdlePlans(ctx)
	if err != nil {
		return err
	}
	var hashes []string
	for _, plan := range idle {
		hashes = append(hashes, plan.Hash)
	}
	return k.Store.MarkIdle(ctx, hashes, p.now)
}
