package machine

import (
	"encoding/json"
	"fmt"
	"time"

	"weft/expr"
)

// wireOrder is an Order on its way to another process, as JSON.
type wireOrder struct {
	Run       RunStarted `json:"run"`
	StartedAt time.Time  `json:"started_at"`
	Epoch     int        `json:"run_epoch,omitempty"`
	ID        string     `json:"id"`
	Task      *Task      `json:"task,omitempty"` // where it is none of the plan's: a callback that began under an earlier one
	Key       Key        `json:"key"`
	Attempt   int        `json:"attempt,omitempty"`
	Item      Raw        `json:"item,omitempty"` // nil = it has none
	ItemKey   *string    `json:"item_key,omitempty"`
	ItemRef   *Ref       `json:"item_ref,omitempty"`
	Since     *time.Time `json:"since,omitempty"`
	Remote    *Remote    `json:"remote,omitempty"`
	Error     *TaskError `json:"error,omitempty"`
	RunState  RunState   `json:"run_state,omitempty"`
	RunFailed []string   `json:"run_failed,omitempty"`
	Last      *Outcome   `json:"last,omitempty"`
}

// Encode returns the order as JSON, for another process to carry out: all but the plan, its task and what it
// sees of other tasks, which are the same for many orders. Of the attempt before it goes along what
// expressions see: how it failed, not what it left.
func (o Order) Encode() (Raw, error) {
	w := wireOrder{
		Run: o.Run.RunStarted, StartedAt: o.Run.StartedAt, Epoch: o.Run.Epoch, ID: o.ID, Key: o.Key, Attempt: o.Attempt,
		ItemKey: o.ItemKey, ItemRef: o.ItemRef, Remote: o.Remote, Error: o.Error, RunState: o.RunState, RunFailed: o.RunFailed,
	}
	if o.Task != o.Plan.Task(o.ID) {
		w.Task = o.Task
	}
	if o.HasItem {
		item, err := expr.EncodeJSON(o.Item)
		if err != nil {
			return nil, fmt.Errorf("cannot write the order %s: %w", o.Key, err)
		}
		w.Item = item
	}
	if !o.Since.IsZero() {
		w.Since = &o.Since
	}
	if o.last != nil {
		last := *o.last
		last.Output, last.Ref, last.Artifacts = nil, nil, nil
		w.Last = &last
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("cannot write the order %s: %w", o.Key, err)
	}
	return b, nil
}

// DecodeOrder reads what Encode wrote. The plan is the one that the order was made under; tasks is what it sees of
// others. A task that the plan does not have, and that does not come along, is an error.
func DecodeOrder(b Raw, plan *Plan, tasks map[string]TaskView) (Order, error) {
	var w wireOrder
	if err := json.Unmarshal(b, &w); err != nil {
		return Order{}, fmt.Errorf("cannot read the order: %w", err)
	}
	o := Order{
		Run:  RunInfo{RunStarted: w.Run, StartedAt: w.StartedAt, Epoch: w.Epoch},
		Plan: plan, Task: plan.Task(w.ID), ID: w.ID, Key: w.Key, Attempt: w.Attempt,
		ItemKey: w.ItemKey, ItemRef: w.ItemRef, Remote: w.Remote, Tasks: tasks,
		Error: w.Error, RunState: w.RunState, RunFailed: w.RunFailed, last: w.Last,
	}
	if w.Task != nil {
		o.Task = w.Task
	}
	if o.Task == nil {
		return Order{}, fmt.Errorf("cannot read the order %s: the plan has no such task", w.Key)
	}
	if w.Since != nil {
		o.Since = *w.Since
	}
	if w.Item != nil {
		item, err := expr.DecodeJSON(w.Item)
		if err != nil {
			return Order{}, fmt.Errorf("cannot read the order %s: %w", w.Key, err)
		}
		o.Item, o.HasItem = item, true
	}
	return o, nil
}
