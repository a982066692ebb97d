package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"weft/catalog"
	"weft/s3sync"
)

// maxDAG is a byte more than a DAG file may have: enough to see that it is too large.
const maxDAG = 1<<20 + 1

// dagFiles returns the DAG files below a folder, sorted: those of catalog.IsDAG that no .weftignore
// names.
func dagFiles(folder string) ([]string, error) { return filesBelow(folder, catalog.IsDAG) }

// filesBelow returns the files below a folder whose names are wanted, sorted; none that is hidden, or in
// a folder that is, or that a .weftignore names.
func filesBelow(folder string, wanted func(name string) bool) ([]string, error) {
	var files []string
	rules := s3sync.Rules{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		rel, outside := filepath.Rel(folder, path)
		rel = filepath.ToSlash(rel)
		switch {
		case err != nil:
			return err
		case path != folder && (catalog.Hidden(d.Name()) || outside == nil && rules.Ignored(rel, d.IsDir())):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			own, _ := os.ReadFile(filepath.Join(path, s3sync.IgnoreFile)) // none, or none that can be read
			rules.Enter(rel, own)
			return nil
		case !wanted(d.Name()):
			return nil
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() { // through a link
			files = append(files, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &hinted{
			fmt.Errorf("cannot read DAGs: there is no folder %s", folder),
			"weft init makes one; WEFT_DAGS or dags in weft.yaml names another",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read DAGs: %w", err)
	}
	slices.Sort(files)
	return files, nil
}

// readDAG reads a DAG file, no more of it than shows that it is too large.
func readDAG(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, cannotRead(file, err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxDAG))
	if err != nil {
		return nil, cannotRead(file, err)
	}
	return src, nil
}

// cannotRead says in a user's words why a file cannot be read.
func cannotRead(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot read %s: there is no such file", file)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot read %s: permission denied", file)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot read %s: %w", file, err)
}

// shown is a path as messages show it: relative where that is shorter.
func shown(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsAbs(path) && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
