package scheduler

import (
	"encoding/json"
	"slices"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/schedule"
	"weft/spec"
	"weft/store"
)

// A dag is what the service knows of one.
type dag struct {
	id    string
	entry catalog.Entry
	here  bool // it is in force; else its file is gone, or was never seen
	row   store.DAG
	sched *schedule.Schedule // nil: not read yet, or none
	away  []store.Absence    // paused, gone
	due   []store.Due        // decided, and without a run so far; by time

	starting bool // the first of due is being started
	retry    time.Duration
	fails    int
	active   int       // scheduled runs that are not over
	began    time.Time // the beginning of the newest scheduled run
	ended    time.Time // the end of the newest of them
	pausing  *pausing  // ordered in this round
	rewound  time.Time // the clock was set back to this moment, before row.Last; zero: it was not

	next time.Time // when it is asked; see queue
	at   int       // its place there; -1: none
}

// free is when @continuous may begin anew: once its run has ended, and not without a pause.
func (d *dag) free() time.Time {
	if least := d.began.Add(leastContinuous); !d.began.IsZero() && least.After(d.ended) {
		return least
	}
	return d.ended
}

// scheduleOf is a schedule and its zone as they are kept; "" = none.
func scheduleOf(h spec.Head) string {
	if len(h.Schedule) == 0 || string(h.Schedule) == "null" {
		return ""
	}
	body, err := json.Marshal(keptSchedule{h.Schedule, h.Timezone})
	if err != nil {
		return ""
	}
	return string(body)
}

type keptSchedule struct {
	Schedule machine.Raw `json:"schedule"`
	Timezone string      `json:"timezone,omitempty"`
}

// read makes a schedule of what is kept; nil if there is none, or none that ever fires.
func read(row store.DAG) (*schedule.Schedule, error) {
	if row.Schedule == "" {
		return nil, nil
	}
	var k keptSchedule
	if err := json.Unmarshal([]byte(row.Schedule), &k); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(k.Timezone)
	if err != nil {
		return nil, err
	}
	return schedule.New(&machine.Plan{DAG: row.ID, Schedule: k.Schedule, Timezone: k.Timezone}, zone, row.Since)
}

// continuous tells whether a kept schedule begins a run when the last has ended.
func continuous(kept string) bool {
	s, err := read(store.DAG{Schedule: kept})
	return err == nil && s != nil && s.Kind() == schedule.Continuous
}

// open is the place of the absence of a kind that lasts; -1: there is none.
func open(away []store.Absence, why schedule.Why) int {
	return slices.IndexFunc(away, func(a store.Absence) bool { return a.Why == string(why) && a.To.IsZero() })
}

func lasting(away []store.Absence) bool {
	return slices.ContainsFunc(away, func(a store.Absence) bool { return a.To.IsZero() })
}

// question is what is asked about a DAG.
func (s *Service) question(d *dag, row store.DAG, away []store.Absence, now time.Time) schedule.Question {
	q := schedule.Question{
		Now: now, Last: row.Last, Grace: Grace,
		Running: d.active > 0 || len(d.due) > 0 || d.starting, Ended: d.free(),
	}
	for _, a := range away {
		q.Away = append(q.Away, schedule.Absence{From: a.From, To: a.To, Why: schedule.Why(a.Why)})
	}
	for _, a := range s.away {
		q.Away = append(q.Away, schedule.Absence{From: a.from, To: a.to, Why: schedule.Down})
	}
	return q
}
