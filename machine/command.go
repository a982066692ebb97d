package machine

import "time"

// A Command is an order to the engine. Run, task, index, epoch and attempt name it for good, so
// that carrying it out twice does no harm; a timer says when, never how long. Commands hold
// references into the plan, never rendered values or secrets.
type Command interface{ command() }

// StartAttempt wants the attempt alive as soon as Admit grants it a slot. A sensor's attempt is a
// series of pokes, which hold no slot: the engine keeps the loop.
type StartAttempt struct {
	Key
}

// StopAttempt ends an attempt that may be alive; AttemptEnded follows either way.
type StopAttempt struct {
	Key
	Reason string // cancelled, timeout (of the run or a sensor), cleared, overtime (see Overtime)
}

// SetTimer asks for TimerFired with this name at that moment of the wall clock.
type SetTimer struct {
	Timer string
	At    time.Time
}

// DropTimer says that nobody waits for the timer any more.
type DropTimer struct {
	Timer string
}

// AskPast asks for the state of the task in the newest earlier run that is not manual;
// PastAnswered answers, when that is settled.
type AskPast struct {
	Task  string
	Epoch int
}

// Evaluate asks for the value of an expression whose inputs are spilled; Evaluated answers.
type Evaluate struct {
	ID    string // names the question within the run
	Key   Key    // whose scope the expression is read in; Attempt is 0
	What  string // when, for_each, retry_if
	Index int    // of when under a for_each; -1 otherwise
}

// Decide asks for RunDecided.
type Decide struct {
	State  RunState
	Reason string
}

// Finish asks for RunFinished.
type Finish struct {
	State RunState
}

func (StartAttempt) command() {}
func (StopAttempt) command()  {}
func (SetTimer) command()     {}
func (DropTimer) command()    {}
func (AskPast) command()      {}
func (Evaluate) command()     {}
func (Decide) command()       {}
func (Finish) command()       {}

// An Order is all that carrying out an attempt (or evaluating an expression) of a task needs to
// know of its run: what expressions see, as JSON. Made by Run.Order.
type Order struct {
	Run     RunInfo
	Plan    *Plan
	Task    *Task
	ID      string // of the task or callback (see CallbackID)
	Key     Key
	Attempt int // of this epoch, from 1: `attempt` in expressions; WEFT_ATTEMPT is Key.Attempt
	// Item of an instance, where HasItem; of a spilled list ItemRef, whose element Key.Index it is.
	Item    any
	HasItem bool
	ItemKey *string // of a map
	ItemRef *Ref
	// Since is the time of the attempt's AttemptStarted; of a sensor of its first poke in this
	// epoch, kept across retries. Zero before.
	Since time.Time
	// Remote is set where the attempt is remote work that has been, or may have been, submitted.
	Remote *Remote
	// Tasks holds the snapshot of what the task reads, by id.
	Tasks map[string]TaskView
	// Error is set for on_failure callbacks of a task: why it failed.
	Error *TaskError
	// RunState and RunFailed are set for callbacks of the DAG.
	RunState  RunState
	RunFailed []string

	last *Outcome // of the attempt before this one, for retry_if
}

// RunInfo is what `run.*`, `params.*` and `vars.*` are.
type RunInfo struct {
	RunStarted
	StartedAt time.Time
	Epoch     int
}

// A TaskView is what `tasks.X` is in an expression. Its JSON keeps null and absent apart.
type TaskView struct {
	State     State          `json:"state,omitempty"`  // None stands for null: it had not finished
	Output    Raw            `json:"output,omitempty"` // JSON; nil = null. Of a mapped task the list in order, unless a member is spilled
	Ref       *Ref           `json:"ref,omitempty"`
	Artifacts []Artifact     `json:"artifacts,omitempty"` // of a success that is not mapped
	Declared  []string       `json:"declared,omitempty"`  // names of the artifacts that its success leaves, in order
	Error     string         `json:"error,omitempty"`
	Mapped    bool           `json:"mapped,omitempty"`
	Instances []InstanceView `json:"instances,omitempty"`
}

// An InstanceView is one element of `tasks.X.instances`, with its output.
type InstanceView struct {
	Index     int        `json:"index"`
	State     State      `json:"state,omitempty"` // None = it had not finished
	Output    Raw        `json:"output,omitempty"`
	Ref       *Ref       `json:"ref,omitempty"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
}

// A TaskError is what `error` is in on_failure and retry_if.
type TaskError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Exit    *int   `json:"exit_code"`
}
