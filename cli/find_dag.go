package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"weft/catalog"
	"weft/machine"
	"weft/spec"
)

// finder finds DAGs by their ids in the DAGs folder, or in the bucket that stands for it.
func (e *env) finder() finder {
	if remote(e.conf.DAGs) {
		return (&inBucket{env: e}).find
	}
	return (&inFolder{env: e, seen: map[string]seenID{}}).find
}

// inFolder finds DAGs in a folder that may hold thousands, and is asked again and again: a file is read
// again only when it has changed.
type inFolder struct {
	*env
	mu   sync.Mutex
	seen map[string]seenID
}

// A seenID is the id that a file had, and what the file was then.
type seenID struct {
	id   string
	ok   bool
	size int64
	mod  time.Time
}

func (f *inFolder) find(_ context.Context, id string) (*machine.Plan, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, err := filesOf(id, f.conf.DAGs, f.id)
	switch {
	case err != nil:
		return nil, "", &hinted{fmt.Errorf("cannot find DAG %q: %w", id, err), "WEFT_DAGS, or dags in weft.yaml, names another folder"}
	case len(found) == 0:
		return nil, "", noDAG(id, f.conf.DAGs, f.id)
	case len(found) > 1:
		return nil, "", fmt.Errorf("cannot start DAG %q: %s have that id", id, strings.Join(found, " and "))
	}
	c, err := f.check(found[0])
	if err != nil {
		return nil, "", err
	}
	plan, err := c.planOr()
	if err != nil {
		return nil, "", err
	}
	dir, err := filepath.Abs(filepath.Dir(found[0]))
	return plan, dir, err
}

// id reads a file's id, unless it is known.
func (f *inFolder) id(file string) (string, bool) {
	var info fs.FileInfo
	info, err := os.Stat(file)
	if err != nil {
		return "", false
	}
	if s := f.seen[file]; s.size == info.Size() && s.mod.Equal(info.ModTime()) {
		return s.id, s.ok
	}
	id, ok := f.idOf(file)
	f.seen[file] = seenID{id, ok, info.Size(), info.ModTime()}
	return id, ok
}

// planOr compiles a checked file, or says what is wrong with it in one line.
func (c checked) planOr() (*machine.Plan, error) {
	if !c.failed() && c.dag != nil {
		return c.dag.Plan()
	}
	errs, first := 0, spec.Diagnostic{}
	for _, d := range c.ds {
		if d.Severity != spec.Error {
			continue
		}
		if errs++; errs == 1 {
			first = d
		}
	}
	err := fmt.Errorf("cannot start what %s holds: it has %s, at %d:%d %s", c.file, counted(errs, "error", "errors"), first.Line, first.Column, first.Message)
	return nil, &hinted{err, "weft validate " + shellWord(c.file) + " shows all that is wrong"}
}

// inBucket finds DAGs that are published: the newest version of each that is good. What is read once
// stays in force while the bucket cannot be had.
type inBucket struct {
	*env
	mu      sync.Mutex
	catalog *catalog.Catalog
}

func (f *inBucket) find(ctx context.Context, id string) (*machine.Plan, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.catalog == nil {
		c, _, err := f.openCatalog(ctx, f.conf.DAGs)
		if err != nil {
			return nil, "", err
		}
		f.catalog = c
	}
	_, err := f.catalog.Refresh(ctx)
	now := f.catalog.Now()
	if now == nil {
		return nil, "", fmt.Errorf("cannot find DAG %q: %w", id, err)
	}
	entry, ok := now.Entries[id]
	if !ok {
		err = fmt.Errorf("cannot find DAG %q: nothing in %s has that id", id, f.conf.DAGs)
		if near := spec.Nearest(id, now.IDs()); len(near) > 0 {
			err = &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
		}
		return nil, "", err
	}
	dag, ds, src, err := f.catalog.Load(entry)
	if err != nil {
		return nil, "", err
	}
	plan, err := checked{file: f.catalog.Source.Shown(entry.Path), src: src, dag: dag, ds: ds}.planOr()
	return plan, filepath.Dir(f.catalog.File(entry)), err
}
