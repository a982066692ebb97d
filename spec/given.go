package spec

import (
	"errors"
	"fmt"
	"strings"

	"weft/machine"
)

// CheckRunID holds a run's id against section 1 of the language.
func CheckRunID(id string) error {
	ok := id != "" && id != "." && len(id) <= maxID && !strings.Contains(id, "..") && id[0] != '-'
	for _, r := range id {
		ok = ok && (word(r) || strings.ContainsRune(".:+-", r))
	}
	if !ok {
		return fmt.Errorf("cannot use run id %q: letters, digits and _ . : + - only, no - at its beginning, no .., 1 to %d", id, maxID)
	}
	return nil
}

// CheckIDs holds the ids of a plan that no file of ours was compiled to against section 1 of the language: they stand
// in keys and paths.
func CheckIDs(p *machine.Plan) error {
	if !dagID.fits(p.DAG) || len(p.DAG) > maxID {
		return fmt.Errorf("cannot use DAG id %q: %s, at most %d", cut(p.DAG, 40), dagID.words, maxID)
	}
	if len(p.Tasks) == 0 {
		return errors.New("cannot use a plan without tasks")
	}
	for _, list := range [][]machine.Task{p.Tasks, p.OnSuccess, p.OnFailure, p.OnLate} {
		for i := range list {
			t := &list[i]
			for _, id := range append([]string{t.ID}, idsOf(t.OnFailure)...) {
				if !taskID.fits(id) || len(id) > maxID {
					return fmt.Errorf("cannot use task id %q: %s, at most %d", cut(id, 40), taskID.words, maxID)
				}
			}
		}
	}
	return nil
}

func idsOf(tasks []machine.Task) (ids []string) {
	for i := range tasks {
		ids = append(ids, tasks[i].ID)
	}
	return ids
}
