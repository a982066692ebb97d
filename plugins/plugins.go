// Package plugins holds the contract between weft and what carries out one kind of task, and the
// registry of what is there. A plugin is one folder below this one; plugins/all lists them.
//
// A plugin knows nothing of runs, DAGs or the machine: it gets one Call and gives one Result or
// one error with a kind. Further abilities are optional one-method interfaces, found by assertion.
package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// A Plugin carries out one kind of task.
type Plugin interface {
	// Name is what `uses` says: "shell", "file.head".
	Name() string
	// Schema describes the input (`with`) and the output, as JSON Schema (draft-07).
	Schema() Schema
	// Run carries out one attempt, or one poke of a sensor. It returns soon after ctx ends, with
	// nothing of the attempt left alive. A failure should be an *Error; any other error is Internal.
	Run(ctx context.Context, call *Call) (Result, error)
}

// A Schema is a plugin's shape, said once: validation, docs and the editor's schema come from it.
//
// A property of the input that says "x-weft-expr": ["output"] is a bare expression over the output, and
// the attempt fails unless it is true. Whoever runs the plugin asks it; Call.Input does not hold it, so
// it cannot be required. A plugin that has one is a Teller.
//
// One that says "x-weft-literal": {"pattern": …, "patternErrorMessage": …} is held to that where it is written
// down without an expression; of what an expression gives the plugin itself says what is wrong.
//
// One that says "x-weft-file": true is, as text, a file beside the DAG that no task makes: validation warns
// if it is not there.
type Schema struct {
	Title  string          // one line: what it does
	Input  json.RawMessage // a JSON Schema of type object
	Output json.RawMessage // a JSON Schema of the output; nil = anything
}

// Sensor is the ability of a plugin that is a sensor by nature (`wait`): a task that uses it
// waits without a `sensor` key.
type Sensor interface{ SensorByNature() }

// Endless is the ability of a sensor by nature whose wait may never be over: it has the default `timeout`
// of sensors, with the warning.
type Endless interface{ Endless() }

// Hoster is the ability to tell which host a call goes to, so that pokes are fair between hosts.
type Hoster interface {
	Host(input json.RawMessage) string // "" = this machine
}

// Teller is the ability to say in a few words what a call gave, for a message about an output that is
// not what was asked for: "GET http://host/x answered 200 OK: {"n":3}".
type Teller interface {
	Tell(input, output json.RawMessage) string
}

// NamesFiles is the ability of a plugin that opens or looks at files of this machine which its input
// names. Data cannot lead such a path up by `..`, nor one of below away from the working directory;
// see runner.
type NamesFiles interface {
	PathInputs() (below, anywhere []string) // names of inputs, each a path if it is text
}

// InProcess is the ability of a plugin that starts no process and keeps no file of its own: its
// calls come without TmpDir, Output, Log and Live, so that thousands of them cost next to nothing,
// unless their task has artifacts or inputs. What it has to say goes through Logf.
type InProcess interface{ InProcess() }

// Harmless is the ability of a plugin that changes nothing anywhere and whose result hangs on its call
// alone, the clock in it included: `weft test` carries it out as it is.
type Harmless interface{ Harmless() }

// Readier is the ability to make a call ready that may never be: what of it asks nobody else, and nobody sees. Of what
// it returns one is called: run carries the call out, as Run would, and drop lets go of what was opened for it.
type Readier interface {
	Ready(call *Call) (run func(ctx context.Context) (Result, error), drop func())
}

// A Call is one attempt (or poke) as the plugin sees it. All paths are absolute. Input and Env are not to be
// changed: other calls have the same.
type Call struct {
	Input   json.RawMessage // rendered, checked against Schema().Input
	By      Caller          // the attempt
	Env     []string        // the whole environment of a process, K=V
	Dir     string          // working directory
	TmpDir  string          // the attempt's own scratch folder
	Output  string          // the file in which a process may leave its output
	Log     *os.File        // the attempt's log, opened O_APPEND; a process writes to it itself. nil with Tap
	Live    *os.File        // inherited by every process of the attempt; its lock tells that one lives
	Grace   time.Duration   // from the polite signal to the hard one
	Shell   []string        // default shell of `run` text; nil = bash if there, else sh
	Poke    int             // number of this poke, from 1; 0 = no sensor
	Since   time.Time       // of a sensor: the first poke
	Now     func() time.Time
	Started func(pid int) // to be called with each process group once it runs
	Logf    func(format string, args ...any)
	// Tap is there for a task with secrets, whose processes must not write to the log themselves; see
	// Stream. Logf and errors are masked by the caller; files below TmpDir are on a disk, and get none.
	Tap func(keep int) (*Stream, error)
}

// A Result is what a call that succeeded gives.
type Result struct {
	Output json.RawMessage // JSON; nil = null
	// OutputFile, if not "", is a file that holds the output instead (JSON, or text if Text).
	OutputFile string
	Text       bool // the output is text that `outputs` may type (last line, name=value)
	// NotBefore, from a sensor by nature whose poke says "not yet", is when to ask again.
	NotBefore time.Time
	// NotYet is a sensor by nature's answer while it does not hold.
	NotYet bool
	Exit   *int // of a process that ran
}

// A Kind is the kind of a failure; it decides about retries.
type Kind string

// The kinds of failures (language, section 10). BadInput is never retried.
const (
	BadInput  Kind = "bad_input"
	Temporary Kind = "temporary"
	Timeout   Kind = "timeout"
	Cancelled Kind = "cancelled"
	Remote    Kind = "remote"
	Internal  Kind = "internal"
)

// An Error is a failure with its kind. Its text opens with "cannot …" or says how a process ended.
type Error struct {
	Kind  Kind
	Err   error
	Hint  string // what the user can do; "" = nothing to add
	Exit  *int   // of a process that ran
	Skip  bool   // exit 99: the task is skipped
	Final bool   // exit 100: failed, no retry
	// Unsure, from RemoteWork.Submit: nobody knows whether the service has begun.
	Unsure bool
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + " (" + e.Hint + ")"
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// KindOf returns the kind of a failure; Internal if nobody said.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	if errors.Is(err, context.Canceled) {
		return Cancelled
	}
	return Internal
}

// A Registry is the plugins of this program, in the order of their names.
type Registry struct{ byName map[string]Plugin }

// NewRegistry makes a registry; two plugins of one name are a bug of the program.
func NewRegistry(list ...Plugin) *Registry {
	r := &Registry{byName: make(map[string]Plugin, len(list))}
	for _, p := range list {
		if _, twice := r.byName[p.Name()]; twice {
			panic("plugins: two plugins are named " + p.Name())
		}
		r.byName[p.Name()] = p
	}
	return r
}

// Get returns the plugin of that name, nil if there is none.
func (r *Registry) Get(name string) Plugin { return r.byName[name] }

// Names returns the plugins' names, sorted.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.byName)) }
