package machine

import (
	"encoding/json"
	"fmt"
	"time"
)

// Rules is the number of the rules that this machine writes into RunStarted. Step branches on the
// number of the run it is given, so that an old journal means what it meant.
const Rules = 1

// An Event is a fact that has happened, with its time: the only thing that moves a run.
//
// It marshals as one flat JSON object: {"at": …, "type": "attempt_ended", …the fact's own keys}.
type Event struct {
	At   time.Time // wall clock, UTC
	Fact Fact
}

// A Fact is what an Event tells. The types below are all there are.
type Fact interface{ factName() string }

// A Key names one attempt of a task (or callback, see CallbackID) within its run, for good:
// carrying an order with the same key out twice does no harm.
type Key struct {
	Task    string `json:"task"`
	Index   int    `json:"index"`   // of the instance of a mapped task; -1 for others
	Epoch   int    `json:"epoch"`   // from 0; one higher with each clear of the task
	Attempt int    `json:"attempt"` // from 1, counted on across epochs
}

func (k Key) String() string {
	if k.Index < 0 {
		return fmt.Sprintf("%s/-/%d/%d", k.Task, k.Epoch, k.Attempt)
	}
	return fmt.Sprintf("%s/%d/%d/%d", k.Task, k.Index, k.Epoch, k.Attempt)
}

// RunStarted opens every journal.
type RunStarted struct {
	Rules         int       `json:"rules"`
	DAG           string    `json:"dag"`
	Run           string    `json:"run"`
	RunType       string    `json:"run_type"` // manual, scheduled, backfill
	LogicalDate   time.Time `json:"logical_date"`
	IntervalStart time.Time `json:"data_interval_start"`
	IntervalEnd   time.Time `json:"data_interval_end"`
	DS            string    `json:"ds"`               // date of IntervalStart (logical date) in the schedule's zone, 2006-01-02
	Params        Raw       `json:"params,omitempty"` // JSON object, defaults filled in
	Vars          Raw       `json:"vars,omitempty"`   // JSON object, of the configuration
	Plan          string    `json:"plan"`             // hash
	By            string    `json:"by,omitempty"`     // who asked
	Hold          bool      `json:"hold,omitempty"`   // queued until RunAdmitted (max_active_runs)
	MaxInstances  int       `json:"max_instances,omitempty"`
	Handoff       string    `json:"handoff,omitempty"` // URI in force for this run
	Sandbox       bool      `json:"sandbox,omitempty"` // AWS is the sandbox of the state folder, for as long as the run lives
	Parent        *Parent   `json:"parent,omitempty"`  // who started it, where that was a task
}

// A Parent is the attempt of another run by which a run was started.
type Parent struct {
	DAG string `json:"dag"`
	Run string `json:"run"`
	Key
	Depth int `json:"depth"` // how many runs stand above, one started by the other; from 1
}

// Key is what names the run among those of all DAGs: in stores, locks, local files and orders. Scheduled and backfill
// runs of many DAGs have one id, as they have one logical date; so their DAG's stands before it: dag/run.
func (s RunStarted) Key() string { return RunKey(s.DAG, s.RunType, s.Run) }

// RunKey is the Key of a run.
func RunKey(dag, runType, run string) string {
	if runType == "manual" || runType == "" {
		return run
	}
	return dag + "/" + run
}

// RunAdmitted lets a run that was held begin.
type RunAdmitted struct{}

// AttemptStarted says that an attempt is alive (of a sensor: that its first poke begins).
// Lazy: it may be lost in a crash.
type AttemptStarted struct {
	Key
}

// AttemptEnded is the outcome of an attempt, or of a whole series of pokes.
type AttemptEnded struct {
	Key
	Outcome
}

// An Outcome is how an attempt ended.
type Outcome struct {
	State  State  `json:"state"`            // Success, Failed or Skipped
	Kind   string `json:"kind,omitempty"`   // of a failure: bad_input temporary timeout cancelled remote internal
	Error  string `json:"error,omitempty"`  // one line for people, secrets masked
	Exit   *int   `json:"exit,omitempty"`   // of a process that ran
	Final  bool   `json:"final,omitempty"`  // a failure that no retry can mend (exit 100, fail_when)
	Output Raw    `json:"output,omitempty"` // inline; at most InlineLimit bytes
	Ref    *Ref   `json:"ref,omitempty"`    // spilled; then Output is nil
	// Artifacts are what a success has left in the handoff, in the order of the plan.
	Artifacts []Artifact `json:"artifacts,omitempty"`
	Elapsed   int64      `json:"elapsed,omitempty"` // nanoseconds on the monotonic clock, of the attempt
}

// InlineLimit is the size in bytes of JSON up to which an output is kept with the run.
const InlineLimit = 49152

// A Ref names a value that lies outside the journal.
type Ref struct {
	URI    string `json:"uri"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// AttemptLost says that an attempt was cut off by the end of weft or its machine, and that nothing
// of it lives any more. It runs again under the same key; three in a row fail the task.
type AttemptLost struct {
	Key
	Reason string `json:"reason,omitempty"`
	// Ordered: weft was told to stop, or could not keep its journal. That is no crash that the attempt may
	// have had a part in, so it is none of the three.
	Ordered bool `json:"ordered,omitempty"`
}

// TimerFired says that the moment a SetTimer asked for has come.
type TimerFired struct {
	Timer string `json:"timer"`
}

// PastAnswered answers AskPast: whether the task may go, and by which run that was judged.
type PastAnswered struct {
	Task  string `json:"task"`
	Epoch int    `json:"epoch"`
	OK    bool   `json:"ok"`
	Run   string `json:"run,omitempty"` // the newest earlier run; "" = none
}

// Evaluated answers Evaluate. A large list or map stays outside: then Ref and Len are set.
type Evaluated struct {
	ID    string `json:"id"`
	Value Raw    `json:"value,omitempty"`
	Ref   *Ref   `json:"ref,omitempty"`
	Len   int    `json:"len,omitempty"`
	Error string `json:"error,omitempty"`
}

// CancelAsked ends the run: nothing starts any more, what lives is stopped.
type CancelAsked struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// RunDecided fixes the verdict; callbacks follow.
type RunDecided struct {
	State  RunState `json:"state"`
	Reason string   `json:"reason,omitempty"`
}

// RunFinished closes the run; Wait returns here. Only Reopened may follow.
type RunFinished struct {
	State RunState `json:"state"`
}

// Reopened clears tasks: they begin a new epoch, under the plan named.
type Reopened struct {
	By     string   `json:"by,omitempty"`
	Tasks  []string `json:"tasks"`            // each task that is cleared, downstream included
	Plan   string   `json:"plan"`             // hash; may be the one in force
	Epoch  int      `json:"epoch"`            // of the run, one higher than before
	Dir    string   `json:"dir,omitempty"`    // absolute folder of the DAG's file, where it has moved
	Params Raw      `json:"params,omitempty"` // JSON object, where the plan declares other params
}

// Marked sets a task's state by hand: Success, Failed or Skipped.
type Marked struct {
	By    string `json:"by,omitempty"`
	Task  string `json:"task"`
	State State  `json:"state"`
}

func (RunStarted) factName() string     { return "run_started" }
func (RunAdmitted) factName() string    { return "run_admitted" }
func (AttemptStarted) factName() string { return "attempt_started" }
func (AttemptEnded) factName() string   { return "attempt_ended" }
func (AttemptLost) factName() string    { return "attempt_lost" }
func (TimerFired) factName() string     { return "timer_fired" }
func (PastAnswered) factName() string   { return "past_answered" }
func (Evaluated) factName() string      { return "evaluated" }
func (CancelAsked) factName() string    { return "cancel_asked" }
func (RunDecided) factName() string     { return "run_decided" }
func (RunFinished) factName() string    { return "run_finished" }
func (Reopened) factName() string       { return "reopened" }
func (Marked) factName() string         { return "marked" }

// facts reads each fact from JSON by its name.
var facts = map[string]func([]byte) (Fact, error){
	"run_started":      read[RunStarted],
	"run_admitted":     read[RunAdmitted],
	"attempt_started":  read[AttemptStarted],
	"attempt_ended":    read[AttemptEnded],
	"attempt_lost":     read[AttemptLost],
	"remote_intended":  read[RemoteIntended],
	"remote_submitted": read[RemoteSubmitted],
	"timer_fired":      read[TimerFired],
	"past_answered":    read[PastAnswered],
	"evaluated":        read[Evaluated],
	"cancel_asked":     read[CancelAsked],
	"run_decided":      read[RunDecided],
	"run_finished":     read[RunFinished],
	"reopened":         read[Reopened],
	"marked":           read[Marked],
}

func read[F Fact](b []byte) (Fact, error) {
	var f F
	err := json.Unmarshal(b, &f)
	return f, err
}

// Name returns the event's type as it stands in the journal.
func (e Event) Name() string { return e.Fact.factName() }

// MarshalJSON implements json.Marshaler.
func (e Event) MarshalJSON() ([]byte, error) {
	if y := e.At.UTC().Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("cannot write event: the year %d has no place in RFC 3339", y)
	}
	body, err := json.Marshal(e.Fact)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(body)+64)
	out = append(out, `{"at":"`...)
	out = e.At.UTC().AppendFormat(out, time.RFC3339Nano)
	out = append(out, `","type":"`...)
	out = append(out, e.Fact.factName()...)
	out = append(out, '"')
	if len(body) > 2 { // more than {}
		out = append(out, ',')
		out = append(out, body[1:]...)
		return out, nil
	}
	return append(out, '}'), nil
}

// UnmarshalJSON implements json.Unmarshaler. An unknown type is an error: the journal comes from
// a newer weft.
func (e *Event) UnmarshalJSON(b []byte) error {
	var head struct {
		At   time.Time `json:"at"`
		Type string    `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("cannot read event: %w", err)
	}
	readFact, ok := facts[head.Type]
	if !ok {
		return fmt.Errorf("cannot read event: type %q is not known to this weft", head.Type)
	}
	f, err := readFact(b)
	if err != nil {
		return fmt.Errorf("cannot read event %s: %w", head.Type, err)
	}
	at := head.At.UTC()
	if y := at.Year(); y < 0 || y > 9999 {
		return fmt.Errorf("cannot read event: the year %d has no place in RFC 3339", y)
	}
	e.At, e.Fact = at, f
	return nil
}

// Lazy tells that the event may ride in a later group of the journal: nothing depends on it, and a
// crash that loses it loses no truth (house: the three durabilities).
func (e Event) Lazy() bool {
	_, lazy := e.Fact.(AttemptStarted)
	return lazy
}
