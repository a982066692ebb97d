package machine

import "time"

// A Summary is a run as people and programs look at it: the last object of `weft run --json`.
type Summary struct {
	Type       string                 `json:"type"` // "run_finished" once it is, else "run"
	DAG        string                 `json:"dag_id"`
	Run        string                 `json:"run_id"`
	State      RunState               `json:"state"`
	Reason     string                 `json:"reason,omitempty"`
	StartedAt  time.Time              `json:"started_at,omitzero"`
	FinishedAt time.Time              `json:"finished_at,omitzero"`
	Tasks      map[string]TaskSummary `json:"tasks"`
}

// A TaskSummary is one task of a Summary; callbacks stand under their CallbackID once they began.
type TaskSummary struct {
	State     State             `json:"state"`
	Attempts  int               `json:"attempts"`
	Reason    string            `json:"reason"`
	Output    Raw               `json:"output"` // null if none; of a mapped task the list
	Ref       *Ref              `json:"ref,omitempty"`
	Artifacts []Artifact        `json:"artifacts,omitempty"` // of a mapped task each instance has its own
	StartedAt time.Time         `json:"started_at,omitzero"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Next      time.Time         `json:"next,omitzero"` // of up_for_retry: when; of a waiting sensor or remote work: its deadline
	Instances []InstanceSummary `json:"instances,omitempty"`
}

// An InstanceSummary is one instance of a mapped task.
type InstanceSummary struct {
	Index     int        `json:"index"`
	State     State      `json:"state"`
	Attempts  int        `json:"attempts"`
	Reason    string     `json:"reason,omitempty"`
	Artifacts []Artifact `json:"artifacts,omitempty"`
}
