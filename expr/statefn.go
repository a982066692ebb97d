package expr

import (
	"slices"
	"strings"
)

// finished are the states a trigger may compare with.
var finished = []string{"success", "failed", "skipped", "upstream_failed"}

// unfinished are states that a trigger never sees: until a task has finished, its state is unknown.
var unfinished = []string{"none", "scheduled", "queued", "running", "up_for_reschedule", "deferred", "up_for_retry"}

// stateFunctions are a trigger's; done holds in any finished state.
var stateFunctions = []string{"success", "failed", "skipped", "done"}

// triggerFunctions are all that a trigger may call.
var triggerFunctions = append([]string{"count", "all", "any", "none", "len"}, stateFunctions...)

func isStateFunction(name string) bool { return slices.Contains(stateFunctions, name) }

func stateOfFunction(name string) string {
	if name == "done" {
		return strings.Join(finished, `" or "`)
	}
	return name
}
