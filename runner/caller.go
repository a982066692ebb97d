package runner

import (
	"weft/machine"
	"weft/plugins"
)

// callerOf names the attempt of an order to its plugin.
func callerOf(o machine.Order) plugins.Caller {
	return plugins.Caller{
		DAG: o.Plan.DAG, Run: o.Run.Key(), Task: o.Key.Task, Index: o.Key.Index, Epoch: o.Key.Epoch,
		Attempt: o.Key.Attempt, LogicalDate: o.Run.LogicalDate,
	}
}
