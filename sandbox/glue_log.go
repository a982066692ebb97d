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

// A glueLog remembers runs. The caller holds glue's lock.
type glueLog interface {
	write(r *glueRun) error
	close()
}

type noGlueLog struct{}

func (noGlueLog) write(*glueRun) error { return nil }
func (noGlueLog) close()               {}

// glueFolder, beside the buckets, holds runs.jsonl, a line for each run and each stop, and may hold
// script, which says what becomes of jobs and crawlers: lines `job NAME: …` and `crawler NAME: …`.
const glueFolder = ".glue"

// A glueFile is runs.jsonl, made with its first line.
type glueFile struct {
	path string
	file *os.File
}

func openGlueLog(dir string, into *glue) (glueLog, error) {
	dir = filepath.Join(dir, glueFolder)
	if err := into.readScripts(filepath.Join(dir, "script")); err != nil {
		return nil, err
	}
	f := &glueFile{path: filepath.Join(dir, "runs.jsonl")}
	whole, err := into.readRuns(f.path)
	if err == nil { // what a crash has cut off was never answered
		if err = os.Truncate(f.path, whole); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	return f, err
}

// readRuns reads what earlier starts have left, and tells how much of it is whole.
func (g *glue) readRuns(path string) (whole int64, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	byID := map[string]*glueRun{}
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		r := new(glueRun)
		if err != nil || json.Unmarshal(line, r) != nil {
			return whole, nil
		}
		whole += int64(len(line))
		if r.steps, err = readSteps(r.Script); err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		switch {
		case r.ID == "":
			if r.Script == "" {
				r.steps = usualCrawl
			}
			g.crawls[r.Name] = r
		case byID[r.ID] != nil:
			*byID[r.ID] = *r
		default:
			byID[r.ID] = r
			g.runs[r.Name] = append(g.runs[r.Name], r)
		}
	}
}

func (g *glue) readScripts(path string) error {
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
		plan, err := readScript(src)
		switch {
		case !ok || (!strings.HasPrefix(name, "job ") && !strings.HasPrefix(name, "crawler ")):
			return fmt.Errorf("%s: a line begins with `job NAME:` or `crawler NAME:`, not %q", path, line)
		case err != nil:
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		g.scripts[name] = plan
	}
	return nil
}

func (f *glueFile) write(r *glueRun) error {
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

func (f *glueFile) close() {
	if f.file != nil {
		_ = f.file.Close() // each line has been written
	}
}
