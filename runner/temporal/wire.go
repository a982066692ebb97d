package temporal

import (
	"strings"
	"time"

	"weft/machine"
)

// Names on the server. They are kept: histories and other wefts know them.
const (
	// Queue is the task queue of workflows, and of activities that any weft can do. Each weft that hosts runs
	// polls it.
	Queue = "weft"

	RunWorkflow   = "weft.run"   // RunInput → RunResult; its id is RunID
	BatchWorkflow = "weft.batch" // BatchInput → nothing; tells the run by SignalTold

	// Activities of a task's queue.
	AttemptActivity = "weft.attempt" // Order, Views → machine.Outcome
	PokeActivity    = "weft.poke"    // Order, Views → machine.Outcome; "not yet" is an error that is tried again
	IntendActivity  = "weft.intend"  // Order, Views → runner.Intent
	SubmitActivity  = "weft.submit"  // Order, Views → runner.Submitted
	CheckActivity   = "weft.check"   // Order, Views → machine.Outcome; "goes on" is an error that is tried again
	HaltActivity    = "weft.halt"    // Order, reason → machine.Outcome

	// Activities of Queue.
	EvaluateActivity = "weft.evaluate" // Order, Views, machine.Evaluate → machine.Evaluated
	ArriveActivity   = "weft.arrive"   // Arrival → Place: a run stands in its DAG's line
	LeaveActivity    = "weft.leave"    // Departure → nothing: it is over
	PastActivity     = "weft.past"     // Past → PastAnswer

	// Signals of a run.
	SignalTold     = "weft.told"     // Told, of a batch
	SignalAdmitted = "weft.admitted" // nothing: it may begin
	SignalCancel   = "weft.cancel"   // machine.CancelAsked
	SignalGranted  = "weft.granted"  // []machine.Key: slots of pools that all workers share

	// SignalStop tells a batch to stop attempts: []Stop. None is a question whether it is there.
	SignalStop = "weft.stop"

	// UpdateOrder has a run take an order: OrderUpdate → OrderTaken. What it refuses is no failure.
	UpdateOrder = "weft.order"

	// QuerySnapshot tells all of a run: Asked → Snapshot.
	QuerySnapshot = "weft.snapshot"

	// PoolsID is the workflow that lends the slots of the pools which all workers share.
	PoolsID = "weft/pools"
	// SignalWant asks it for slots: Wanted. SignalGranted answers. A want that is repeated is the same one; of
	// one who holds its slots already the answer is repeated.
	SignalWant = "weft.want"
	// SignalFree tells it what is no longer held or wanted: Freed. What it knows nothing of it passes over.
	SignalFree = "weft.free"
)

// Types of application errors that activities give.
const (
	// ErrLost: the attempt was cut off and nothing of it lives; details are a Lost. Never tried again by the server:
	// the machine orders it again.
	ErrLost = "weft.lost"
	// ErrNotYet: a poke or check that found nothing yet. Tried again at its time; it makes no history.
	ErrNotYet = "weft.not_yet"
	// ErrUnready: this worker cannot do it (no such plugin, plan or bundle; an older weft). Tried again, elsewhere.
	ErrUnready = "weft.unready"
)

// TaskQueue is the task queue on which the attempts of a task with that `queue:` are done; "" = default.
func TaskQueue(queue string) string {
	if queue == "" {
		queue = "default"
	}
	return Queue + "-" + queue
}

// WatchQueue is the task queue of what such a task does while it waits (PokeActivity, CheckActivity, HaltActivity). Workers ask
// it beside TaskQueue, with slots of its own: a worker that has all it can carry out still asks sensors, and still stops
// what was cancelled.
func WatchQueue(queue string) string { return watching(TaskQueue(queue)) }

// watching is WatchQueue of a TaskQueue.
func watching(queue string) string { return Queue + "/watch-" + strings.TrimPrefix(queue, Queue+"-") }

// RunID is the workflow id of a run, by its machine.RunKey.
func RunID(run string) string { return "weft/run/" + run }

// A Source is where the files beside a DAG are.
type Source struct {
	Dir string `json:"dir"` // absolute folder of the DAG's file where the run was started
	// Of a DAG that came from a bucket: whoever has no such folder fetches the set.
	Bucket string `json:"bucket,omitempty"` // s3://BUCKET/PREFIX
	Set    string `json:"set,omitempty"`    // hash
	Sub    string `json:"sub,omitempty"`    // slash-separated folder of the DAG's file within the set; "" = its root
}

// A RunInput begins a run, or goes on with it.
type RunInput struct {
	Plans  []Body `json:"plans"` // that the run follows, or followed
	Source Source `json:"source"`
	// Pools are those whose slots all workers share; of the others each worker has its own.
	Pools []string `json:"pools,omitempty"`

	Started *machine.RunStarted `json:"started,omitempty"` // it begins
	Going   *Going              `json:"going,omitempty"`   // it goes on
	Order   *OrderUpdate        `json:"order,omitempty"`   // of a run that was over: with what it begins again
}

// A Body is a plan, as it is encoded.
type Body struct {
	Hash string `json:"hash"`
	Plan []byte `json:"plan"`
	// Elsewhere are the plugins of the plan whose work lives elsewhere (plugins.RemoteWork), sorted: what a workflow
	// does may not hang on what its host happens to have.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// A Going is all that a run takes along when it goes on as a new execution.
type Going struct {
	Snapshot []byte        `json:"snapshot"` // of the machine
	Seq      uint64        `json:"seq"`      // events so far
	Batches  int           `json:"batches"`  // begun so far: ids go on
	Away     []Away        `json:"away,omitempty"`
	Arrived  bool          `json:"arrived,omitempty"`
	Leases   []machine.Key `json:"leases,omitempty"` // slots of shared pools that are held
}

// An Away is a batch that goes on, and what it has in hand.
type Away struct {
	Batch int           `json:"batch"`
	Keys  []machine.Key `json:"keys"`
}

// A RunResult is what is left of a run that is over. A run that failed ends the workflow with an error of its state's
// name and the same details.
type RunResult struct {
	State machine.RunState `json:"state"`
	Seq   uint64           `json:"seq"`
}

// An Asked says what who asks has already, and need not be told again.
type Asked struct {
	Seq   uint64 `json:"seq,omitempty"`   // of the snapshot that it has: of no newer one State is nil
	Plans int    `json:"plans,omitempty"` // so many of the run's plans, the first ones
}

// A Snapshot is a run as it stands: what Restore takes.
type Snapshot struct {
	Plans  []Body `json:"plans"`
	State  []byte `json:"state"` // machine.Run.Snapshot; nil: it has not begun
	Seq    uint64 `json:"seq"`
	Source Source `json:"source"`
}

// An Order is a machine.Order on its way to a worker, without what it sees of other tasks (Views: the same for all
// instances) and without the plan, which workers fetch once by its hash.
type Order struct {
	Body   machine.Raw `json:"body"` // machine.Order.Encode
	Plan   string      `json:"plan"` // hash
	Source Source      `json:"source"`
	// Poke is how often a sensor was asked before this activity.
	Poke int `json:"poke,omitempty"`
	// Again tells that a submission may have been made before.
	Again bool `json:"again,omitempty"`
}

// Views is what an order sees of other tasks.
type Views = map[string]machine.TaskView

// A BatchInput is up to 500 attempts that a workflow of their own takes care of, so that the run can go on as a new
// execution meanwhile. Its own history stays short enough to need none.
type BatchInput struct {
	Run   string  `json:"run"` // workflow id
	Batch int     `json:"batch"`
	Work  []Work  `json:"work"`
	Views []Views `json:"views,omitempty"`
}

// A Told is what became of attempts of a batch: of each one fact, that it ended, was lost, was intended or submitted.
// What is not of the batch that the run has given it to it passes over.
type Told struct {
	Batch int             `json:"batch"`
	Facts []machine.Event `json:"facts"`
}

// A Work is one attempt of a batch.
type Work struct {
	Kind    string        `json:"kind"` // an activity's name
	Key     machine.Key   `json:"key"`
	Queue   string        `json:"queue"` // task queue
	Order   Order         `json:"order"`
	View    int           `json:"view"`              // in BatchInput.Views
	Reason  string        `json:"reason,omitempty"`  // of HaltActivity
	Timeout time.Duration `json:"timeout,omitempty"` // of an attempt or a poke; 0 = none
}

// A Stop ends an attempt.
type Stop struct {
	Key    machine.Key `json:"key"`
	Reason string      `json:"reason"`
}

// A Lost says why an attempt was cut off.
type Lost struct {
	Reason  string `json:"reason"`
	Ordered bool   `json:"ordered,omitempty"` // its worker was told to stop
	Pokes   int    `json:"pokes,omitempty"`   // how often the sensor has been asked, Order.Poke included
}

// An OrderUpdate is an order to a run: machine.Reopened or machine.Marked, with the plan that it names.
type OrderUpdate struct {
	Event  machine.Event `json:"event"` // its time is set by the run
	Plans  []Body        `json:"plans,omitempty"`
	Source *Source       `json:"source,omitempty"` // where the DAG has moved
}

// An OrderTaken answers an OrderUpdate.
type OrderTaken struct {
	Taken bool `json:"taken"`
	// Over: the run has ended in the same moment; order it again, of one that is over.
	Over bool `json:"over,omitempty"`
}

// An Arrival is a run that wants to begin.
type Arrival struct {
	DAG         string    `json:"dag"`
	Run         string    `json:"run"`  // machine.RunKey
	Type        string    `json:"type"` // manual, scheduled, backfill
	LogicalDate time.Time `json:"logical_date"`
	CreatedAt   time.Time `json:"created_at"`
	Plan        string    `json:"plan"`
	Dir         string    `json:"dir"`
	Max         int       `json:"max"` // max_active_runs; 0 = no bound
	// By is who had it begin again (machine.Reopened.By), if it was over.
	By string `json:"by,omitempty"`
}

// A Place is where a run stands in its DAG's line.
type Place struct {
	Admitted bool `json:"admitted"` // else SignalAdmitted comes
}

// A Departure is a run that is over.
type Departure struct {
	DAG        string                   `json:"dag"`
	Run        string                   `json:"run"`
	Type       string                   `json:"type"`
	State      machine.RunState         `json:"state"`
	StartedAt  time.Time                `json:"started_at"`
	FinishedAt time.Time                `json:"finished_at"`
	Tasks      map[string]machine.State `json:"tasks,omitempty"` // of a plan in which a task depends on the past
}

// A Wanted asks for slots of pools.
type Wanted struct {
	Run   string         `json:"run"` // workflow id: whom SignalGranted goes to
	Wants []machine.Want `json:"wants"`
}

// A Freed gives slots back, and wants up.
type Freed struct {
	Run  string        `json:"run"` // workflow id
	Keys []machine.Key `json:"keys"`
}

// A Past asks for the state of a task in the newest earlier run that is not manual.
type Past struct {
	DAG         string    `json:"dag"`
	LogicalDate time.Time `json:"logical_date"`
	Task        string    `json:"task"`
	Until       bool      `json:"until,omitempty"` // "no" is an error that is tried again (ErrNotYet)
}

// A PastAnswer answers it.
type PastAnswer struct {
	OK  bool   `json:"ok"`
	Run string `json:"run,omitempty"`
}
