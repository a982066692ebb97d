package retention

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"weft/handoff"
	"weft/store"
)

// A Leftover is what belongs to nothing any more.
type Leftover struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	DAG   string `json:"dag_id,omitempty"`
	Run   string `json:"run_id,omitempty"`
	Bytes int64  `json:"bytes"`
}

// The kinds of leftovers, as people read them.
const (
	scratch   = "scratch folder"         // of a run that is over, or is not known
	values    = "values"                 // in the home's own handoff, of a run that is not known
	runLogs   = "logs"                   // of a run that is not known
	halfBuilt = "half-built environment" // that nobody builds
	idlePlan  = "plan"                   // that no run refers to
)

// planGrace is how long a plan must have been seen idle: a run that begins puts its plan first.
const planGrace = 24 * time.Hour

// planLeftovers takes in what crashes have left. What is young is no leftover yet, scratch folders
// aside: it may be younger than the store, which was put back from a copy.
func (k *Keeper) planLeftovers(ctx context.Context, p *Plan, rows []store.Run) error {
	known := make(map[string]store.Run, len(rows))
	for _, r := range rows {
		known[r.ID] = r
	}
	if err := k.planScratch(ctx, p, known); err != nil {
		return err
	}
	isKnown := func(dag, run string) bool { return known[run].DAG == dag }
	inOwn, err := handoff.Folders(ctx, k.Own, isKnown)
	if err != nil {
		return err
	}
	said, err := k.Logs.Folders(isKnown)
	if err != nil {
		return err
	}
	for _, f := range inOwn {
		if err := k.stray(ctx, p, Leftover{Kind: values, DAG: f.DAG, Run: f.Run, Bytes: f.Bytes}, f.Newest); err != nil {
			return err
		}
	}
	for _, f := range said {
		if err := k.stray(ctx, p, Leftover{Kind: runLogs, DAG: f.DAG, Run: f.Run, Bytes: f.Bytes}, f.Newest); err != nil {
			return err
		}
	}
	return nil
}

// stray takes in what belongs to a run that was not in the list. It may have begun since.
func (k *Keeper) stray(ctx context.Context, p *Plan, l Leftover, newest time.Time) error {
	if newest.After(p.Before) {
		return nil
	}
	l.Name = l.DAG + "/" + l.Run
	row, err := k.Store.GetRun(ctx, l.Run)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.DAG != l.DAG {
		p.Leftovers = append(p.Leftovers, l)
		return nil
	}
	return err
}

func (k *Keeper) planScratch(ctx context.Context, p *Plan, known map[string]store.Run) error {
	folders, err := k.Scratch.List()
	if err != nil {
		return err
	}
	for _, run := range slices.Sorted(maps.Keys(folders)) {
		row, is := known[run]
		if !is { // it may have begun since
			row, err = k.Store.GetRun(ctx, run)
			is = err == nil
		}
		if is && !over(row) {
			continue
		}
		l := Leftover{Kind: scratch, Name: run, Run: run, Bytes: folders[run].Bytes}
		if err := errors.Join(k.Free(run), k.dead(run)); err != nil {
			k.note(&p.Notes, l.what(), err)
			continue
		}
		p.Leftovers = append(p.Leftovers, l)
	}
	return nil
}

func (l Leftover) what() string { return l.Kind + " " + l.Name }

// dead tells whether nothing of a run lives.
func (k *Keeper) dead(run string) error {
	alive, err := k.Scratch.Alive(run)
	if err == nil && alive {
		return aloneError("something of it still lives (weft runs resume ends that)")
	}
	return err
}

// planPlans takes in the plans that were idle when an earlier removal looked, and still are.
func (k *Keeper) planPlans(ctx context.Context, p *Plan) error {
	idle, err := k.Store.IdlePlans(ctx)
	if err != nil {
		return err
	}
	for _, plan := range idle {
		if !plan.Since.IsZero() && !plan.Since.After(p.now.Add(-planGrace)) {
			p.Leftovers = append(p.Leftovers, Leftover{Kind: idlePlan, Name: plan.Hash, Bytes: plan.Bytes})
		}
	}
	return nil
}

// clear removes a leftover that is no plan. gone is false if it is none any more.
func (k *Keeper) clear(ctx context.Context, p *Plan, l Leftover) (gone bool, err error) {
	if l.Kind == halfBuilt {
		return k.Environments.Remove(l.Name, p.Before)
	}
	unlock, err := k.Lock(l.Run)
	if err != nil {
		return false, err
	}
	defer unlock()
	row, err := k.Store.GetRun(ctx, l.Run)
	switch {
	case err == nil && l.Kind == scratch && over(row):
	case err == nil && l.Kind != scratch && row.DAG != l.DAG: // an id that was used again
	case err == nil:
		return false, aloneError("a run of that id has begun")
	case !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	switch l.Kind {
	case scratch:
		if err := k.dead(l.Run); err != nil {
			return false, err
		}
		return true, k.Scratch.Remove(l.Run)
	case runLogs:
		return true, k.Logs.Remove(l.DAG, l.Run)
	}
	b, err := k.Place(handoff.FileURI(k.Own))
	if err != nil {
		return false, err
	}
	_, err = b.Remove(ctx, l.DAG+"/"+l.Run)
	return err == nil, err
}

// dropPlans removes the plan's plans that still are idle, and returns which.
func (k *Keeper) dropPlans(ctx context.Context, p *Plan) (gone []Leftover, err error) {
	plans := slices.DeleteFunc(slices.Clone(p.Leftovers), func(l Leftover) bool { return l.Kind != idlePlan })
	if len(plans) == 0 {
		return nil, nil
	}
	idle, err := k.Store.IdlePlans(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range plans {
		if !slices.ContainsFunc(idle, func(i store.IdlePlan) bool { return i.Hash == l.Name }) {
			continue
		}
		n, err := k.Store.DropPlans(ctx, []string{l.Name}, p.now.Add(-planGrace))
		if err != nil {
			return gone, err
		}
		if n > 0 {
			gone = append(gone, l)
		}
	}
	return gone, nil
}
