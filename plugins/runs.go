package plugins

import (
	"context"
	"encoding/json"
	"time"
)

// A Caller names the attempt that a call is of. It says less than an environment and more than a token:
// what of weft's own a plugin may need to know.
type Caller struct {
	DAG, Run    string
	Task        string // as in Key.Task of the machine: a callback has the id of its hook before its own
	Index       int    // -1 = not mapped
	Epoch       int
	Attempt     int
	LogicalDate time.Time
}

// Runs is what weft knows of runs, for the plugins that start one or wait for one. Whoever drives runs
// supplies it. Errors are *Error; one that is Unsure leaves open whether it was done.
type Runs interface {
	// Start makes a run durable and begins it. The same order again gives the run that it began, whatever
	// has become of that since.
	Start(ctx context.Context, o RunOrder) (RunStatus, error)
	// Look tells how a run is that Start has begun; ok is false if there is none of that id. One that was cut
	// off, and that nobody drives, goes on.
	Look(ctx context.Context, id string) (s RunStatus, ok bool, err error)
	// Newest tells of the runs of a DAG for a logical date the newest, and, if task is not "", how that task
	// of it is; ok is false if there is no run.
	Newest(ctx context.Context, dag string, at time.Time, task string) (s RunStatus, ok bool, err error)
	// Cancel has a run end, by order of whom its record will name; that it has, Look says. One that has ended,
	// or is not known, is no error.
	Cancel(ctx context.Context, id, by string) error
}

// A RunOrder asks for a run.
type RunOrder struct {
	ID          string // of the run: it names the order for good
	DAG         string
	Params      map[string]json.RawMessage
	LogicalDate time.Time
	By          Caller
}

// A RunStatus is how a run is.
type RunStatus struct {
	ID, DAG string
	State   string // queued running success failed cancelled
	Ended   bool
	Reason  string // of one that ended otherwise than in success; may be ""
	Task    string // the state of the task that was asked about; "" = there is none of that id
	Tasks   []string
}
