package runner

import (
	"sync"

	"weft/machine"
	"weft/plugins"
)

// An Intent is what is recorded before an attempt is submitted, or how the attempt ended without.
type Intent struct {
	Token   string
	Target  machine.Raw
	Outcome *machine.Outcome // not nil: it cannot be submitted
}

// A Submitted is what a submission came to: a handle; or, where nothing has been submitted, how the
// attempt ended. Neither: it was stopped, and nobody knows whether the service has begun.
type Submitted struct {
	Handle  machine.Raw
	Text    string
	Outcome *machine.Outcome
}

// A Watch is remote work that is checked from time to time, or stopped. Between two checks it keeps
// what spares the next one the rendering.
type Watch struct {
	Order machine.Order // with Remote

	mu     sync.Mutex
	call   *plugins.Call // nil = to be made
	where  string        // which credentials and endpoints call has
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
