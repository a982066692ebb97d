// Package planted has workflows with one bug each, so that ./check sees that workflowcheck finds them.
package planted

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// Clock reads the clock of the worker.
func Clock(workflow.Context) (time.Time, error) { return time.Now(), nil }

// Order shows the order of a map.
func Order(_ workflow.Context, m map[string]int) (first string, err error) {
	for k := range m {
		return k, nil
	}
	return "", nil
}

// Aside starts a goroutine, two calls down.
func Aside(workflow.Context) error {
	aside()
	return nil
}

func aside() { go func() {}() }

// Steady has none.
func Steady(ctx workflow.Context) (time.Time, error) { return workflow.Now(ctx), nil }
