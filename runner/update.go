package runner

import (
	"time"

	"weft/machine"
)

// An Update tells a watcher one thing that changed in a run: what the live tree, `--json` and the
// one-line-an-event output are drawn from. Times are the event's.
type Update struct {
	Type    string           `json:"type"` // run_started, run_decided, run_finished, task
	At      time.Time        `json:"at"`
	Run     string           `json:"run_id"`
	DAG     string           `json:"dag_id,omitempty"` // where whoever hears of the run may not know it
	Task    string           `json:"task_id,omitempty"`
	Index   *int             `json:"index,omitempty"` // of an instance
	Attempt int              `json:"attempt,omitempty"`
	State   string           `json:"state,omitempty"`  // of the task or the run
	Reason  string           `json:"reason,omitempty"` // why it is in this state
	Log     string           `json:"log,omitempty"`    // path of the attempt's log, once it runs
	Next    time.Time        `json:"next,omitzero"`    // up_for_retry: when; a sensor: its deadline
	Summary *machine.Summary `json:"-"`                // with run_finished
	Seq     uint64           `json:"-"`                // of the record it follows from; 0 = of none
}
