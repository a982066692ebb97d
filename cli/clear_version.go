package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/spec"
	"weft/store"
)

// keepVersion is what to do where the current version cannot be had.
const keepVersion = "--same-version clears the run under the version that it has"

// takeCurrent has the run cleared under what its DAG's file says now.
func (e *env) takeCurrent(c *clearPlan, row store.Run, r *machine.Run) error {
	had := r.Plan()
	file, err := e.currentFile(row, had)
	if err != nil {
		return &hinted{err, keepVersion}
	}
	found, err := e.check(file)
	if err != nil {
		return &hinted{err, keepVersion}
	}
	now, err := e.plan(found)
	if errors.Is(err, errProblems) {
		err = &hinted{fmt.Errorf("cannot clear run %s: the current version of %s has errors", row.ID, row.DAG), keepVersion}
	}
	if err != nil {
		return err
	}
	if dir, err := filepath.Abs(filepath.Dir(file)); err == nil && dir != row.Dir {
		c.dir = dir
	}
	c.File = found.file
	if sameBut(now, had.File, r.Info().Plan) {
		c.Version = unchangedVersion
		return nil
	}
	c.Version, c.plan = currentVersion, now
	c.params, err = keptParams(r, now)
	return err
}

// sameBut tells whether a plan is the one of that hash but for the name that its file went by: that
// depends on where weft is called.
func sameBut(p *machine.Plan, file, hash string) bool {
	as := *p
	as.File = file
	_, h := as.Encode()
	return h == hash
}

// currentFile finds the file of a run's DAG: where it was, if it still is that DAG, else by its id
// in the DAGs folder.
func (e *env) currentFile(row store.Run, had *machine.Plan) (string, error) {
	if _, bundled := e.bundleOf(row.Dir); bundled {
		return e.currentBundle(row)
	}
	file := filepath.Join(row.Dir, filepath.Base(had.File))
	was := shown(file) + " is gone"
	if _, err := os.Stat(file); err == nil {
		id, ok := e.idOf(file)
		if !ok || id == row.DAG { // not ok: broken, which is said when it is read
			return file, nil
		}
		was = fmt.Sprintf("%s is DAG %s now", shown(file), id)
	}
	found, err := filesOf(row.DAG, e.conf.DAGs, e.idOf)
	switch {
	case err != nil || len(found) == 0:
		return "", fmt.Errorf("cannot find the current version of %s: %s, and no file in %s has that id", row.DAG, was, shown(e.conf.DAGs))
	case len(found) > 1:
		for i := range found {
			found[i] = shown(found[i])
		}
		return "", fmt.Errorf("cannot tell the current version of %s: %s, and %s have that id", row.DAG, was, strings.Join(found, " and "))
	}
	return found[0], nil
}

// keptParams is what a run was given as another version of its DAG wants it: what that does not
// declare is left out, defaults are filled in. It is nil if nothing changes.
func keptParams(r *machine.Run, now *machine.Plan) (machine.Raw, error) {
	v, err := expr.DecodeJSON(r.Info().Params)
	given, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read the params of run %s: %w", r.Info().Key(), err)
	}
	kept := map[string]any{}
	for _, p := range now.Params {
		if value, ok := given[p.Name]; ok {
			kept[p.Name] = value
		}
	}
	params, problems := spec.CheckParams(now, kept, nil)
	if len(problems) > 0 {
		lines := make([]string, len(problems))
		for i, p := range problems {
			lines[i] = p.String()
		}
		return nil, &hinted{
			fmt.Errorf("cannot clear run %s under the current version of %s, which takes other params: %s", r.Info().Key(), now.DAG, strings.Join(lines, "; ")),
			keepVersion + "; weft run starts another run",
		}
	}
	raw, err := expr.EncodeJSON(params)
	if err != nil || bytes.Equal(raw, r.Info().Params) {
		return nil, err
	}
	return raw, nil
}
