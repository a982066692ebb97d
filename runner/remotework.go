package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"weft/machine"
	"weft/plugins"
	"weft/secrets"
)

// An Intent is what is recorded before an attempt is submitted, or how the attempt ended without. As JSON, as a Submitted, it
// is the same in another process: what is not there stays so.
type Intent struct {
	Token   string           `json:"token,omitempty"`
	Target  machine.Raw      `json:"target,omitempty"`
	Outcome *machine.Outcome `json:"outcome,omitempty"` // not nil: it cannot be submitted
}

// A Submitted is what a submission came to: a handle; or, where nothing has been submitted, how the
// attempt ended. Neither: it was stopped, and nobody knows whether the service has begun.
type Submitted struct {
	Handle  machine.Raw      `json:"handle,omitempty"`
	Text    string           `json:"text,omitempty"`
	Soon    bool             `json:"soon,omitempty"` // with Handle: it is worth a check at once
	Outcome *machine.Outcome `json:"outcome,omitempty"`
}

// A Watch is remote work that is checked from time to time, or stopped. Between two checks it keeps
// what spares the next one the rendering.
type Watch struct {
	Order machine.Order // with Remote

	mu     sync.Mutex
	call   *plugins.Call // nil = to be made
	mask   *secrets.Mask // of the secrets that call holds
	where  string        // which credentials and endpoints it leads to
	failed int           // checks in a row that could not ask
	state  string        // last heard
}

// A Checked is how a submission was found.
type Checked struct {
	Done    bool
	Outcome machine.Outcome // where Done
	State   string          // the service's word; "" = it could not be asked
	Failed  string          // why it could not be asked; it is asked again
}

// Remote tells whether the work of an order lives elsewhere.
func (x *Executor) Remote(o machine.Order) bool { return x.elsewhere(o) != nil }

func (x *Executor) elsewhere(o machine.Order) plugins.RemoteWork {
	rem, _ := x.Plugins.Get(o.Task.Uses).(plugins.RemoteWork)
	return rem
}

// Group names what is checked by one call. A submission whose plugin checks each alone is its own group.
func (x *Executor) Group(o machine.Order) string {
	if b, ok := x.elsewhere(o).(plugins.BatchChecker); ok {
		return o.Task.Uses + "\x00" + b.Batch(o.Remote.Handle)
	}
	return o.Task.Uses + "\x00" + o.Remote.Token
}

// Intend renders the input of an attempt and makes what is recorded before it is submitted. The service
// hears nothing of it.
func (x *Executor) Intend(ctx context.Context, o machine.Order) (in Intent) {
	a := attempt{x: x, o: o}
	a.ready()
	target, err := tamed(&a, func() (machine.Raw, error) { return a.aim(ctx) })
	if ctx.Err() != nil {
		err = stopped(context.Cause(ctx))
	}
	if err != nil {
		out := a.failed(err).Outcome
		a.tidy(true)
		return Intent{Outcome: &out}
	}
	a.tidy(false)
	a.x.caches.Put(a.exprs)
	return Intent{Token: newToken(), Target: target}
}

// newToken is a name that no other submission has, whatever weft made it.
func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return "weft-" + hex.EncodeToString(b[:])
}

// tamed makes an error of a plugin's panic.
func tamed[T any](a *attempt, do func() (T, error)) (res T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = plugins.Errorf(plugins.Internal, "cannot go on: %s panicked: %v", a.o.Task.Uses, p)
		}
	}()
	return do()
}

// aim renders and checks the input, and has the plugin say what it aims at.
func (a *attempt) aim(ctx context.Context) (machine.Raw, error) {
	if d := time.Duration(a.o.Task.Timeout); d > 0 { // from its intent on the machine sees to it
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, timeoutError(d))
		defer cancel()
	}
	a.plugin, a.apart = a.x.Plugins.Get(a.o.Task.Uses), true
	if len(a.o.Task.Artifacts)+len(a.o.Task.Inputs) > 0 {
		return nil, plugins.Errorf(plugins.BadInput, "cannot use %s: its work is done elsewhere, and artifacts and inputs are files of this machine", a.o.Task.Uses)
	}
	c, err := a.prepare(ctx)
	if err == nil {
		var target machine.Raw
		if target, err = a.x.elsewhere(a.o).Target(c.Input); err == nil {
			return target, a.mayRecord(string(target))
		}
	}
	if ctx.Err() != nil {
		return nil, stopped(context.Cause(ctx))
	}
	return nil, err
}

// mayRecord refuses what is about to be journalled if it holds a secret.
func (a *attempt) mayRecord(text string) error {
	if a.mask == nil {
		return nil
	}
	name, _ := a.mask.Find(strings.NewReader(text)) // a text can be read
	if name == "" {
		return nil
	}
	e := plugins.Errorf(plugins.BadInput, "cannot submit it: what names it holds secret %s, and would be kept with the run", name)
	e.Hint = "secrets may stand in what is handed over, not in names"
	return e
}

// prepare makes the call by which the service is asked, unless it is there.
func (w *Watch) prepare(ctx context.Context, x *Executor) error {
	if w.call != nil {
		return nil
	}
	a := attempt{x: x, o: w.Order, apart: true, plugin: x.Plugins.Get(w.Order.Task.Uses)}
	a.ready()
	defer x.caches.Put(a.exprs)
	env, err := a.surroundings(ctx)
	if err != nil && w.Order.Tasks == nil && plugins.KindOf(err) == plugins.BadInput {
		// Of an epoch that is over, after a restart: what its env read is gone. What weft itself was given
		// most often leads there too.
		env, err = x.base(x.CleanEnv || w.Order.Plan.EnvPolicy == "clean"), nil
	}
	if err != nil {
		return err
	}
	w.mask = a.mask
	w.call = &plugins.Call{By: callerOf(w.Order), Env: env, Now: x.clock().Now, Logf: func(format string, args ...any) { w.note(x, fmt.Sprintf(format, args...)) }}
	aws := slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return !strings.HasPrefix(strings.TrimPrefix(kv, "WEFT_"), "AWS_") })
	slices.Sort(aws)
	w.where = strings.Join(aws, "\x00")
	return nil
}

// surroundings is the environment alone.
func (a *attempt) surroundings(ctx context.Context) ([]string, error) {
	if err := a.see(ctx); err != nil {
		return nil, err
	}
	return a.environ()
}

// note writes a line of weft into the attempt's log.
func (w *Watch) note(x *Executor, text string) {
	a := attempt{x: x, o: w.Order}
	a.ready()
	a.log.mask = w.mask
	a.log.weft(text)
	a.log.close(nil)
	x.caches.Put(a.exprs)
}
