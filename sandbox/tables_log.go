package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A tableLog remembers what was written. The caller holds the tables' lock.
type tableLog interface {
	write(name string, t *table, c change) error
	drop(name string) error
	close()
}

// A change is one line of a log: an item that was put, a key that was deleted, or neither, where only
// the schema is new. Each line tells the schema as it is by then.
type change struct {
	Keys   []string `json:"keys,omitempty"`
	Types  []string `json:"types,omitempty"`
	Put    item     `json:"put,omitempty"`
	Delete item     `json:"delete,omitempty"`
}

type noLog struct{}

func (noLog) write(string, *table, change) error { return nil }
func (noLog) drop(string) error                  { return nil }
func (noLog) close()                             {}

// logFolder has a file of lines for each table: a write costs its own size, whatever else there is. A line
// that a crash has cut off was never answered. The next start writes each file anew, without what is no
// more.
type logFolder struct {
	dir  string
	open map[string]*os.File
}

const (
	tablesFolder = ".dynamodb" // beside the buckets, none of which begins with a dot
	logSuffix    = ".jsonl"
)

func openTableLog(dir string, into map[string]*table) (*logFolder, error) {
	f := &logFolder{filepath.Join(dir, tablesFolder), map[string]*os.File{}}
	files, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), logSuffix)
		if !ok || !file.Type().IsRegular() {
			continue
		}
		t, lines, err := readTable(f.path(name))
		if err != nil {
			return nil, err
		}
		into[name] = t
		if lines > 2*(len(t.items)+len(t.loose))+100 {
			if err := f.rewrite(name, t); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (f *logFolder) path(name string) string { return filepath.Join(f.dir, name+logSuffix) }

// readTable reads a file of lines to its end, or to where a crash has cut it off.
func readTable(path string) (t *table, lines int, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	t = &table{items: map[string]item{}}
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			// What was cut off goes, so that the next line does not stand behind it.
			return t, lines, errors.Join(ignoreEnd(err), os.Truncate(path, int64(len(raw)-len(line))))
		}
		var c change
		if json.Unmarshal(line, &c) != nil {
			return nil, 0, errors.New(path + " is no table of a sandbox")
		}
		lines++
		t.replay(c)
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (t *table) replay(c change) {
	if c.Keys != nil {
		t.learn(c.Keys)
		if len(c.Keys) == 2 && t.keys[0] != c.Keys[0] { // a guess that was set right
			t.maybe = true
			t.partition(c.Keys[0])
		}
		t.types = c.Types
	}
	switch {
	case c.Put != nil && t.keys == nil:
		t.loose = append(t.loose, c.Put)
	case c.Put != nil:
		if id, err := t.keyOf(c.Put); err == nil {
			t.items[id] = c.Put
		}
	case c.Delete != nil:
		if id, err := t.keyOf(c.Delete); err == nil {
			delete(t.items, id)
		}
	}
}

// rewrite writes a file anew, whole or not at all.
func (f *logFolder) rewrite(name string, t *table) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	err := enc.Encode(change{Keys: t.keys, Types: t.types})
	for _, it := range append(t.sorted(), t.loose...) {
		err = errors.Join(err, enc.Encode(change{Put: it}))
	}
	if err != nil {
		return err
	}
	part := f.path(name) + ".part"
	if err := os.WriteFile(part, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(part, f.path(name))
}

func (f *logFolder) write(name string, t *table, c change) error {
	file := f.open[name]
	if file == nil {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return err
		}
		var err error
		if file, err = os.OpenFile(f.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return err
		}
		f.open[name] = file
	}
	c.Keys, c.Types = t.keys, t.types
	line, err := json.Marshal(c)
	if err == nil {
		_, err = file.Write(append(line, '\n'))
	}
	return err
}

func (f *logFolder) drop(name string) error {
	if file := f.open[name]; file != nil {
		_ = file.Close() // it goes
		delete(f.open, name)
	}
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (f *logFolder) close() {
	for _, file := range f.open {
		_ = file.Close() // every line is written
	}
}
