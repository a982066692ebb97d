// Package shellcheck asks the program of that name, where it is installed, about scripts: many in one
// process, several processes at a time, and of what was asked once the answer is kept.
//
// A Checker is used in two steps, for a start of the program costs more than a script: while files are
// parsed, Remarks answers what is known and notes what is not; Learn then asks about all that was noted.
package shellcheck

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"weft/spec"
)

// Name is the program's, as it is looked for on PATH.
const Name = "shellcheck"

const (
	// batch is how many scripts one process is given. A start takes as long as ten small scripts.
	batch = 100
	// patience is what a process may take. shellcheck is slow on long scripts, a second for 2,000 lines.
	patience = time.Minute
	// mostKept bounds what is remembered, mostSaid the bytes that one process may write.
	mostKept = 20_000
	mostSaid = 64 << 20
)

// A Checker asks shellcheck. It is safe for concurrent use.
type Checker struct {
	program  string
	rules    []byte
	memory   string
	about    string // all else that an answer depends on
	patience time.Duration

	mu    sync.Mutex
	once  sync.Once
	known map[string][]spec.Remark
	asked map[string]spec.Script // and not known
	met   bool                   // any script was asked about
}

// ErrAbsent is what New says where the program is not installed.
var ErrAbsent = errors.New("shellcheck is not installed")

// New looks for the program. rules is the text of a .shellcheckrc, nil for none; memory is the file that
// keeps answers, "" for none, in a folder that is made if the one above it is there.
func New(rules []byte, memory string) (*Checker, error) {
	program, err := exec.LookPath(Name)
	if errors.Is(err, exec.ErrNotFound) {
		return nil, ErrAbsent
	}
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find shellcheck: %w", err)
	}
	info, err := os.Stat(program)
	if err != nil {
		return nil, fmt.Errorf("cannot find shellcheck: %w", err)
	}
	return &Checker{
		program: program, rules: rules, memory: memory, asked: map[string]spec.Script{}, patience: patience,
		// Which version it is tells the file: to ask it costs as much as to ask it about a script.
		about: fmt.Sprintf("1\x00%s\x00%d\x00%d\x00%s", program, info.Size(), info.ModTime().UnixNano(), rules),
	}, nil
}

// Rules finds the .shellcheckrc that holds for a folder, as shellcheck does for a script there: the first
// of the folder and those above it. One of the user alone is not looked for: a DAG is as right for others.
func Rules(dir string) []byte {
	for {
		for _, name := range []string{".shellcheckrc", "shellcheckrc"} {
			if body, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				return body
			}
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil
		}
		dir = above
	}
}

// Remarks is what is known of a script. What is not known is noted, for Learn.
func (c *Checker) Remarks(s spec.Script) (remarks []spec.Remark, known bool) {
	c.once.Do(c.recall)
	key := c.key(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.met = true
	remarks, known = c.known[key]
	if !known {
		c.asked[key] = s
	}
	return remarks, known
}

// Met tells whether there was any script to ask about.
func (c *Checker) Met() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met
}

func (c *Checker) key(s spec.Script) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%t\x00%s", c.about, s.Dialect, s.Exits, s.Text))
	return hex.EncodeToString(sum[:16])
}

// Learn asks about what was noted. When that fails, nothing more is known of any of it, and the error is a
// sentence for a person.
func (c *Checker) Learn(ctx context.Context) error {
	c.mu.Lock()
	todo := c.asked
	c.asked = map[string]spec.Script{}
	c.mu.Unlock()
	if len(todo) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(todo))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(runtime.GOMAXPROCS(0))
	size := min(batch, (len(keys)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for some := range slices.Chunk(keys, size) {
		asking.Go(func() error {
			scripts := make([]spec.Script, len(some))
			for i, key := range some {
				scripts[i] = todo[key]
			}
			remarks, err := c.ask(ctx, scripts)
			if err != nil {
				return err
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for i, key := range some {
				c.known[key] = remarks[i]
			}
			return nil
		})
	}
	if err := asking.Wait(); err != nil {
		return err
	}
	c.remember(keys)
	return nil
}

// ask calls the program once. Scripts are files for it, whose first line names their shell.
func (c *Checker) ask(ctx context.Context, scripts []spec.Script) ([][]spec.Remark, error) {
	dir, err := os.MkdirTemp("", "weft-shellcheck-")
	if err != nil {
		return nil, fmt.Errorf("cannot make files for shellcheck: %w", err)
	}
	defer os.RemoveAll(dir)
	args := []string{"--format=json1", "--exclude=" + strings.Join(unasked, ",")}
	if c.rules == nil {
		args = append(args, "--norc")
	} else if err := os.WriteFile(filepath.Join(dir, ".shellcheckrc"), c.rules, 0o600); err != nil {
		return nil, fmt.Errorf("cannot make files for shellcheck: %w", err)
	}
	for i, s := range scripts {
		name := fmt.Sprintf("%d", i)
		if err := os.WriteFile(filepath.Join(dir, name), written(s), 0o600); err != nil {
			return nil, fmt.Errorf("cannot make files for shellcheck: %w", err)
		}
		args = append(args, name)
	}
	inner, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	cmd := exec.CommandContext(inner, c.program, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	out, errs := &limited{most: mostSaid, full: cancel}, &limited{most: 4 << 10, full: func() {}}
	cmd.Stdout, cmd.Stderr = out, errs
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, fmt.Errorf("%s wrote more than %d MiB", c.program, mostSaid>>20)
	case inner.Err() != nil:
		return nil, fmt.Errorf("%s did not answer within %s", c.program, c.patience)
	case err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1): // 1: there are remarks
		return nil, fmt.Errorf("%s failed: %w%s", c.program, plain(err), firstLine(errs.took.Bytes()))
	}
	return c.read(out.took.Bytes(), scripts)
}

// plain is an error without what the sentence has already.
func plain(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

func firstLine(said []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	if line == "" {
		return ""
	}
	return " (" + line + ")"
}

// limited takes bytes up to a number, and calls full when there are more.
type limited struct {
	took bytes.Buffer // no part of the type: its ReadFrom would take everything
	most int
	full func()
	over bool
}

// Write implements io.Writer. What is too much is passed over: a process that blocks would not end.
func (l *limited) Write(p []byte) (int, error) {
	if room := l.most - l.took.Len(); len(p) > room {
		l.over = true
		l.full()
		_, _ = l.took.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return l.took.Write(p)
}

// recall reads the memory; one that cannot be read is none.
func (c *Checker) recall() {
	c.known = map[string][]spec.Remark{}
	if c.memory == "" {
		return
	}
	if src, err := os.ReadFile(c.memory); err == nil && json.Unmarshal(src, &c.known) != nil {
		c.known = map[string][]spec.Remark{}
	}
}

// remember writes the memory. What cannot be remembered is found out again.
func (c *Checker) remember(now []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.memory == "" {
		return
	}
	if len(c.known) > mostKept {
		kept := map[string][]spec.Remark{}
		for _, k := range now[:min(len(now), mostKept)] {
			kept[k] = c.known[k]
		}
		c.known = kept
	}
	body, err := json.Marshal(c.known)
	folder := filepath.Dir(c.memory)
	if err != nil || os.Mkdir(folder, 0o755) != nil && !isFolder(folder) {
		return
	}
	part := fmt.Sprintf("%s.%d", c.memory, os.Getpid())
	err = os.WriteFile(part, body, 0o600)
	if err == nil {
		err = os.Rename(part, c.memory)
	}
	if err != nil {
		_ = os.Remove(part) // a part of it is of no use
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
