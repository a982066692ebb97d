package temporal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	kept "weft/store/temporal"
)

// TestHistoriesReplay is R30 for what is remembered: this weft decides in each recorded history what the weft decided
// that recorded it. One that does not replay is of a DAG that is stuck after an update. What must change changes behind
// workflow.GetVersion; new histories are added (WEFT_RECORD=1 and the tests on a real server), old ones stay.
func TestHistoriesReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("histories are %v, %v", files, err)
	}
	for _, file := range files {
		h := recorded(t, file)
		if err := replay(h); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The replay sees a weft that decides otherwise: here one that would not have told a run that it may begin, nor lent a
// slot.
func TestReplayCatchesAChange(t *testing.T) {
	for _, name := range []string{"weft.dag.line.json", "weft.pools.json"} {
		h := recorded(t, filepath.Join("testdata", name))
		changed := 0
		for _, ev := range h.Events {
			if a := ev.GetSignalExternalWorkflowExecutionInitiatedEventAttributes(); a != nil {
				a.WorkflowExecution.WorkflowId = "weft/run/another"
				changed++
			}
		}
		if changed == 0 || replay(h) == nil {
			t.Errorf("%s: %d changes, and none was noticed", name, changed)
		}
	}
}

func recorded(t *testing.T, file string) *historypb.History {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func replay(h *historypb.History) error {
	r := worker.NewWorkflowReplayer()
	kept.RegisterFlows(r)
	id := h.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowId
	return r.ReplayWorkflowHistoryWithOptions(silent{}, h, worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
}

// record keeps the histories of all executions of a workflow in testdata.
func record(t *testing.T, c client.Client, id string) {
	t.Helper()
	list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = %q", id)})
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range list.GetExecutions() {
		h := &historypb.History{}
		events := c.GetWorkflowHistory(t.Context(), id, e.GetExecution().GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			ev, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			h.Events = append(h.Events, ev)
		}
		name := strings.ReplaceAll(id, "/", ".")
		if n > 0 {
			name += fmt.Sprintf(".before%d", n)
		}
		body, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
		if err == nil {
			err = os.MkdirAll("testdata", 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join("testdata", name+".json"), body, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
