package spec

import "weft/machine"

// A Head is what a server must know of each DAG at any time; the rest of a plan it reads when a run begins.
type Head struct {
	Description string      `json:"description,omitempty"`
	Owner       string      `json:"owner,omitempty"`
	Tags        []string    `json:"tags,omitempty"`
	Schedule    machine.Raw `json:"schedule,omitempty"` // as in machine.Plan
	Timezone    string      `json:"timezone,omitempty"`
	Paused      bool        `json:"paused,omitempty"` // the state in which it arrives
	MaxActive   int         `json:"max_active_runs"`
}

// Head returns it, also of a file that has errors, as far as it could be read.
func (d *DAG) Head() Head {
	p := &d.plan
	return Head{
		Description: p.Description, Owner: p.Owner, Tags: p.Tags, Schedule: p.Schedule, Timezone: p.Timezone, Paused: p.Paused,
		MaxActive: p.MaxActiveRuns,
	}
}
