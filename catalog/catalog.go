package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"weft/machine"
	"weft/s3sync"
	"weft/spec"
)

// A Source brings sets of files and keeps each as a bundle.
type Source interface {
	// Next brings the newest set into force. An error leaves in force what was.
	Next(ctx context.Context) (changed bool, err error)
	// Files are those of the set in force, by path; nil if there is none.
	Files() []s3sync.File
	// LeftOut tells what is there and no part of the set.
	LeftOut() []s3sync.Note
	// Shown is a path of the set as messages show it.
	Shown(path string) string
}

// An Entry is the version of a DAG that is in force.
type Entry struct {
	ID   string `json:"id"`
	Path string `json:"path"` // of its file, in the set
	// Version names the bundle: the file, and all of its folder, by hash.
	Version string `json:"version"`
	// Set is the set that the version is of: the newest, unless Stale.
	Set  string    `json:"set"`
	Head spec.Head `json:"head"`
	// Stale is set where the newest file is broken, and this is the one before.
	Stale bool `json:"-"`
}

// A Snapshot is what the catalog knows at one time; it does not change.
type Snapshot struct {
	Set      string
	Entries  map[string]Entry
	Findings []Finding // of each DAG file of the set, in the order of paths
	LeftOut  []s3sync.Note
}

// IDs are those of the DAGs in force, sorted.
func (s *Snapshot) IDs() []string { return slices.Sorted(maps.Keys(s.Entries)) }

// Diagnostics are all that was found in the set.
func (s *Snapshot) Diagnostics() (out []spec.Diagnostic) {
	for _, f := range s.Findings {
		out = append(out, f.Diagnostics...)
	}
	return out
}

// A Catalog follows a source. It is safe for concurrent use.
type Catalog struct {
	Source  Source
	Bundles s3sync.Bundles
	Checker *Checker
	Memory  string // the file that remembers the versions in force

	refreshing sync.Mutex
	now        atomic.Pointer[Snapshot]
}

// Now is what is known; nil before the first Refresh that succeeded.
func (c *Catalog) Now() *Snapshot { return c.now.Load() }

// Refresh brings the newest set into force, all of it in one moment. An error of the source leaves
// in force what was, which Now then gives, also if an earlier program has read it.
func (c *Catalog) Refresh(ctx context.Context) (changed bool, err error) {
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	changed, failed := c.Source.Next(ctx)
	set := c.Source.Files()
	if set == nil || !changed && c.now.Load() != nil {
		return changed, failed
	}
	fresh, err := c.read(set, c.Source.LeftOut())
	if err != nil {
		return false, err
	}
	c.now.Store(fresh)
	return changed, failed
}

// read checks a set and decides which version of each DAG is in force.
func (c *Catalog) read(set []s3sync.File, left []s3sync.Note) (*Snapshot, error) {
	name := s3sync.SetOf(set)
	files := Files(set, c.Bundles.Path(name), c.Source.Shown)
	found, _, err := c.Checker.Check(files)
	if err != nil {
		return nil, err
	}
	doubled := map[string][]spec.Diagnostic{}
	for _, d := range SameIDs(found) {
		doubled[d.File] = append(doubled[d.File], d)
	}
	between := map[string][]spec.Diagnostic{}
	for _, d := range Neighbours(found, true) {
		between[d.File] = append(between[d.File], d)
	}
	s := &Snapshot{Set: name, Entries: map[string]Entry{}, Findings: found, LeftOut: left}
	broken := map[string]bool{} // by path
	at := 0
	folders := map[string]string{".": name}
	for _, f := range set {
		if !IsDAG(f.Path) {
			continue
		}
		g := &found[at]
		at++
		if more := doubled[g.File]; more != nil {
			g.Diagnostics = append(slices.Clone(g.Diagnostics), more...)
		}
		bad := g.Failed() || g.ID == ""
		if more := between[g.File]; more != nil { // they are listed, and put nothing out of force: a DAG that another one starts may come later
			g.Diagnostics = append(slices.Clone(g.Diagnostics), more...)
		}
		if bad {
			broken[f.Path] = true
			continue
		}
		s.Entries[g.ID] = Entry{ID: g.ID, Path: f.Path, Version: versionOf(set, f, folders), Set: name, Head: g.Head}
	}
	for id, last := range c.lastGood() {
		if _, current := s.Entries[id]; !current && (broken[last.Path] || within(left, last.Path)) && c.there(last) {
			last.Stale = true
			s.Entries[id] = last
		}
	}
	c.remember(s)
	return s, nil
}

// within tells whether a file, or a folder that it is in, is left out.
func within(left []s3sync.Note, file string) bool {
	return slices.ContainsFunc(left, func(n s3sync.Note) bool { return file == n.Path || strings.HasPrefix(file, n.Path+"/") })
}

// versionOf hashes a DAG's file, by its name, and the files of its folder; folders are the hashes of those that are
// known.
func versionOf(set []s3sync.File, f s3sync.File, folders map[string]string) string {
	dir := path.Dir(f.Path)
	if folders[dir] == "" {
		begin, _ := slices.BinarySearchFunc(set, dir+"/", func(g s3sync.File, p string) int { return strings.Compare(g.Path, p) })
		var own []s3sync.File
		for _, g := range set[begin:] {
			rel, below := strings.CutPrefix(g.Path, dir+"/")
			if !below {
				break
			}
			g.Path = rel
			own = append(own, g)
		}
		folders[dir] = s3sync.SetOf(own)
	}
	return s3sync.SetOf([]s3sync.File{{Path: path.Base(f.Path), SHA256: folders[dir]}})
}

func (c *Catalog) lastGood() map[string]Entry {
	if s := c.now.Load(); s != nil {
		return s.Entries
	}
	var known map[string]Entry
	if src, err := os.ReadFile(c.Memory); err != nil || json.Unmarshal(src, &known) != nil {
		return nil
	}
	return known
}

// there tells whether a version can still be had.
func (c *Catalog) there(e Entry) bool {
	_, err := os.Stat(c.File(e))
	return err == nil
}

// remember is for the next program; if it fails, that knows the newest versions alone.
func (c *Catalog) remember(s *Snapshot) {
	body, err := json.Marshal(s.Entries)
	if err != nil || os.MkdirAll(filepath.Dir(c.Memory), 0o755) != nil {
		return
	}
	tmp := c.Memory + ".part"
	if os.WriteFile(tmp, body, 0o644) == nil {
		_ = os.Rename(tmp, c.Memory)
	}
}

// Bundle tells whether a set is in force for some DAG, or is the newest: it must stay.
func (s *Snapshot) Bundle(set string) bool {
	if s.Set == set {
		return true
	}
	for _, e := range s.Entries {
		if e.Set == set {
			return true
		}
	}
	return false
}

// Shown is the file of a version as messages show it.
func (c *Catalog) Shown(e Entry) string { return c.Source.Shown(e.Path) }

// File is where a version's DAG file lies; its folder is that of the bundle.
func (c *Catalog) File(e Entry) string {
	return filepath.Join(c.Bundles.Path(e.Set), filepath.FromSlash(e.Path))
}

// Load reads the version of a DAG that is in force. The DAG is named as messages show its file.
func (c *Catalog) Load(e Entry) (*spec.DAG, []spec.Diagnostic, []byte, error) {
	file := c.File(e)
	src, err := read(file)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cannot read %s: %w", c.Source.Shown(e.Path), err)
	}
	dag, ds := c.Checker.Parse(c.Source.Shown(e.Path), src, func(rel string) bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(file), filepath.FromSlash(rel)))
		return err == nil || filepath.IsAbs(rel)
	})
	return dag, ds, src, nil
}

// Plan compiles the version of a DAG that is in force. dir is the folder of its file, in the bundle.
func (c *Catalog) Plan(e Entry) (plan *machine.Plan, dir string, err error) {
	dag, _, _, err := c.Load(e)
	if err != nil {
		return nil, "", err
	}
	if dag == nil {
		return nil, "", fmt.Errorf("cannot read %s: it is no DAG", c.Source.Shown(e.Path))
	}
	plan, err = dag.Plan()
	return plan, filepath.Dir(c.File(e)), err
}

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxDAG)) }
