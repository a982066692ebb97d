package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/proc"
	"weft/secrets"
)

// An attempt is one call of a plugin, from its scratch folder to its outcome.
type attempt struct {
	x     *Executor
	o     machine.Order
	poke  int // 0 = no sensor
	since time.Time

	plugin  plugins.Plugin
	kept    []keeping // the task's artifacts, their paths rendered
	apart   bool      // the plugin needs no folder, no log and no live file of its own
	scratch scratch
	live    *os.File
	log     attemptLog
	given   json.RawMessage // the input, rendered
	exprs   *expr.Cache
	views   map[string]machine.TaskView // of the order, as they came
	vars    map[string]any              // what expressions see
	blind   bool                        // secrets are not looked up: see Host
	mask    *secrets.Mask               // of the secrets that the task reads; nil = none
	taps    taps
	made    *made // what make came to, once it was called

	question *Question // of the pokes before; nil = everything is rendered
	prepared bool      // the call was; then of a plugin that works apart env and dir are
	env      []string
	dir      string
	no       json.RawMessage // the output for which a sensor said "not yet"
}

// A made is what a plugin is called with, or why it cannot be.
type made struct {
	call *plugins.Call
	err  error
	run  func(context.Context) (plugins.Result, error) // of a call that was made ready; see plugins.Readier
	drop func()                                        // nil once run was called
}

// A StopError, as the cause with which an attempt's context is cancelled, says why it was stopped.
type StopError struct{ Reason string } // cancelled, timeout (of the run)

func (e *StopError) Error() string { return "stopped: " + e.Reason }

// WithHurry returns a context of an attempt that ends at once when hurry ends: its processes have less
// than a second then, whatever their grace. The context itself must be ended too, with a StopError.
func WithHurry(ctx, hurry context.Context) context.Context { return proc.WithHurry(ctx, hurry) }

// A timeoutError is the cause with which an attempt's own timeout ends it.
type timeoutError time.Duration

func (e timeoutError) Error() string { return "timed out after " + time.Duration(e).String() }

// run carries the call out and lets end judge what came of it; tidy must follow.
func (a *attempt) run(ctx context.Context, end func(context.Context, plugins.Result) (PokeResult, error)) (res PokeResult) {
	begin := a.x.clock().Mono()
	if a.exprs == nil {
		a.ready()
	}
	defer func() {
		if p := recover(); p != nil {
			res = a.failed(a.panicked(p))
		}
		a.taps.end()
		res.Outcome.Elapsed = int64(a.x.clock().Mono() - begin)
	}()
	if d := time.Duration(a.o.Task.Timeout); d > 0 { // of all of it: keeping what came of the call, too
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, timeoutError(d))
		defer cancel()
	}
	got, err := a.work(ctx)
	if err == nil {
		res, err = end(ctx, got)
	} else {
		err = a.advised(err)
	}
	if err != nil {
		return a.failed(err)
	}
	a.x.caches.Put(a.exprs) // not after a panic: who knows what it holds
	return res
}

func (a *attempt) panicked(p any) error {
	return plugins.Errorf(plugins.Internal, "cannot go on: %s panicked: %v", a.o.Task.Uses, p)
}

// ready gives the attempt what it needs before anything else: a cache and a log, which is opened with
// its first line.
func (a *attempt) ready() {
	a.exprs = a.x.cache()
	a.log.now = a.x.clock().Now
	a.log.open = func() (*os.File, error) {
		if a.x.OpenLog == nil {
			return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		}
		return a.x.OpenLog(a.o)
	}
}

// work runs the plugin. Once the context has ended, whatever the plugin says is about its being
// stopped: a script that traps the signal and exits 0 is no success.
func (a *attempt) work(ctx context.Context) (plugins.Result, error) {
	res, err := a.call(ctx)
	if ctx.Err() != nil {
		return plugins.Result{}, stopped(context.Cause(ctx))
	}
	return res, err
}

func (a *attempt) call(ctx context.Context) (plugins.Result, error) {
	if err := ctx.Err(); err != nil {
		return plugins.Result{}, err
	}
	if a.question != nil {
		return a.question.of.plugin.Run(ctx, a.question.call(a))
	}
	if a.made == nil {
		a.make(ctx)
	}
	if a.made.err != nil {
		return plugins.Result{}, a.made.err
	}
	if run := a.made.run; run != nil {
		a.made.drop = nil
		return run(ctx)
	}
	return a.plugin.Run(ctx, a.made.call)
}

// make makes the attempt's places and what the plugin is given.
func (a *attempt) make(ctx context.Context) {
	c, err := a.lay(ctx)
	a.made = &made{call: c, err: err}
}

func (a *attempt) lay(ctx context.Context) (*plugins.Call, error) {
	if a.plugin = a.x.Plugins.Get(a.o.Task.Uses); a.plugin == nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot use %s: this weft has no such plugin", a.o.Task.Uses)
	}
	if _, alone := a.plugin.(plugins.InProcess); alone {
		a.apart = len(a.o.Task.Artifacts)+len(a.o.Task.Inputs) == 0
	}
	if err := a.layOut(ctx); err != nil {
		return nil, &plugins.Error{Kind: plugins.Temporary, Err: err}
	}
	return a.prepare(ctx)
}

// layOut makes the attempt's places. Where the disk of the state folder is full and the executor has patience, it waits for space:
// that is no fault of the task.
func (a *attempt) layOut(ctx context.Context) error {
	for {
		err := a.makePlaces()
		if !a.x.Patient || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
			return err
		}
		space, stop := a.x.clock().After(time.Second)
		select {
		case <-space:
		case <-ctx.Done():
			stop()
			return ctx.Err()
		}
	}
}

// makePlaces makes them once. A plugin that works apart gets none; its log is opened with its first line.
func (a *attempt) makePlaces() error {
	if a.apart {
		return nil
	}
	if err := a.log.ready(); err != nil {
		return fmt.Errorf("cannot open the log: %w", err)
	}
	for {
		err := a.settleIn()
		// A process that could not be ended may hold the live file of the attempt before, and write
		// into its folder: both are made anew.
		if !errors.Is(err, proc.ErrAlive) || a.scratch.remove() != nil {
			return err
		}
		a.scratch.ready = false
		a.x.scratches.put(a.o.Run.Key(), a.scratch)
	}
}

// settleIn takes a scratch and its live file's lock.
func (a *attempt) settleIn() (err error) {
	if a.scratch, err = a.x.scratches.take(a.x.Home, a.o.Run.Key()); err != nil {
		return fmt.Errorf("cannot make a scratch folder: %w", err)
	}
	if a.x.CreateLive != nil {
		a.live, err = a.x.CreateLive(a.scratch.live, a.o, a.identity())
	}
	return err
}

// prepare renders and checks all that the plugin is given.
func (a *attempt) prepare(ctx context.Context) (*plugins.Call, error) {
	if err := a.see(ctx); err != nil {
		return nil, err
	}
	input, err := a.input()
	if err != nil {
		return nil, err
	}
	a.given = input
	env, err := a.environ()
	if err != nil {
		return nil, err
	}
	dir, err := a.workdir()
	if err != nil {
		return nil, err
	}
	if err := a.planArtifacts(); err != nil {
		return nil, err
	}
	if err := a.layInputs(ctx); err != nil {
		return nil, err
	}
	a.env, a.dir, a.prepared = env, dir, true
	return a.callWith(input, env, dir), nil
}

// callWith is the call of what was rendered.
func (a *attempt) callWith(input json.RawMessage, env []string, dir string) *plugins.Call {
	c := &plugins.Call{
		Input: input, By: callerOf(a.o), Env: env, Dir: dir,
		TmpDir: a.scratch.dir, Output: a.scratch.output(), Log: a.log.file, Live: a.live,
		Grace: a.x.Grace, Shell: a.x.Shell, Poke: a.poke, Since: a.since,
		Now: a.x.clock().Now, Started: func(int) {}, Logf: a.log.printf,
	}
	if a.mask != nil && !a.apart {
		c.Log, c.Tap = nil, a.tap
	}
	return c
}

// settle ends an attempt whose call succeeded.
func (a *attempt) settle(ctx context.Context, res plugins.Result) (PokeResult, error) {
	if res.NotYet {
		return PokeResult{}, plugins.Errorf(plugins.Internal, "cannot end %s: it says to wait, and is no sensor here", a.o.Task.Uses)
	}
	out, err := a.take(res)
	if err == nil {
		err = a.answers(out)
	}
	if err != nil {
		return PokeResult{}, err
	}
	return a.succeed(ctx, res, out)
}

func (a *attempt) succeed(ctx context.Context, res plugins.Result, out *output) (PokeResult, error) {
	if out.wrong != nil {
		return PokeResult{}, wrongOutput(out.wrong)
	}
	artifacts, err := a.keepArtifacts(ctx)
	if err != nil {
		return PokeResult{}, err
	}
	out.line = res.Text && strings.HasPrefix(string(res.Output), `"`)
	raw, ref, err := a.keep(ctx, out)
	if err != nil {
		return PokeResult{}, err
	}
	return PokeResult{Done: true, Outcome: machine.Outcome{
		State: machine.Success, Exit: res.Exit, Output: raw, Ref: ref, Artifacts: artifacts,
	}}, nil
}

// tidy closes and empties what the attempt had. It comes last, when nothing of it lives any more.
func (a *attempt) tidy(done bool) {
	if a.made != nil && a.made.drop != nil {
		a.made.drop()
	}
	if err := a.x.scratches.give(a.o.Run.Key(), a.scratch, a.live); err != nil {
		a.log.weft("cannot remove the scratch folder: " + err.Error())
	}
	var spare func(*os.File)
	if done && a.x.SpareLog != nil {
		spare = func(f *os.File) { a.x.SpareLog(a.o, f) }
	}
	if spared := a.log.close(spare); spared || !done || !a.log.used || a.x.SealLog == nil {
		return
	}
	if err := a.x.SealLog(a.o); err != nil {
		a.log.weft("cannot seal the log: " + err.Error())
		a.log.close(nil)
	}
}

// failed makes the outcome of an error, and tells it to the log's reader.
func (a *attempt) failed(err error) PokeResult {
	out := outcomeOf(err, a.mask)
	if a.poke > 0 && a.notYet(out) {
		return PokeResult{}
	}
	if a.poke > 0 && out.State == machine.Failed && a.sensor().OnError == "skip" && a.excused(out) {
		out.State, out.Kind = machine.Skipped, ""
	}
	a.log.weft(fmt.Sprintf("attempt %d %s: %s", a.o.Key.Attempt, out.State, strings.TrimSpace(out.Error)))
	out.Error = short(out.Error)
	return PokeResult{Done: true, Outcome: out}
}
