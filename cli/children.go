package cli

import (
	"context"
	"fmt"
	"slices"
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
	s        *session
	find     finder
	tell     func(runner.Update) // how children are shown
	kin      map[string]*kin     // runs by which others were started, or that others have started
	children []string            // that this process drives, or has driven; grows only
	shut     bool                // the command is interrupted: nothing begins any more
	served   bool                // a server drives what there is: nobody waits for children, and they are forgotten when they end
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
	r.s, r.find, r.tell, r.kin = s, find, tell, map[string]*kin{}
}

// serve has DAGs be found by a server.
func (r *runs) serve(find finder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.find, r.served = find, true
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
	if r.kin == nil {
		r.kin = map[string]*kin{}
	}
	r.kin[info.Key()] = &kin{dag: info.DAG, parent: info.Parent, shown: shown}
}

// took says whether this process drives a child that is known. Whoever waits for children waits for it.
func (r *runs) took(run string, ours bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !ours:
		delete(r.kin, run)
	case !r.served && !slices.Contains(r.children, run):
		r.children = append(r.children, run)
	}
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
	r.mu.Unlock()
	if tell != nil {
		tell(u)
	}
}

// heard follows what the engine tells, on its thread. The task that waits for a child's end is told of it.
func (r *runs) heard(u runner.Update) {
	if u.Type != "run_started" && u.Type != "run_finished" {
		return
	}
	r.mu.Lock()
	k, s := r.kin[u.Run], r.s
	if r.served && u.Type == "run_finished" {
		delete(r.kin, u.Run)
	}
	r.mu.Unlock()
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
		s.engine.CheckSoon(k.parent.Run, k.parent.Key)
	}
}

// begun are the children that this process has taken in hand behind the first n.
func (r *runs) begun(n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.children[min(n, len(r.children)):])
}

// stop lets nothing begin any more.
func (r *runs) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = true
}
