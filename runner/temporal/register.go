package temporal

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// RegisterWorkflows has a worker host runs and their batches.
func RegisterWorkflows(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(runRun, workflow.RegisterOptions{Name: RunWorkflow})
	r.RegisterWorkflowWithOptions(runBatch, workflow.RegisterOptions{Name: BatchWorkflow})
}
