package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"weft/spec"
)

// noDAG says that no file of a folder holds the DAG of an id, and what was meant: a file of that name
// that cannot be read, an id that is near, else which ids there are.
func noDAG(id, folder string, ids func(file string) (string, bool)) error {
	files, err := dagFiles(folder)
	if err != nil {
		return fmt.Errorf("cannot find DAG %q: %w", id, err)
	}
	var known []string
	for _, f := range files {
		got, ok := ids(f)
		stem := strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))
		switch {
		case ok && stem == id:
			return &hinted{fmt.Errorf("cannot find DAG %q: %s holds DAG %s", id, shown(f), got), "weft run " + shellWord(got)}
		case ok:
			known = append(known, got)
		case stem == id:
			return &hinted{fmt.Errorf("cannot find DAG %q: %s cannot be read", id, shown(f)), "weft validate " + shellWord(shown(f)) + " says why"}
		}
	}
	err = fmt.Errorf("cannot find DAG %q: no file in %s has that id", id, shown(folder))
	if near := spec.Nearest(id, known); len(near) > 0 {
		return &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	if len(known) == 0 {
		return &hinted{err, "weft init makes a first one"}
	}
	if len(known) > maxNamed*2 {
		known = append(known[:maxNamed*2], "…")
	}
	return &hinted{err, "there are " + strings.Join(known, ", ")}
}
