package cli

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"weft/catalog"
	"weft/s3sync"
	"weft/spec"
)

// A follower keeps a server's catalog up to date: a folder when something in it changes, a bucket by asking.
type follower struct {
	catalog *catalog.Catalog
	dir     string // "" = a bucket
	except  string // weft's own state
	every   time.Duration
	log     *slog.Logger
	changed func()

	said   string            // the last failure
	broken map[string]string // by file: what was said of it
	left   map[s3sync.Note]bool
}

const (
	// calm is how long a folder must be still before it is read: an editor writes a file in several steps.
	calm = 150 * time.Millisecond
	// atMost bounds how long a folder that never is still waits.
	atMost = 700 * time.Millisecond
	// lookAnyway is how often a folder is looked at without being told of a change: some file systems tell of none.
	lookAnyway = 30 * time.Second
)

// follow runs until ctx ends. hup has it look at once.
func (f *follower) follow(ctx context.Context, hup <-chan struct{}) {
	every, told := f.every, (*fsnotify.Watcher)(nil)
	if f.dir != "" {
		every = lookAnyway
		if w, err := fsnotify.NewWatcher(); err == nil {
			told = w
			defer w.Close()
			f.watch(told, f.dir)
		} else {
			every = time.Second
			f.log.Warn("changes of the DAGs folder are not told: it is looked at each second", "error", err)
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var still, latest <-chan time.Time
	for {
		var events <-chan fsnotify.Event
		var errs <-chan error
		if told != nil {
			events, errs = told.Events, told.Errors
		}
		select {
		case <-ctx.Done():
			return
		case ev := <-events:
			if ev.Has(fsnotify.Create) {
				f.watch(told, ev.Name)
			}
			if still = time.After(calm); latest == nil {
				latest = time.After(atMost)
			}
			continue
		case <-errs: // more happened than could be told
		case <-still:
		case <-latest:
		case <-hup:
		case <-tick.C:
		}
		still, latest = nil, nil
		f.refresh(ctx)
		if told != nil && len(told.WatchList()) == 0 { // the folder has come back
			f.watch(told, f.dir)
		}
	}
}

// watch has the folders below a path told of. What is no folder, or is gone again, is no matter.
func (f *follower) watch(w *fsnotify.Watcher, path string) {
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // it is looked at all the same, now and then
		}
		if p == f.except || p != f.dir && catalog.Hidden(d.Name()) {
			return filepath.SkipDir
		}
		if err := w.Add(p); err != nil {
			f.log.Warn("changes of a folder are not told; it is looked at now and then", "folder", p, "error", err)
		}
		return nil
	})
}

// refresh reads what there is now, and says what is wrong with it once.
func (f *follower) refresh(ctx context.Context) {
	before := f.catalog.Now()
	_, err := f.catalog.Refresh(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && err.Error() != f.said:
		f.log.Error("cannot read the DAGs; what was read before stays in force", "error", err)
		f.said = err.Error()
	case err == nil:
		f.said = ""
	}
	if now := f.catalog.Now(); now != nil && now != before {
		f.report(now)
		f.changed()
	}
}

// report tells of files that are broken, or mended, since the last time.
func (f *follower) report(now *catalog.Snapshot) {
	broken := map[string]string{}
	for _, found := range now.Findings {
		if !found.Failed() {
			continue
		}
		first := firstError(found)
		broken[found.File] = first
		if f.broken[found.File] != first {
			f.log.Error("a DAG file is broken", "file", found.File, "error", first, "last_good_version", stale(now, found.ID))
		}
	}
	for file := range f.broken {
		if _, still := broken[file]; !still {
			f.log.Info("a DAG file is no longer broken", "file", file)
		}
	}
	f.broken = broken
	left := map[s3sync.Note]bool{}
	for _, n := range now.LeftOut {
		if left[n] = true; !f.left[n] {
			f.log.Warn("a file is left out", "file", n.Path, "reason", n.Text, "last_good_version", staleAt(now, n.Path))
		}
	}
	f.left = left
	f.log.Info("DAGs in force", "dags", len(now.Entries), "broken", len(broken), "set", now.Set[:12])
}

func stale(s *catalog.Snapshot, id string) string {
	if e, ok := s.Entries[id]; ok && e.Stale {
		return "goes on"
	}
	return "none"
}

// staleAt is stale of the DAG whose file had a path of the set.
func staleAt(s *catalog.Snapshot, path string) string {
	for _, e := range s.Entries {
		if e.Path == path && e.Stale {
			return "goes on"
		}
	}
	return "none"
}

// firstError is the first thing that is wrong with a file, on one line.
func firstError(f catalog.Finding) string {
	for _, d := range f.Diagnostics {
		if d.Severity == spec.Error {
			return fmt.Sprintf("%d:%d: %s [%s]", d.Line, d.Column, d.Message, d.Code)
		}
	}
	return "it has no id"
}
