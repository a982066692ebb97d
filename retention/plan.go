package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weft/handoff"
	"weft/machine"
	"weft/store"
)

// A Plan is what would go.
type Plan struct {
	Before       time.Time     `json:"before"` // what ended, or was last used, at this moment or before
	Keep         int           `json:"keep"`
	DAG          string        `json:"dag_id,omitempty"`
	Runs         []Run         `json:"runs"`
	Environments []Environment `json:"environments"`
	Leftovers    []Leftover    `json:"leftovers"`
	Notes

	now time.Time
}

// A Run is one that would go, with how much it has.
type Run struct {
	ID     string           `json:"run_id"`
	DAG    string           `json:"dag_id"`
	State  machine.RunState `json:"state"`
	Ended  time.Time        `json:"ended"`
	Logs   int64            `json:"log_bytes"`
	Values handoff.Amount   `json:"values"`
	Begun  bool             `json:"begun,omitempty"` // an earlier removal was cut off

	row    store.Run
	places []place // of this very end of the run: if it is opened again, it is not marked
}

// Totals are sums over all that goes.
type Totals struct {
	Runs         int            `json:"runs"`
	Logs         int64          `json:"log_bytes"`
	Values       handoff.Amount `json:"values"`
	Environments handoff.Amount `json:"environments"`
	Leftovers    handoff.Amount `json:"leftovers"`
}

// Bytes is how many all of it has.
func (t Totals) Bytes() int64 {
	return t.Logs + t.Values.Bytes + t.Environments.Bytes + t.Leftovers.Bytes
}

// Totals adds the plan up.
func (p *Plan) Totals() Totals {
	var t Totals
	for _, r := range p.Runs {
		t.add(r)
	}
	for _, e := range p.Environments {
		t.Environments = t.Environments.Plus(handoff.Amount{Count: 1, Bytes: e.Bytes})
	}
	for _, l := range p.Leftovers {
		t.Leftovers = t.Leftovers.Plus(handoff.Amount{Count: 1, Bytes: l.Bytes})
	}
	return t
}

func (t *Totals) add(r Run) {
	t.Runs++
	t.Logs += r.Logs
	t.Values = t.Values.Plus(r.Values)
}

// Empty tells whether nothing would go.
func (p *Plan) Empty() bool { return len(p.Runs)+len(p.Environments)+len(p.Leftovers) == 0 }

// Plan looks for what may go. It changes nothing.
func (k *Keeper) Plan(ctx context.Context, policy Policy) (*Plan, error) {
	now := k.Now().UTC()
	p := &Plan{
		Before: now.Add(-policy.OlderThan), Keep: policy.Keep, DAG: policy.DAG, now: now,
		Runs: []Run{}, Environments: []Environment{}, Leftovers: []Leftover{},
	}
	rows, err := k.Store.ListRuns(ctx, store.Filter{})
	whole := err == nil
	if errors.Is(err, store.ErrCorrupt) { // the others are whole
		k.note(&p.Notes, "the list of runs", err)
	} else if err != nil {
		return nil, err
	}
	begun, err := k.Store.Going(ctx)
	if err != nil {
		return nil, err
	}
	if err := k.planRuns(ctx, p, choose(rows, policy, p.Before), begun); err != nil {
		return nil, err
	}
	if policy.DAG != "" {
		return p, nil
	}
	if whole { // else a run whose row is damaged would be taken for none
		err = k.planLeftovers(ctx, p, slices.Concat(rows, begun))
	}
	return p, errors.Join(err, k.planEnvironments(p), k.planPlans(ctx, p))
}

// planRuns looks at runs side by side and keeps their order, those that were begun in front.
func (k *Keeper) planRuns(ctx context.Context, p *Plan, rows, begun []store.Run) error {
	begun = slices.DeleteFunc(begun, func(r store.Run) bool { return p.DAG != "" && p.DAG != r.DAG })
	all := append(slices.Clone(begun), rows...)
	looks := make([]Run, len(all))
	errs := make([]error, len(all))
	s := newSurvey(k)
	side, sctx := errgroup.WithContext(ctx)
	side.SetLimit(k.workers())
	for i, row := range all {
		side.Go(func() error {
			looks[i], errs[i] = k.look(sctx, s, row, i < len(begun))
			if errs[i] == nil {
				errs[i] = k.Free(row.ID)
			}
			return ctx.Err()
		})
	}
	if err := side.Wait(); err != nil {
		return err
	}
	places := unreachedPlaces{}
	for i, err := range errs {
		var gone unreached
		switch {
		case err == nil:
			p.Runs = append(p.Runs, looks[i])
		case errors.As(err, &gone):
			places.add(gone)
		case errors.Is(err, store.ErrNotFound): // another has just removed it
		default:
			k.note(&p.Notes, "run "+all[i].ID, err)
		}
	}
	p.Failed = append(p.Failed, places.notes()...)
	return nil
}

// look tells how much a run has, and in which places.
func (k *Keeper) look(ctx context.Context, s *survey, row store.Run, begun bool) (Run, error) {
	r := Run{ID: row.ID, DAG: row.DAG, State: row.State, Ended: row.FinishedAt, Begun: begun, row: row}
	read := k.Store.Read
	if begun {
		read = k.Store.ReadGoing
	}
	journal, err := read(ctx, row.ID)
	if err != nil {
		return r, err
	}
	r.places = s.places(ctx, row, journal)
	if err := k.apart(r.places, journal); err != nil {
		return r, err
	}
	in, err := s.values(ctx, r)
	if err != nil {
		return r, err
	}
	for _, n := range in {
		r.Values = r.Values.Plus(n)
	}
	said, err := k.Logs.Measure(row.DAG, row.ID)
	r.Logs = said.Bytes
	return r, err
}

// unreachedPlaces gathers the runs that stay because of a place: a line a place is enough.
type unreachedPlaces map[string]struct {
	err  unreached
	runs int
}

func (u unreachedPlaces) add(err unreached) {
	of := u[err.uri]
	of.err = err
	of.runs++
	u[err.uri] = of
}

func (u unreachedPlaces) notes() []Note {
	var out []Note
	for _, of := range u {
		stay := "a run stays"
		if of.runs > 1 {
			stay = fmt.Sprintf("%d runs stay", of.runs)
		}
		out = append(out, Note{stay, of.err.Error()})
	}
	slices.SortFunc(out, func(a, b Note) int { return strings.Compare(a.Why, b.Why) })
	return out
}

// planEnvironments takes in the environments that nobody has used.
func (k *Keeper) planEnvironments(p *Plan) error {
	list, err := k.Environments.List()
	if err != nil {
		return err
	}
	for _, e := range list {
		switch {
		case e.Half:
			p.Leftovers = append(p.Leftovers, Leftover{Kind: halfBuilt, Name: e.Name, Bytes: e.Bytes})
		case !e.Used.After(p.Before):
			p.Environments = append(p.Environments, e)
		}
	}
	return nil
}
