package temporal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"weft/tests/temporalserver"
)

// recorded are the tales whose histories are kept in testdata: one of each shape.
var recorded = []string{
	"trigger rules", "one of three instances fails", "callbacks follow a failure", "a sensor is asked until it holds", "two sensors share a batch",
	"work elsewhere is submitted once and watched", "a cancel halts work elsewhere", "a list that lies in the handoff is evaluated there",
	"a task that runs is cleared", "a run that is over is cleared and goes on", "a sensor waits while others come and go",
	"an attempt that is cut off three times fails", "a pool that all workers share lends its slots", "a run waits for its place in the line",
}

// TestHistoriesReplay: what this weft decides is what the weft decided that recorded the histories of testdata, event
// for event. A history that does not replay is one of a run that could not go on after an update. What must change
// changes behind workflow.GetVersion, and histories that are new are added; old ones stay.
func TestHistoriesReplay(t *testing.T) {
	files := histories(t)
	if len(files) < len(recorded) {
		t.Fatalf("there are %d histories", len(files))
	}
	for _, file := range files {
		if err := replay(t, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestReplayCatchesAChange: the replay sees a weft that decides otherwise.
func TestReplayCatchesAChange(t *testing.T) {
	changes := map[string]func(t *testing.T){
		"every attempt begins in a batch":  func(t *testing.T) { lower(t, &mostHere, 0); lower(t, &leastBatch, 0) },
		"a batch has one attempt":          func(t *testing.T) { lower(t, &mostBatch, 1) },
		"a run goes on after a few events": func(t *testing.T) { lower(t, &mostEvents, 5) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			change(t)
			caught := 0
			for _, file := range histories(t) {
				if replay(t, file) != nil {
					caught++
				}
			}
			if caught == 0 {
				t.Error("no history noticed")
			}
		})
	}
}

func histories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func replay(t *testing.T, file string) error {
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
	r := worker.NewWorkflowReplayer()
	RegisterWorkflows(r)
	id := h.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowId // others are made of it
	return r.ReplayWorkflowHistoryWithOptions(quiet{}, h, worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
}

// TestRecordHistories records them anew, where WEFT_RECORD is set: after a change that no run of a release has seen.
func TestRecordHistories(t *testing.T) {
	if os.Getenv("WEFT_RECORD") == "" {
		t.Skip("WEFT_RECORD=1 records the histories of testdata")
	}
	var tales []tale
	for _, tl := range allTales() {
		if slices.Contains(recorded, tl.name) {
			tales = append(tales, tl)
		}
	}
	cl := tellAll(t, tales, temporalserver.Dynamic("limit.historyCount.suggestContinueAsNew", "40"))
	for _, tl := range tales {
		id := RunID(tl.key())
		for n, run := range executions(t, cl, id) {
			name := tl.run()
			if n > 0 {
				name += fmt.Sprintf(".before%d", n)
			}
			record(t, cl, id, run, name)
		}
		record(t, cl, batchID(id, 1), "", tl.run()+".batch")
	}
}

func record(t *testing.T, cl client.Client, id, run, name string) {
	t.Helper()
	it := cl.GetWorkflowHistory(t.Context(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	h := &historypb.History{}
	for it.HasNext() {
		ev, err := it.Next()
		if err != nil {
			return // it had no such batch
		}
		h.Events = append(h.Events, ev)
	}
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(h)
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", name+".json"), b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
