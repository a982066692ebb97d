package logs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Folder is all logs of one run.
type Folder struct {
	DAG, Run string
	Bytes    int64
	Newest   time.Time // when the newest was written
}

// Measure tells how much a run has said; the zero Folder's rest if it has no logs.
func (s *Store) Measure(dag, run string) (Folder, error) {
	f := Folder{DAG: dag, Run: run}
	root, err := s.looked()
	if root == nil || err != nil {
		return f, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), folder(dag, run), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return absent(err)
		}
		info, err := d.Info()
		if err != nil {
			return absent(err)
		}
		f.Bytes += onDisk(info)
		if info.ModTime().After(f.Newest) {
			f.Newest = info.ModTime()
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("cannot measure the logs of run %s: %w", run, err)
	}
	return f, nil
}

// List returns the logs of a run: by task, instance, attempt.
func (s *Store) List(dag, run string) ([]ID, error) {
	root, err := s.looked()
	if root == nil || err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(folder(dag, run)))
	if absent(err) != nil {
		return nil, fmt.Errorf("cannot list the logs of run %s: %w", run, err)
	}
	var ids []ID
	for _, e := range entries {
		if id, ok := parse(filepath.Join(folder(dag, run), e.Name())); ok {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Attempt, b.Attempt))
	})
	return ids, nil
}

// Remove takes all logs of a run away; nothing of it may be writing. The DAG's folder stays though it
// be empty: a run that begins may be about to open a log there.
func (s *Store) Remove(dag, run string) error {
	if dag == "" || run == "" {
		return errors.New("cannot remove the logs of a run without a name")
	}
	root, err := s.looked()
	if root == nil || err != nil {
		return err
	}
	defer root.Close()
	if err := root.RemoveAll(folder(dag, run)); err != nil {
		return fmt.Errorf("cannot remove the logs of run %s: %w", run, err)
	}
	return nil
}

// Folders lists the runs that have logs, but for those of which nobody wants to know. What else lies
// there is left out.
func (s *Store) Folders(skip func(dag, run string) bool) ([]Folder, error) {
	root, err := s.looked()
	if root == nil || err != nil {
		return nil, err
	}
	defer root.Close()
	paths, err := fs.Glob(root.FS(), "*/*")
	if err != nil {
		return nil, fmt.Errorf("cannot list logs: %w", err)
	}
	var out []Folder
	for _, p := range paths {
		first, second, _ := strings.Cut(p, "/")
		dag, ok1 := decode(first)
		run, ok2 := decode(second)
		if !ok1 || !ok2 || skip(dag, run) || filepath.ToSlash(folder(dag, run)) != p {
			continue
		}
		if info, err := root.Lstat(p); err != nil || !info.IsDir() {
			continue
		}
		f, err := s.Measure(dag, run)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// folder holds the logs of a run.
func folder(dag, run string) string { return filepath.Join(encode(dag), encode(run)) }

// looked opens the folder of all logs; nil if there is none, and none is made.
func (s *Store) looked() (*os.Root, error) {
	root, err := os.OpenRoot(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the folder of logs: %w", err)
	}
	return root, nil
}

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
