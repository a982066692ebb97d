package store

import (
	"context"
	"time"
)

// A DAG is what must be remembered of one, whatever becomes of its file.
type DAG struct {
	ID        string    `json:"dag_id"`
	FirstSeen time.Time `json:"first_seen"`
	// Schedule is the schedule that Last belongs to, as JSON, with its zone: another one begins anew.
	Schedule string `json:"schedule,omitempty"`
	// Since is when that schedule was first seen.
	Since time.Time `json:"since,omitzero"`
	// Last is the newest moment of the schedule that was decided on; zero: none was.
	Last time.Time `json:"last,omitzero"`
	// High is the Last that was in force when the clock was set back before it: up to it runs may exist already.
	High     time.Time `json:"high,omitzero"`
	Paused   bool      `json:"paused,omitempty"`
	PausedBy string    `json:"paused_by,omitempty"` // who paused or unpaused it last; "" = its file
}

// A Due is a tick that became due and has no run yet. It is kept until its run exists, or until it is
// recorded as missed.
type Due struct {
	DAG     string    `json:"dag_id"`
	Logical time.Time `json:"logical_date"`
	Start   time.Time `json:"data_interval_start"`
	End     time.Time `json:"data_interval_end"`
	At      time.Time `json:"due"` // when its run was to begin
}

// A Missed is one or more ticks of a DAG, one after another, that became no runs for one reason.
type Missed struct {
	ID         int64     `json:"-"`
	DAG        string    `json:"dag_id"`
	First      time.Time `json:"first_logical_date"`
	Last       time.Time `json:"last_logical_date"`
	Due        time.Time `json:"first_due"`
	LastDue    time.Time `json:"last_due"`
	Count      int       `json:"count"`
	More       bool      `json:"more,omitempty"` // Count is the least there are
	Why        string    `json:"why"`            // paused, unseen, down, late, refused
	Reason     string    `json:"reason"`
	RecordedAt time.Time `json:"recorded_at"`
}

// An Absence is a time in which no run of a DAG could begin. A zero To: it lasts.
type Absence struct {
	ID       int64
	DAG      string
	From, To time.Time
	Why      string
}

// A Backfill is an order to have the runs of a span of logical dates.
type Backfill struct {
	ID        string    `json:"backfill_id"`
	DAG       string    `json:"dag_id"`
	From      time.Time `json:"from"` // logical dates, both inclusive
	To        time.Time `json:"to"`
	Reprocess string    `json:"reprocess"` // none, failed, all: which runs that exist are run again
	Backwards bool      `json:"backwards,omitempty"`
	MaxActive int       `json:"max_active"`
	State     string    `json:"state"` // running, paused, cancelled, success, failed
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Schedule is the DAG's schedule and zone when it was ordered, which names the dates, as JSON.
	Schedule string `json:"schedule"`
	Params   string `json:"params,omitempty"` // JSON object: of each run that it begins
	// Dates is how many dates there are; Next how many of them, in its direction, have been seen to.
	Dates int `json:"dates"`
	Next  int `json:"next"`
	// What became of those: runs that it began, began again, and left as they were.
	Begun int `json:"begun"`
	Again int `json:"again"`
	Left  int `json:"left"`
	// Failed is how many runs of its dates failed or were cancelled, once it is over.
	Failed int    `json:"failed"`
	Reason string `json:"reason,omitempty"` // why it waits, or ended as it did
}

// Over tells that a backfill begins nothing any more.
func (b Backfill) Over() bool { return b.State != "running" && b.State != "paused" }

// Scheduled is all that is remembered of schedules, of one moment.
type Scheduled struct {
	DAGs      []DAG      // by id
	Due       []Due      // by time, then DAG
	Absences  []Absence  // by ID
	Backfills []Backfill // by creation
}

// Changes are written together, all or nothing. Rows are put whole: one that exists is replaced.
type Changes struct {
	DAGs         []DAG
	Due          []Due     // to be added; one that exists stays as it is
	Settled      []Due     // to be dropped: by DAG and logical date
	Missed       []Missed  // to be added
	Absences     []Absence // ID 0: to be added; Settle fills the number in
	DropAbsences []Absence // by DAG and ID
	Backfills    []Backfill
	DropMissed   []Missed // by DAG and ID
}

// Empty tells that there is nothing to write.
func (c *Changes) Empty() bool {
	return len(c.DAGs)+len(c.Due)+len(c.Settled)+len(c.Missed)+len(c.Absences)+len(c.DropAbsences)+len(c.Backfills)+len(c.DropMissed) == 0
}

// Keep brings all times into the form that every store keeps: UTC, to the microsecond.
func (c *Changes) Keep() {
	var all []*time.Time
	for i := range c.DAGs {
		all = append(all, &c.DAGs[i].FirstSeen, &c.DAGs[i].Since, &c.DAGs[i].Last, &c.DAGs[i].High)
	}
	for i := range c.Due {
		d := &c.Due[i]
		all = append(all, &d.Logical, &d.Start, &d.End, &d.At)
	}
	for i := range c.Missed {
		m := &c.Missed[i]
		all = append(all, &m.First, &m.Last, &m.Due, &m.LastDue, &m.RecordedAt)
	}
	for i := range c.Absences {
		all = append(all, &c.Absences[i].From, &c.Absences[i].To)
	}
	for i := range c.Backfills {
		b := &c.Backfills[i]
		all = append(all, &b.From, &b.To, &b.CreatedAt, &b.EndedAt)
	}
	for _, t := range all {
		*t = t.UTC().Truncate(time.Microsecond)
	}
}

// Schedules is what a server remembers to start runs by. The times of all rows are kept in UTC, to the microsecond.
type Schedules interface {
	// Scheduled reads it all. Backfills that are over are left out.
	Scheduled(ctx context.Context) (Scheduled, error)
	// Settle writes changes in one transaction, durable on return.
	Settle(ctx context.Context, c *Changes) error
	// ListMissed returns the newest records, newest first; of all DAGs if dag is "". limit 0 = all.
	ListMissed(ctx context.Context, dag string, limit int) ([]Missed, error)
	// ListBackfills returns the newest ones first, those that are over too; of all DAGs if dag is "".
	ListBackfills(ctx context.Context, dag string, limit int) ([]Backfill, error)
}
