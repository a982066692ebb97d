package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"weft/config"
	"weft/handoff"
	"weft/logs"
	"weft/logs/away"
	"weft/machine"
	"weft/runner"
	"weft/runner/temporal"
	"weft/s3sync"
	"weft/server"
	"weft/store"
	remembered "weft/store/temporal"
	"weft/temporalconf"
)

// A cluster is the runs of a Temporal server: what a session asks where they are not in its state folder.
type cluster struct {
	env    *env
	conf   config.Config
	engine *temporal.Engine
	kept   *remembered.Store // to look at
	far    remembered.Far
	place  string // URI of the handoff
	values handoff.Backend
	conn   temporalconf.Client

	published sync.Map    // set → nil: it lies in the handoff
	lent      atomic.Bool // somebody lends slots of pools
}

// openCluster connects to the Temporal server. Who has patience waits for one that is not there.
func (e *env) openCluster(ctx context.Context, o temporalconf.Options, log *slog.Logger) (*cluster, error) {
	if e.sandbox {
		return nil, &hinted{errors.New("cannot use --sandbox with the engine temporal: its workers may be anywhere, and the sandbox is this machine's"), "leave out --sandbox, or run it with --engine local"}
	}
	c := &cluster{env: e, conf: e.conf, place: e.ownHandoff()}
	var err error
	if c.values, err = handoff.Known().At(c.place); err != nil {
		return nil, err
	}
	if c.conn, err = temporalconf.Dial(ctx, o, c.values, log); err != nil {
		return nil, err
	}
	c.engine = temporal.NewEngine(temporal.EngineConfig{
		Client: c.conn, Values: c.values, Place: c.place, Plugins: e.plugins, SourceOf: e.sourceOf, Pools: sharedPools(e.conf),
	})
	c.far = remembered.NewFar(c.conn)
	c.kept = remembered.New(remembered.Options{Far: c.far, Plans: c, Log: log})
	return c, nil
}

// on is the engine, with what is remembered.
func (c *cluster) on() onCluster { return onCluster{c.engine, c, c.kept, nil} }

func (c *cluster) close() { c.conn.Close() }

// sourceOf tells where the files beside a DAG are: those of a bundle are had by its set, wherever it came from.
func (e *env) sourceOf(dir string) temporal.Source {
	src := temporal.Source{Dir: dir}
	set, bundled := e.bundleOf(dir)
	if !bundled {
		return src
	}
	src.Set = set
	if rel, err := filepath.Rel(e.bundles().Path(set), dir); err == nil && rel != "." {
		src.Sub = filepath.ToSlash(rel)
	}
	if remote(e.conf.DAGs) {
		src.Bucket = e.conf.DAGs
	}
	return src
}

// publish has the files beside a DAG be had by every worker, where they are of a set.
func (c *cluster) publish(ctx context.Context, dir string) error {
	set := c.env.sourceOf(dir).Set
	if _, done := c.published.Load(set); done || set == "" {
		return nil
	}
	at := c.env.bundles().Path(set)
	tree, err := s3sync.Scan(ctx, at, "", nil)
	if err == nil {
		err = keepBundle(ctx, c.values, c.place, at, tree.Files)
	}
	if err != nil {
		return fmt.Errorf("cannot hand the files of the DAG to workers: %w", err)
	}
	c.published.Store(set, nil)
	return nil
}

// lend has somebody be there who lends the slots of pools that all workers share. How many there are says the server
// that leads; where none ever did, whoever was first.
func (c *cluster) lend(ctx context.Context) error {
	if len(sharedPools(c.conf)) == 0 || c.lent.Load() {
		return nil
	}
	if err := remembered.SetPools(ctx, c.conn, c.conf.Pools, true); err != nil {
		return fmt.Errorf("cannot have slots of pools lent: %w", temporalconf.Explain(err))
	}
	c.lent.Store(true)
	return nil
}

// sharedPools are those that the configuration names: their slots are shared by all workers. Those of the pool default
// are each worker's own.
func sharedPools(conf config.Config) (names []string) {
	for _, name := range sortedKeys(conf.Pools) {
		if name != "default" {
			names = append(names, name)
		}
	}
	return names
}

// PutPlan implements store.Plans.
func (c *cluster) PutPlan(ctx context.Context, hash string, body []byte) error {
	if store.PlanHash(body) != hash {
		return fmt.Errorf("cannot keep plan %s: it is another one", hash)
	}
	return c.engine.PutPlan(ctx, hash, body)
}

// GetPlan implements store.Plans.
func (c *cluster) GetPlan(ctx context.Context, hash string) ([]byte, error) {
	body, err := handoff.Load(ctx, c.values, c.place, temporal.PlanKey(hash), maxPlan)
	switch {
	case handoff.Absent(err):
		return nil, fmt.Errorf("cannot find plan %s: %w", hash, store.ErrNotFound)
	case err == nil && store.PlanHash(body) != hash:
		return nil, fmt.Errorf("cannot read plan %s: what lies there is another one: %w", hash, store.ErrCorrupt)
	}
	return body, err
}

// maxPlan is how large a plan may be, in bytes.
const maxPlan = 64 << 20

// HasPlan implements store.Plans: whoever begins a run puts its plan, and it stays.
func (c *cluster) HasPlan(ctx context.Context, hash string) (bool, error) {
	_, err := c.GetPlan(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

var _ store.Plans = (*cluster)(nil)

// run returns a run as it stands, and how many events it is folded from.
func (c *cluster) run(id string) (*machine.Run, uint64, error) {
	r, seq, err := c.engine.Run(context.Background(), id)
	return r, seq, foreseen(err)
}

// foreseen makes an engine's errors those of a store, which everybody knows.
func foreseen(err error) error {
	switch {
	case errors.Is(err, temporal.ErrUnknown):
		return fmt.Errorf("%w: %w", err, store.ErrNotFound)
	case errors.Is(err, temporal.ErrExists):
		return fmt.Errorf("%w: %w", err, store.ErrExists)
	}
	return err
}

// An onCluster is the engine as scheduler and API ask it.
type onCluster struct {
	*temporal.Engine
	c    *cluster
	kept store.RunList
	log  *slog.Logger // nil: nothing is said
}

// Start implements runner.Engine. Of one logical date there is one dated run of a DAG; ids alone do not see to that.
func (o onCluster) Start(ctx context.Context, req runner.Request) (string, error) {
	if req.Type != "manual" {
		rows, err := o.kept.ListRuns(ctx, store.Filter{DAG: req.Plan.DAG, Types: datedTypes, Before: req.LogicalDate.Add(time.Microsecond), Limit: 1})
		if err != nil {
			return "", err
		}
		if len(rows) > 0 && rows[0].LogicalDate.Equal(req.LogicalDate.UTC()) {
			return rows[0].ID, fmt.Errorf("cannot start run %s: %s is of that date: %w", machine.RunKey(req.Plan.DAG, req.Type, req.Run), rows[0].ID, store.ErrExists)
		}
	}
	if err := o.c.publish(ctx, req.Dir); err != nil {
		return "", err
	}
	if err := o.c.lend(ctx); err != nil {
		return "", err
	}
	run, err := o.Engine.Start(ctx, req)
	if err == nil && o.log != nil {
		o.log.Info("run begins", "run", run)
	}
	return run, foreseen(err)
}

var datedTypes = []string{"scheduled", "backfill"}

// Look implements server.Engine.
func (o onCluster) Look(ctx context.Context, run string) (st server.Standing, err error) {
	r, sum, seq, err := o.Engine.Look(ctx, run)
	if err != nil {
		return st, foreseen(err)
	}
	return server.Standing{Info: r.Info(), Summary: sum, Seq: seq}, nil
}

// Wait implements runner.Engine.
func (o onCluster) Wait(ctx context.Context, run string) (machine.Summary, error) {
	sum, err := o.Engine.Wait(ctx, run)
	return sum, foreseen(err)
}

// Cancel implements runner.Engine.
func (o onCluster) Cancel(ctx context.Context, run, by, reason string) error {
	return foreseen(o.Engine.Cancel(ctx, run, by, reason))
}

// Reopen implements runner.Engine.
func (o onCluster) Reopen(ctx context.Context, run string, order machine.Reopened) error {
	return foreseen(o.Engine.Reopen(ctx, run, order))
}

// Mark implements server.Engine.
func (o onCluster) Mark(ctx context.Context, run string, order machine.Marked) error {
	return foreseen(o.Engine.Mark(ctx, run, order))
}

// logsOf is where the logs of a run lie.
func (c *cluster) logsOf(r *machine.Run) (away.Place, error) {
	return away.Open(placeOf(r.Info(), r.Plan(), c.place))
}

// copyLog writes the log of an attempt; one that has said nothing has none.
func (c *cluster) copyLog(ctx context.Context, r *machine.Run, w io.Writer, id logs.ID) error {
	p, err := c.logsOf(r)
	if err != nil {
		return err
	}
	id.Run = r.Info().Run // as in all keys of a handoff
	if err := p.Copy(ctx, w, id); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// followLog writes the log of an attempt as it grows.
func (c *cluster) followLog(ctx context.Context, r *machine.Run, w io.Writer, id logs.ID, ended func() bool) error {
	p, err := c.logsOf(r)
	if err != nil {
		return err
	}
	id.Run = r.Info().Run
	return p.Follow(ctx, w, id, farPoll, ended)
}

// farPoll is how often a log that lies in the handoff is looked at.
const farPoll = time.Second
