package server

import (
	"net/http"
	"strconv"

	"weft/store"
)

// Missed are records of ticks that became no runs, the newest first.
type Missed struct {
	Format int            `json:"format"`
	Missed []store.Missed `json:"missed"`
}

// mostListed bounds a list that is asked for.
const mostListed = 1000

// listMissed tells of ticks that became no runs: of one DAG (dag=ID), or of all; limit=N at most.
func (s *Server) listMissed(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	list, err := s.conf.Store.ListMissed(r.Context(), r.URL.Query().Get("dag"), limit)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, Missed{Format: Format, Missed: append([]store.Missed{}, list...)})
	return nil
}

// limitOf is how much of a list is asked for.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostListed {
		return 0, bad("cannot list %q records: limit is 1 to %d", text, mostListed)
	}
	return n, nil
}
