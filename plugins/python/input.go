package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"weft/plugins"
)

// A task is the input of a call, read and checked.
type task struct {
	code     string
	file     string // absolute
	callable string
	args     json.RawMessage

	python       string // version or path; "" = any
	isolated     bool   // it wants an environment of its own
	requirements string // lines of a requirements file
	system       bool
	indexURL     string
	findLinks    []string // URLs and absolute folders
}

// texts is a text or a list of texts.
type texts struct {
	list   []string
	isText bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	if t.isText = !bytes.HasPrefix(b, []byte{'['}); !t.isText {
		return json.Unmarshal(b, &t.list)
	}
	t.list = make([]string, 1)
	return json.Unmarshal(b, &t.list[0])
}

// readInput reads the input and all that can be known to be wrong before anything is started.
func readInput(call *plugins.Call) (*task, error) {
	var in struct {
		Code         *string         `json:"code"`
		File         *string         `json:"file"`
		Callable     *string         `json:"callable"`
		Args         json.RawMessage `json:"args"`
		Requirements *texts          `json:"requirements"`
		Python       string          `json:"python"`
		System       bool            `json:"system_site_packages"`
		IndexURL     string          `json:"index_url"`
		FindLinks    texts           `json:"find_links"`
	}
	if json.Unmarshal(call.Input, &in) != nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the input of python: it must be a map with code, file or callable")
	}
	t := &task{args: in.Args, python: in.Python, system: in.System, indexURL: in.IndexURL}
	given := 0
	for _, what := range []struct{ from, to *string }{{in.Code, &t.code}, {in.File, &t.file}, {in.Callable, &t.callable}} {
		if what.from != nil {
			*what.to = *what.from
			given++
		}
	}
	if given != 1 {
		return nil, plugins.Errorf(plugins.BadInput, "cannot tell what to run: give one of code, file and callable")
	}
	if err := t.check(call, in.File != nil, in.Callable != nil); err != nil {
		return nil, err
	}
	for _, link := range in.FindLinks.list {
		t.findLinks = append(t.findLinks, located(link, call.Dir))
	}
	var err error
	if in.Requirements != nil {
		t.isolated = true
		t.requirements, err = readRequirements(*in.Requirements, call.Dir)
	}
	return t, err
}

// check looks at what is to be run.
func (t *task) check(call *plugins.Call, file, callable bool) error {
	if callable {
		module, function, _ := strings.Cut(t.callable, ":")
		if !dotted(module) || !dotted(function) {
			return plugins.Errorf(plugins.BadInput, "cannot call %q: write it module:function", t.callable)
		}
	}
	if !file {
		return nil
	}
	given := t.file
	t.file = absolute(given, call.Dir)
	info, err := os.Stat(t.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e := plugins.Errorf(plugins.BadInput, "cannot run %s: there is no such file", given)
		e.Hint = "it is looked for in " + call.Dir
		return e
	case err != nil:
		return plugins.Errorf(plugins.BadInput, "cannot run %s: %w", given, bare(err))
	case info.IsDir():
		return plugins.Errorf(plugins.BadInput, "cannot run %s: it is a folder", given)
	}
	return nil
}

// dotted tells whether a name has a part before, between and after each of its dots.
func dotted(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || strings.ContainsAny(part, ": \t\r\n/") {
			return false
		}
	}
	return true
}

// located leaves a URL as it is and makes a folder absolute.
func located(place, dir string) string {
	if strings.Contains(place, "://") {
		return place
	}
	return absolute(place, dir)
}

func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// bare strips the operation and path that the os package puts before an error.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
