package machine

import (
	"fmt"
	"time"
)

// Remote work lives elsewhere and outlasts the program: a job of a service. An attempt of it passes
// three records, each durable before what follows from it:
//
//	StartAttempt   → a slot is granted, the input is rendered
//	RemoteIntended → SubmitRemote: only now may the service hear of it
//	RemoteSubmitted → WatchRemote: its handle is known; no slot is held any more
//	AttemptEnded
//
// A crash between the two records leaves a submission of which nobody knows whether it was made. It is
// found again by the token of the intent, which travels with it, or made now: so at most one known
// remote run an attempt. Whatever ends the attempt early is StopAttempt; it is answered by AttemptEnded
// once the remote run has ended, or is known not to be.

// RemoteIntended says that an attempt is about to be submitted to a service. Awaited.
type RemoteIntended struct {
	Key
	Token  string `json:"token"`            // names the submission for good, over all state folders
	Target Raw    `json:"target,omitempty"` // what it takes to find the submission by its token; no secrets
}

// RemoteSubmitted says that the service has accepted it. Awaited.
type RemoteSubmitted struct {
	Key
	Handle Raw    `json:"handle"` // what it takes to watch and to stop it; no secrets
	Text   string `json:"text"`   // what it is, for people: "glue job clean_orders run jr_1"
}

func (RemoteIntended) factName() string  { return "remote_intended" }
func (RemoteSubmitted) factName() string { return "remote_submitted" }

// SubmitRemote has an attempt submitted whose intent is durable. It wants slots as StartAttempt does.
// Given by Outstanding it says that a submission may have been made before.
type SubmitRemote struct {
	Key
}

// WatchRemote has a submission watched whose handle is durable. It holds no slots.
type WatchRemote struct {
	Key
}

func (SubmitRemote) command() {}
func (WatchRemote) command()  {}

// Overtime is the reason of a StopAttempt for an attempt of remote work that took longer than its
// timeout. Unlike the other reasons it leaves room for a retry.
const Overtime = "overtime"

// A Remote is what is known of an attempt's submission.
type Remote struct {
	Token    string    `json:"token"`
	Intended time.Time `json:"intended"`
	Target   Raw       `json:"target,omitempty"`
	Handle   Raw       `json:"handle,omitempty"` // nil = not known
	Text     string    `json:"text,omitempty"`   // with Handle
}

func (r *Run) remoteIntended(f RemoteIntended) {
	n, k, ok := r.find(f.Key)
	if !ok || f.Token == "" || n.def.Sensor != nil {
		return
	}
	in := &n.inst[k]
	if (in.state != Queued && in.state != Running) || in.remote != nil || in.stop != "" {
		return
	}
	in.remote = &Remote{Token: f.Token, Intended: r.now, Target: f.Target}
	r.mixText(f.Token)
	if in.started.IsZero() {
		in.started = r.now
	}
	if in.state == Queued {
		r.setInst(n, k, Running, "")
	}
	if d := time.Duration(n.def.Timeout); d > 0 {
		r.setTimer(r.timerName(attemptTimer, n, k), in.started.Add(d), n, k)
	}
	r.order(SubmitRemote{f.Key})
}

func (r *Run) remoteSubmitted(f RemoteSubmitted) {
	if len(f.Handle) == 0 {
		return
	}
	if d := r.drains[f.Key]; d != nil {
		if d.remote != nil && d.remote.Handle == nil {
			d.remote.submitted(f)
			r.mixText(string(f.Handle))
			r.order(StopAttempt{f.Key, cleared})
		}
		return
	}
	n, k, ok := r.find(f.Key)
	if !ok || n.inst[k].remote == nil || n.inst[k].remote.Handle != nil {
		return
	}
	in := &n.inst[k]
	in.remote.submitted(f)
	r.mixText(string(f.Handle))
	r.setInst(n, k, Deferred, f.Text)
	r.order(WatchRemote{f.Key})
	if in.stop != "" { // it was asked for when there was nothing to stop yet
		r.order(StopAttempt{f.Key, in.stop})
	}
}

func (m *Remote) submitted(f RemoteSubmitted) { m.Handle, m.Text = f.Handle, f.Text }

// attemptTimer is the timer of an attempt of remote work; that of any other its executor keeps.
const attemptTimer = "attempt"

// endRemote forgets the submission of an attempt that has ended, and tells whether there was one.
func (r *Run) endRemote(n *node, k int) bool {
	if n.inst[k].remote == nil {
		return false
	}
	r.dropTimer(r.timerName(attemptTimer, n, k))
	n.inst[k].remote = nil
	return true
}

// overtime ends an attempt of remote work that was stopped at its timeout: it may be tried again.
func (r *Run) overtime(n *node, k int) {
	in := &n.inst[k]
	in.stop = ""
	if in.result.Kind = "timeout"; in.result.Error == "" {
		in.result.Error = fmt.Sprintf("timed out after %s", time.Duration(n.def.Timeout))
	}
	r.attemptFailed(n, k)
}

// A drain is an attempt of an epoch that is over, not yet ended: with what it takes to stop it where it
// is remote work.
type drain struct {
	plan   string // hash
	remote *Remote
}

// DrainOrder returns what stopping an attempt of an epoch that is over needs; ok is false if the key is
// none. Of what expressions see it knows the run alone.
func (r *Run) DrainOrder(key Key) (o Order, ok bool) {
	d := r.drains[key]
	if d == nil {
		return Order{}, false
	}
	plan := r.plans(d.plan)
	if plan == nil || plan.Task(key.Task) == nil {
		return Order{}, false
	}
	return Order{Run: r.Info(), Plan: plan, Task: plan.Task(key.Task), ID: key.Task, Key: key, Remote: d.remote.copy()}, true
}

func (m *Remote) copy() *Remote {
	if m == nil {
		return nil
	}
	c := *m
	return &c
}

// RemoteOf returns what is known of the submission of an attempt that is outstanding, or of an epoch that
// is over; nil if it is not remote work, or was not intended yet.
func (r *Run) RemoteOf(key Key) *Remote {
	if d := r.drains[key]; d != nil {
		return d.remote.copy()
	}
	if n, k, ok := r.find(key); ok && n.inst[k].alive() {
		return n.inst[k].remote.copy()
	}
	return nil
}

// mixText folds a text into the state hash.
func (r *Run) mixText(s string) {
	r.mix(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		var w uint64
		for i := range 8 {
			w = w<<8 | uint64(s[i])
		}
		r.mix(w)
	}
	for i := range len(s) {
		r.mix(uint64(s[i]))
	}
}
