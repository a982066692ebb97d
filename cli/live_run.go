package cli

import (
	"context"
	"errors"
	"fmt"

	"weft/machine"
	"weft/runner"
	"weft/server"
)

// attend makes what shows runs that a server drives.
func (e *env) attend(c *server.Client, watch *watching) *attending {
	watch.again = "Ctrl-C again leaves"
	return &attending{env: e, c: c, watch: watch}
}

// handOver has a live server drive a run and shows it to its end; with --detach only until it is durable. done is false
// where this weft is to drive it itself; asked then tells that the run may exist all the same.
func (e *env) handOver(req runner.Request, o runOptions) (done, asked bool, err error) {
	c := e.live()
	if c == nil {
		return false, false, nil
	}
	defer c.Close()
	if o.detach {
		return e.detach(c, req, o)
	}
	if c.Version.Sandbox != req.Sandbox {
		return false, false, nil
	}
	st, err := c.Start(context.Background(), req)
	if errors.Is(err, server.ErrLost) { // it is the same run whoever is asked
		if st, err = c.Start(context.Background(), req); errors.Is(err, server.ErrLost) {
			return false, true, nil
		}
	}
	switch {
	case passed(err):
		return false, false, nil
	case err != nil:
		return true, true, served(err)
	}
	run := machine.RunKey(req.Plan.DAG, req.Type, req.Run)
	first, err := st.Next()
	if err != nil {
		st.Close()
		return false, true, nil //nolint:nilerr // the server has gone: who drives the run is asked anew
	}
	watch := e.watch(o.json, true)
	defer watch.Close()
	watch.begin(req.Plan)
	a := e.attend(c, watch)
	defer a.close()
	if first.Existed && machine.RunState(first.State).Terminal() {
		e.overAlready(run)
	}
	return true, true, a.attend(map[string]*server.Stream{run: st})
}

// detach has a server start a run, and prints its name.
func (e *env) detach(c *server.Client, req runner.Request, o runOptions) (done, asked bool, err error) {
	a, err := c.StartOnly(context.Background(), req)
	switch {
	case isProblem(err, server.CodeStopping):
		return true, false, errNotDetached(e.sandbox)
	case err != nil:
		return true, true, served(err)
	}
	return true, true, e.began(a, o.json)
}

// began prints the name of a run that was begun elsewhere.
func (e *env) began(a server.Accepted, asJSON bool) error {
	if asJSON {
		return e.printLine(a)
	}
	if a.Existed && a.State.Terminal() {
		e.overAlready(a.Run)
	}
	_, err := fmt.Fprintln(e.stdout, a.Run)
	return err
}

// overAlready says that a run is not run again.
func (e *env) overAlready(run string) {
	fmt.Fprintf(e.stderr, "run %s is over, and is not run again; weft clear %s does that\n", run, shellWord(run))
}

// errNotDetached says that there is nobody to leave a run to.
func errNotDetached(sandbox bool) error {
	serve := "weft serve"
	if sandbox {
		serve = "weft serve --sandbox"
	}
	return &hinted{errors.New("cannot leave a run to itself: no server of this state folder would drive it"), serve + " is one; without --detach this weft drives it"}
}

// order has a live server carry out an order by hand and shows the run to its end. done is false where it is to be
// given otherwise.
func (e *env) order(s *session, r *machine.Run, order machine.Fact, asJSON bool) (done bool, err error) {
	if e.sandbox && !r.Info().Sandbox {
		return true, e.stay(r)
	}
	c := e.liveFor(r.Info().Sandbox)
	if c == nil {
		return false, nil
	}
	defer c.Close()
	run := r.Info().Key()
	st, err := c.Order(context.Background(), run, order)
	switch {
	case passed(err), isProblem(err, server.CodeDriven):
		return false, nil
	case isProblem(err, server.CodeRefused):
		return true, errChanged(run)
	case errors.Is(err, server.ErrLost):
		return true, &hinted{fmt.Errorf("cannot tell whether the order was given: %w", server.ErrLost), "weft runs show " + shellWord(run) + " tells how far it is"}
	case err != nil:
		return true, served(err)
	}
	watch := e.watch(asJSON, true)
	defer watch.Close()
	show(watch, r, order)
	a := e.attend(c, watch)
	a.s = s
	return true, a.attend(map[string]*server.Stream{run: st})
}

// handResumed has a live server go on with those of the runs that it can, and shows them to their end. What it leaves
// is for this weft.
func (e *env) handResumed(s *session, runs []*machine.Run, asJSON, alone bool) (left []*machine.Run, worst error) {
	c := e.live()
	if c == nil {
		return runs, nil
	}
	defer c.Close()
	streams := map[string]*server.Stream{}
	for _, r := range runs {
		run := r.Info().Key()
		if e.sandbox && !r.Info().Sandbox {
			left = append(left, r)
			continue
		}
		st, err := c.Resume(context.Background(), run)
		switch {
		case passed(err), errors.Is(err, server.ErrLost):
			left = append(left, r)
		case err != nil:
			e.complain(served(err))
			worst = errSome
		default:
			streams[run] = st
		}
	}
	if len(streams) == 0 {
		return left, worst
	}
	watch := e.watch(asJSON, alone)
	defer watch.Close()
	a := e.attend(c, watch)
	a.s = s
	if err := a.attend(streams); err != nil {
		worst = err
	}
	return left, worst
}
