package server

import (
	"net/http"
	"time"

	"weft/machine"
	"weft/store"
)

// A Version is who answers.
type Version struct {
	Format   int    `json:"format"`
	Version  string `json:"version"`
	PID      int    `json:"pid"`
	Sandbox  bool   `json:"sandbox"`
	Stopping bool   `json:"stopping"`         // nothing more begins
	Engine   string `json:"engine,omitempty"` // what keeps its runs going; "" = local
}

// A Status is what a server does.
type Status struct {
	Version
	Home   string    `json:"home"`
	DAGs   string    `json:"dags"`
	Since  time.Time `json:"since"`
	Counts Counts    `json:"counts"`
}

// Counts are of DAGs that are in force, and of runs.
type Counts struct {
	DAGs    int `json:"dags"`
	Paused  int `json:"paused"`
	Stale   int `json:"stale"`   // their files are broken: the last good version is in force
	Broken  int `json:"broken"`  // files
	Waiting int `json:"waiting"` // ticks that are due and whose runs have not begun
	Queued  int `json:"queued"`
	Running int `json:"running"`
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	write(w, http.StatusOK, s.who())
	return nil
}

func (s *Server) who() Version {
	return Version{Format: Format, Version: s.conf.Version, PID: s.conf.PID, Sandbox: s.conf.Sandbox, Stopping: s.stopping.Load(), Engine: s.conf.Keeps}
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	out := Status{Version: s.who(), Home: s.conf.Home, DAGs: s.conf.DAGs, Since: s.since}
	kept, err := s.conf.Store.Scheduled(r.Context())
	if err != nil {
		return err
	}
	runs, err := s.conf.Store.ListRuns(r.Context(), store.Filter{States: []machine.RunState{machine.RunQueued, machine.RunRunning}})
	if err != nil {
		return err
	}
	c := &out.Counts
	for _, run := range runs {
		if run.State == machine.RunQueued {
			c.Queued++
		} else {
			c.Running++
		}
	}
	c.Waiting = len(kept.Due)
	if snap := s.conf.Catalog.Now(); snap != nil {
		paused := map[string]bool{}
		for id, e := range snap.Entries {
			paused[id] = e.Head.Paused
			if e.Stale {
				c.Stale++
			}
		}
		for _, row := range kept.DAGs {
			if _, here := paused[row.ID]; here {
				paused[row.ID] = row.Paused
			}
		}
		for _, is := range paused {
			if is {
				c.Paused++
			}
		}
		c.DAGs = len(snap.Entries)
		c.Broken = len(broken(snap))
	}
	write(w, http.StatusOK, out)
	return nil
}
