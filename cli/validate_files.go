package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"weft/catalog"
	"weft/spec"
)

// stdinPath is the path that stands for stdin.
const stdinPath = "-"

// A target is a file to check.
type target struct {
	path  string // of the file; of stdin, what it stands for
	stdin bool
}

// gather lists the files that paths name, each once; a file that is named is checked whatever it
// is called. stdin stands for a file: that is not read then. The errors tell of paths that cannot be
// read; the others are checked all the same.
func (e *env) gather(paths []string, stdinName string) (files []target, broken []error) {
	if len(paths) == 0 {
		paths = []string{e.conf.DAGs}
	}
	for _, p := range paths {
		if p == stdinPath {
			name := stdinName
			if name == "" {
				name = "stdin"
			}
			files = slices.Insert(files, 0, target{name, true})
			continue
		}
		info, err := os.Stat(p)
		switch {
		case err == nil && !info.IsDir():
			files = append(files, target{path: p})
		case err == nil || p == e.conf.DAGs: // of a DAGs folder that is not there, dagFiles knows what to do
			below, err := dagFiles(p)
			if err != nil {
				broken = append(broken, err)
			}
			for _, f := range below {
				files = append(files, target{path: f})
			}
		default:
			broken = append(broken, cannotRead(p, err))
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(f target) bool {
		name := shown(filepath.Clean(f.path))
		twice := seen[name]
		seen[name] = true
		return twice
	}), broken
}

// whole tells whether what is checked are all DAGs that could know each other: a bucket's, or those of a
// folder, unless that is a part of the DAGs folder.
func (e *env) whole(paths, buckets []string) bool {
	if len(buckets) > 0 || len(paths) == 0 {
		return true
	}
	all, err := filepath.Abs(e.conf.DAGs)
	return slices.ContainsFunc(paths, func(p string) bool {
		info, failed := os.Stat(p)
		if failed != nil || !info.IsDir() {
			return false
		}
		abs, failed := filepath.Abs(p)
		if err != nil || failed != nil || remote(e.conf.DAGs) {
			return true
		}
		rel, failed := filepath.Rel(all, abs)
		return failed != nil || rel == "." || !filepath.IsLocal(rel)
	})
}

// A finding is what is left of a file once it is checked.
type finding struct {
	target
	catalog.Finding
	read    bool          // it is YAML
	unknown []spec.Script // of which the linter has not been asked yet
}

func findingOf(t target, c checked) finding {
	f := finding{target: t, Finding: catalog.Found(c.file, c.src, c.dag, c.ds), unknown: c.unknown}
	f.read = c.dag != nil && !slices.ContainsFunc(c.ds, func(d spec.Diagnostic) bool { return spec.Unread(d.Code) })
	return f
}

// checkAll checks files side by side; the answers are in their order. The errors tell of files that
// could not be read.
func (e *env) checkAll(files []target) ([]finding, []error) {
	switch {
	case len(files) == 1:
		defer leaveLittle(files[0].path)()
	case len(files) > 1:
		// What is made of a file is garbage when the next one begins, so to collect it five times less
		// often costs a few megabytes and saves a third of the time.
		defer garbage.pin(500)()
	}
	results, errs := make([]finding, len(files)), make([]error, len(files))
	catalog.SideBySide(len(files), func(i int) { results[i], errs[i] = e.checkTarget(files[i]) })
	again := e.lint.learn(results)
	catalog.SideBySide(len(again), func(n int) { results[again[n]] = e.checkText(files[again[n]], results[again[n]].Source) })
	read := make([]finding, 0, len(files))
	for i, f := range results {
		if errs[i] == nil {
			read = append(read, f)
		}
	}
	return read, slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func (e *env) checkTarget(t target) (finding, error) {
	if !t.stdin {
		c, err := e.check(t.path)
		return findingOf(t, c), err
	}
	src, err := io.ReadAll(io.LimitReader(e.stdin, maxDAG))
	if err != nil {
		return finding{}, fmt.Errorf("cannot read stdin: %w", err)
	}
	return e.checkText(t, src), nil
}

// checkText checks what a file holds, or would.
func (e *env) checkText(t target, src []byte) finding {
	f := findingOf(t, e.checkSource(t.path, filepath.Dir(t.path), src))
	if len(e.lint.learn([]finding{f})) > 0 {
		f = findingOf(t, e.checkSource(t.path, filepath.Dir(t.path), src))
	}
	return f
}
