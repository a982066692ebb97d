package machine

import "fmt"

// A State is the state of a task, or of one instance of a mapped task. Its text is the same in
// expressions, the API, logs and the store.
type State uint8

// The states of a task, in the order a task may pass them. All from Success on are finished.
const (
	None            State = iota // nothing decided yet
	Scheduled                    // the trigger said run; waits for a question, or for max_parallel
	Queued                       // wants a slot
	Running                      // its attempt is alive
	UpForReschedule              // a sensor waits for its next poke
	Deferred                     // remote work goes on
	UpForRetry                   // waits for the next attempt
	Success
	Failed
	Skipped
	UpstreamFailed
)

var stateNames = [...]string{
	"none", "scheduled", "queued", "running", "up_for_reschedule", "deferred", "up_for_retry",
	"success", "failed", "skipped", "upstream_failed",
}

// Finished tells whether a task in this state is done with in this epoch.
func (s State) Finished() bool { return s >= Success }

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", s)
}

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *State) UnmarshalText(b []byte) error {
	for i, n := range stateNames {
		if n == string(b) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read task state %q", b)
}

// A RunState is the state of a run.
type RunState string

// The states of a run. RunQueued waits for max_active_runs.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSuccess   RunState = "success"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Terminal tells whether a run in this state is over (until someone reopens it).
func (s RunState) Terminal() bool { return s == RunSuccess || s == RunFailed || s == RunCancelled }
