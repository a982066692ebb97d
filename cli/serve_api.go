package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"weft/machine"
	"weft/runner"
	"weft/runner/local"
	"weft/server"
)

// An orderly is a session's engine as the API asks it: it keeps the folders of runs, and tells where a run stands.
type orderly struct {
	*local.Engine
	s *session
}

// Start implements runner.Engine.
func (o orderly) Start(ctx context.Context, req runner.Request) (string, error) {
	return o.s.start(ctx, req)
}

// Reopen implements runner.Engine. What is driven goes on in the folder that it has.
func (o orderly) Reopen(ctx context.Context, run string, order machine.Reopened) error {
	if order.Dir != "" {
		if err := o.s.free(run); err != nil {
			hint, cannot := moved(err, order)
			return server.Moved(cannot, hint)
		}
		o.s.dirs.Delete(run)
	}
	return o.Engine.Reopen(ctx, run, order)
}

// Look implements server.Engine.
func (o orderly) Look(_ context.Context, run string) (st server.Standing, err error) {
	if info, sum, seq, here := o.Standing(run); here {
		return server.Standing{Info: info, Summary: sum, Seq: seq}, nil
	}
	r, seq, err := o.s.replayed(run)
	if err != nil {
		return st, err
	}
	return server.Standing{Info: r.Info(), Summary: r.Summarize(), Seq: seq}, nil
}

// moved says that a run cannot go on in another folder while somebody drives it, and what to do.
func moved(err error, order machine.Reopened) (hint string, cannot error) {
	return "wait for its end, or keep its version: --same-version", fmt.Errorf("%w; its DAG has moved to %s meanwhile", err, order.Dir)
}

// sameWorld leaves runs that began in the sandbox to a weft that is in it, and the other way round.
func (v *serving) sameWorld(info machine.RunInfo) error {
	switch {
	case info.Sandbox == v.sandbox:
		return nil
	case info.Sandbox:
		return fmt.Errorf("cannot go on with run %s: it began in the sandbox, and this server is outside", info.Key())
	}
	return fmt.Errorf("cannot go on with run %s: it began outside the sandbox, and this server is in it", info.Key())
}

// offer has other commands of this state folder ask the server. The function returned ends that. A server that cannot
// be asked serves all the same.
func (v *serving) offer(ctx context.Context) (end func()) {
	return offerAPI(ctx, v.log, server.Config{
		Engine: orderly{v.s.engine, v.s}, Scheduler: v.sched, Catalog: v.follow.catalog, Store: v.s.store, Hub: &v.hub, Log: v.log,
		Version: thisBuild().Version, Home: v.conf.Home, DAGs: v.conf.DAGs, Sandbox: v.sandbox, PID: os.Getpid(),
	})
}

// offerAPI answers on the socket of a state folder until the function returned is called.
func offerAPI(ctx context.Context, log *slog.Logger, conf server.Config) (end func()) {
	cannot := func(err error) func() {
		log.Error("other commands cannot ask this server; they do without", "error", err)
		return func() {}
	}
	api, err := server.New(conf)
	if err != nil {
		return cannot(err)
	}
	socket, err := server.Listen(conf.Home)
	if err != nil {
		return cannot(err)
	}
	context.AfterFunc(ctx, api.Stop)
	served := make(chan error, 1)
	go func() { served <- api.Serve(socket, server.Read, server.Operate) }() // who can reach it owns the folder
	return func() {
		if hub, ok := conf.Hub.(interface{ Close() }); ok {
			hub.Close()
		}
		api.Close()
		if err := <-served; err != nil {
			log.Error("other commands could not ask this server any more", "error", err)
		}
	}
}
