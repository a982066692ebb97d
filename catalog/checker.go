package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"

	"weft/spec"
)

// A Finding is what is left of a DAG file once it is checked: a folder may hold thousands, and the
// tree of each is a hundred times its text.
type Finding struct {
	File        string // as messages show it
	Source      []byte // nil where the verdict was remembered
	Diagnostics []spec.Diagnostic
	ID          string    // "" if nothing could be made of the file
	At          spec.Span // where the id is written; zero if the file's name is it
	Head        spec.Head
	Links       *spec.Links
}

// Failed tells whether the file has an error.
func (f Finding) Failed() bool {
	return slices.ContainsFunc(f.Diagnostics, func(d spec.Diagnostic) bool { return d.Severity == spec.Error })
}

// A Parse validates a text. exists tells of files relative to the DAG's own.
type Parse func(name string, src []byte, exists func(rel string) bool) (*spec.DAG, []spec.Diagnostic)

// Found is the Finding of a file that was parsed.
func Found(name string, src []byte, dag *spec.DAG, ds []spec.Diagnostic) Finding {
	f := Finding{File: name, Source: src, Diagnostics: ds}
	if dag == nil {
		return f
	}
	f.ID, f.Head = dag.ID(), dag.Head()
	if n := dag.Node().Get("id"); n != nil {
		f.At = dag.Place(n)
	}
	f.Links = dag.Links()
	return f
}

// A File is one that is to be checked.
type File struct {
	Name   string // as messages show it
	SHA256 string
	Read   func() ([]byte, error)
	Exists func(rel string) bool
}

// A Checker checks files, and remembers what it has found: the same text, beside the same files, under
// the same rules, is good or bad for the same reasons.
type Checker struct {
	Parse Parse
	// Rules names all else that a verdict depends on: the build, the configuration.
	Rules string
	// Memory is the file that remembers verdicts, "" = none.
	Memory string

	once  sync.Once
	known map[string]verdict
}

// A verdict is what is remembered of a file.
type verdict struct {
	ID          string            `json:"id"`
	At          spec.Span         `json:"at"`
	Diagnostics []spec.Diagnostic `json:"diagnostics,omitempty"`
	Asked       map[string]bool   `json:"asked,omitempty"` // of files beside it
	Head        spec.Head         `json:"head"`
	Links       *spec.Links       `json:"links,omitempty"`
}

// mostVerdicts bounds what is remembered.
const mostVerdicts = 50_000

func (c *Checker) key(f File) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", c.Rules, f.Name, f.SHA256))
	return hex.EncodeToString(sum[:16])
}

// Check checks files side by side; the findings are in their order. checked is how many were not
// remembered. An error is that of the first file that cannot be read.
func (c *Checker) Check(files []File) (found []Finding, checked int, err error) {
	c.once.Do(c.recall)
	found = make([]Finding, len(files))
	keys := make([]string, len(files))
	var todo []int
	for i, f := range files {
		keys[i] = c.key(f)
		v, ok := c.known[keys[i]]
		for rel, there := range v.Asked {
			ok = ok && f.Exists(rel) == there
		}
		if !ok {
			todo = append(todo, i)
			continue
		}
		found[i] = Finding{File: f.Name, Diagnostics: v.Diagnostics, ID: v.ID, At: v.At, Head: v.Head, Links: v.Links}
	}
	if len(todo) == 0 {
		return found, 0, nil
	}
	// What is made of a file is garbage when the next one begins.
	defer debug.SetGCPercent(debug.SetGCPercent(500))
	fresh, errs := make([]verdict, len(todo)), make([]error, len(todo))
	SideBySide(len(todo), func(n int) { found[todo[n]], fresh[n], errs[n] = c.one(files[todo[n]]) })
	for n, i := range todo {
		if errs[n] != nil {
			return nil, 0, errs[n]
		}
		c.known[keys[i]] = fresh[n]
	}
	c.remember(keys)
	return found, len(todo), nil
}

func (c *Checker) one(f File) (Finding, verdict, error) {
	src, err := f.Read()
	if err != nil {
		return Finding{}, verdict{}, err
	}
	asked := map[string]bool{}
	dag, ds := c.Parse(f.Name, src, func(rel string) bool {
		asked[rel] = f.Exists(rel)
		return asked[rel]
	})
	found := Found(f.Name, src, dag, ds)
	return found, verdict{ID: found.ID, At: found.At, Diagnostics: ds, Asked: asked, Head: found.Head, Links: found.Links}, nil
}

// recall reads the memory; one that cannot be read is none.
func (c *Checker) recall() {
	c.known = map[string]verdict{}
	if c.Memory == "" {
		return
	}
	if src, err := os.ReadFile(c.Memory); err == nil && json.Unmarshal(src, &c.known) != nil {
		c.known = map[string]verdict{}
	}
}

// remember writes the memory. What cannot be remembered is found out again.
func (c *Checker) remember(now []string) {
	if c.Memory == "" {
		return
	}
	if len(c.known) > mostVerdicts {
		kept := map[string]verdict{}
		for _, k := range now {
			kept[k] = c.known[k]
		}
		c.known = kept
	}
	body, err := json.Marshal(c.known)
	if err != nil || os.MkdirAll(filepath.Dir(c.Memory), 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(c.Memory), ".verdicts-")
	if err != nil {
		return
	}
	_, err = tmp.Write(body)
	if shut := tmp.Close(); err == nil {
		err = shut
	}
	if err == nil {
		err = os.Rename(tmp.Name(), c.Memory)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // a part of it is of no use
	}
}
