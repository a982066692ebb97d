package cli

import (
	"context"
	"fmt"
	"sync"

	"weft/machine"
	"weft/plugins"
	"weft/runner"
)

// A finder finds a DAG by its id, as it is now: its plan, and the absolute folder of its file.
type finder func(ctx context.Context, id string) (plan *machine.Plan, dir string, err error)

// runs is what dag.run and dag.wait ask: the runs of a state folder, of which the engine of this process
// drives some. It is made with the plugins, and of use once it is bound. A run that a task started is
// called a child.
type runs struct {
	mu       sync.Mutex
	far      *farRuns // they are on Temporal
	s        *session
	find     finder
	tell     func(runner.Update) // how children are shown
	kin      map[string]*kin     // runs that go on, by which others were started, or that others have started
	children map[string]bool     // of them those that this process drives
	shut     bool                // the command is interrupted: nothing begins any more
	served   bool                // a server drives what there is: nobody waits for children
}

// A kin is what is known of a run's descent.
type kin struct {
	dag    string
	parent *machine.Parent // nil = nobody's
	shown  bool            // this process shows it by lines of its own
}

var _ plugins.Runs = (*runs)(nil)

// deepest is how many runs may stand below one another, each started by the one above: DAGs that start
// each other, or themselves, would never end.
const deepest = 20

// bind has the runs be those of a session, in which find finds DAGs. tell hears of the beginning and the
// end of each child, as updates of their own types.
func (r *runs) bind(s *session, find finder, tell func(runner.Update)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s, r.find, r.tell, r.kin, r.children = s, find, tell, map[string]*kin{}, map[string]bool{}
}

// serve has DAGs be found by a server.
func (r *runs) serve(find finder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.find = find
}

// bound is the session, or the error where there is none.
func (r *runs) bound() (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.s == nil || r.s.engine == nil {
		return nil, plugins.Errorf(plugins.Internal, "cannot look at runs here: nothing drives them")
	}
	return r.s, nil
}

// know notes the descent of a run that is taken up; shown tells that it has no watcher of its own.
func (r *runs) know(info machine.RunInfo, shown bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.kin[info.Key()]; k != nil && !shown {
		return
	}
	r.kin[info.Key()] = &kin{dag: info.DAG, parent: info.Parent, shown: shown}
}

// took says whether this process drives a child that is known. Whoever waits for children waits for it,
// unless it has ended already.
func (r *runs) took(run string, ours bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !ours:
		delete(r.kin, run)
	case !r.served && r.kin[run] != nil:
		r.children[run] = true
	}
}

// over forgets a run that has ended, and returns what was known of it.
func (r *runs) over(run string) *kin {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kin[run]
	delete(r.kin, run)
	delete(r.children, run)
	return k
}

// kinOf is the parent of a run, nil if it has none.
func (r *runs) kinOf(s *session, run string) (*machine.Parent, error) {
	r.mu.Lock()
	k := r.kin[run]
	r.mu.Unlock()
	if k != nil {
		return k.parent, nil
	}
	var info machine.RunInfo
	if !s.engine.Look(run, func(m *machine.Run) { info = m.Info() }) {
		m, err := s.replay(run)
		if err != nil {
			return nil, cannotLook(run, err)
		}
		info = m.Info()
	}
	r.know(info, false)
	return info.Parent, nil
}

func cannotLook(run string, err error) error {
	return &plugins.Error{Kind: plugins.Temporary, Err: fmt.Errorf("cannot look at run %s: %w", run, err)}
}

// The types of updates that tell of children; their runs may have no watcher.
const (
	childStarted  = "child_started"
	childFinished = "child_finished"
)

// show tells of a child.
func (r *runs) show(u runner.Update) {
	r.mu.Lock()
	tell := r.tell
	if r.served { // who watches a run of a server is told of that run
		tell = nil
	}
	r.mu.Unlock()
	if tell != nil {
		tell(u)
	}
}

// heard follows what the engine tells, on its thread. The task that waits for a child's end is told of it.
func (r *runs) heard(u runner.Update) {
	var k *kin
	switch u.Type {
	case "run_started":
		r.mu.Lock()
		k = r.kin[u.Run]
		r.mu.Unlock()
	case "run_finished":
		k = r.over(u.Run)
	}
	if k == nil || k.parent == nil {
		return
	}
	u.Summary = nil
	u.DAG, u.Type = k.dag, map[string]string{"run_started": childStarted, "run_finished": childFinished}[u.Type]
	if u.Type == childStarted {
		u.Reason = fmt.Sprintf("started by task %s of %s", k.parent.Task, k.parent.Run)
	}
	if k.shown {
		r.show(u)
	}
	if u.Type == childFinished {
		r.s.engine.CheckSoon(k.parent.Run, k.parent.Key)
	}
}

// going are the children that this process drives.
func (r *runs) going() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sortedKeys(r.children)
}

// stop lets nothing begin any more.
func (r *runs) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = true
}
