package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A workLog remembers works. The caller holds the shop's lock.
type workLog interface {
	write(r *work) error
	close()
}

type noWorkLog struct{}

func (noWorkLog) write(*work) error { return nil }
func (noWorkLog) close()            {}

// A workFile is runs.jsonl, made with its first line: one for each work and each stop.
type workFile struct {
	path string
	file *os.File
}

// openLog reads what earlier starts have left in a folder, and its script, which says what becomes of
// works by the names of what they are of.
func (s *shop) openLog(dir string) error {
	if err := s.readScripts(filepath.Join(dir, "script")); err != nil {
		return err
	}
	f := &workFile{path: filepath.Join(dir, "runs.jsonl")}
	s.log = f
	whole, err := s.readRuns(f.path)
	if err == nil { // what a crash has cut off was never answered
		if err = os.Truncate(f.path, whole); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	return err
}

// readRuns reads what earlier starts have left, and tells how much of it is whole.
func (s *shop) readRuns(path string) (whole int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		r := new(work)
		if err != nil || json.Unmarshal(line, r) != nil {
			return whole, nil
		}
		whole += int64(len(line))
		if r.steps, err = readSteps(s.wordsOf(s.kindOf(r)), r.Script); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		if known := s.byID[r.ID]; known != nil && r.ID != "" {
			*known = *r
			continue
		}
		s.keep(r)
	}
}

func (s *shop) readScripts(path string) error {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, src, ok := strings.Cut(line, ":")
		kind, _, _ := strings.Cut(name, " ")
		w := s.wordsOf(kind)
		if !ok || w == nil {
			return fmt.Errorf("%s: a line begins with %s, not %q", path, s.kinds(), line)
		}
		plan, err := readScript(w, src)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		s.scripts[name] = plan
	}
	return nil
}

func (f *workFile) write(r *work) error {
	line, err := json.Marshal(r)
	if err == nil && f.file == nil {
		if err = os.MkdirAll(filepath.Dir(f.path), 0o700); err == nil {
			f.file, err = os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.file.Write(append(line, '\n'))
	return err
}

func (f *workFile) close() {
	if f.file != nil {
		_ = f.file.Close() // each line has been written
	}
}
