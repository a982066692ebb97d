package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"weft/handoff"
	"weft/proc"
)

// A scratch is the places of one attempt below <home>/tmp/<run>: a folder of its own, empty when it
// begins and emptied at its end, and beside it the live file, where no script that tidies up can hit
// it.
type scratch struct {
	dir   string // "" = there is none
	live  string
	ready bool // the folder is there, as it was made
}

const liveSuffix = ".live"

// output is the file in which a process may leave its output; its leading dot keeps it from
// `rm "$WEFT_TMPDIR"/*`.
func (s scratch) output() string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, ".weft_output")
}

// make makes the folder, empty: what a crash left under its name goes first.
func (s scratch) make() error {
	for tries := 0; ; tries++ {
		err := os.Mkdir(s.dir, 0o700)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrExist):
			err = os.RemoveAll(s.dir)
		case errors.Is(err, fs.ErrNotExist):
			err = os.MkdirAll(filepath.Dir(s.dir), 0o700)
		}
		if err != nil && tries > 100 || err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return bare(err)
		}
	}
}

// asMade tells whether the folder is empty and nobody has changed its mode.
func (s scratch) asMade() bool {
	f, err := proc.OpenPlain(s.dir, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Mode() != asMade {
		return false
	}
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

const asMade = fs.ModeDir | 0o700

// remove takes the places away.
func (s scratch) remove() error {
	err := os.RemoveAll(s.dir)
	if err != nil { // a folder without permissions for its owner
		_ = filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				return os.Chmod(p, 0o700)
			}
			return nil
		})
		err = os.RemoveAll(s.dir)
	}
	if e := os.Remove(s.live); err == nil && !errors.Is(e, fs.ErrNotExist) {
		err = e
	}
	return bare(err)
}

// scratches hands the scratches of runs out. What costs most of a short attempt on a disk is to make
// and free inodes; so one that was left as it was made serves the next attempt of its run, and a run
// has as many as it had attempts at one time. Executor.Leave takes them away.
type scratches struct {
	mu    sync.Mutex
	tidy  sync.Cond // on mu: a run's ending has become 0
	byRun map[string]*spares
}

type spares struct {
	made   int // gives the next its number
	busy   int // how many attempts have one, and how many are taking free ones away
	ending int // how many attempts have told their outcome and are tidying up
	free   []scratch
}

// take returns a scratch that no other attempt has.
func (c *scratches) take(home, run string) (scratch, error) {
	s := c.pick(home, run)
	if s.ready {
		info, err := os.Lstat(s.dir)
		s.ready = err == nil && info.Mode() == asMade
	}
	if s.ready {
		return s, nil
	}
	err := s.make()
	if err != nil {
		c.put(run, s)
		return scratch{}, err
	}
	return s, nil
}

// give takes a scratch back, emptied, when nothing of its attempt lives any more. The lock of the
// live file ends here.
func (c *scratches) give(run string, s scratch, live *os.File) error {
	s.ready = s.dir != "" && s.asMade()
	if live != nil {
		s.ready = live.Truncate(0) == nil && s.ready // it tells of nobody now
		_ = live.Close()                             // its lock is all that mattered
	}
	if s.dir == "" {
		return nil
	}
	var err error
	if !s.ready {
		err = s.remove()
	}
	c.put(run, s)
	return err
}

func (c *scratches) pick(home, run string) scratch {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of(run)
	of.busy++
	if n := len(of.free) - 1; n >= 0 {
		s := of.free[n]
		of.free = of.free[:n]
		return s
	}
	of.made++
	dir := filepath.Join(runFolder(home, run), strconv.Itoa(of.made))
	return scratch{dir: dir, live: dir + liveSuffix}
}

// runFolder holds the scratches of a run.
func runFolder(home, run string) string { return filepath.Join(home, "tmp", handoff.FileName(run)) }

func (c *scratches) put(run string, s scratch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of(run)
	of.busy--
	of.free = append(of.free, s)
}

// of returns the spares of a run; mu is held.
func (c *scratches) of(run string) *spares {
	if c.byRun == nil {
		c.byRun = map[string]*spares{}
	}
	if c.byRun[run] == nil {
		c.byRun[run] = &spares{}
	}
	return c.byRun[run]
}

// Leave takes away what attempts of a run shared, when all have ended: before its end is recorded,
// so that nothing of a run that is over is left, whenever weft is killed. If someone opens the run
// again meanwhile, what its new attempts have is not touched.
func (x *Executor) Leave(run string) error {
	var err error
	for _, s := range x.scratches.drain(run) {
		err = errors.Join(err, s.remove())
	}
	_ = os.Remove(runFolder(x.Home, run)) // fails while others are in it
	x.scratches.forget(run)
	x.alikes.forget(run)
	if x.LeaveLogs != nil {
		x.LeaveLogs(run)
	}
	return err
}

// tidying counts the attempts of a run that are at it.
func (c *scratches) tidying(run string, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of(run)
	if of.ending += more; of.ending == 0 && c.tidy.L != nil {
		c.tidy.Broadcast()
	}
}

// drain takes all that is free of a run, once those that have ended have tidied up. Its numbers are not
// given again until the run is forgotten.
func (c *scratches) drain(run string) (free []scratch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tidy.L = &c.mu
	of := c.of(run)
	of.busy++
	for of.ending > 0 {
		c.tidy.Wait()
	}
	free, of.free = of.free, nil
	return free
}

// forget ends what drain began, and forgets a run that has nothing any more.
func (c *scratches) forget(run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.of(run)
	of.busy--
	if of.busy+of.ending == 0 && len(of.free) == 0 {
		delete(c.byRun, run)
	}
}

// LiveFiles lists the live files of a run: of attempts that live, or were cut off by the end of a
// weft. They tell themselves which attempt they are of.
func LiveFiles(home, run string) ([]string, error) {
	dir := runFolder(home, run)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for live attempts of run %s: %w", run, bare(err))
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), liveSuffix) && !e.IsDir() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// Sweep removes every scratch folder and live file of a run. Nothing of the run may live.
func Sweep(home, run string) error {
	if err := os.RemoveAll(runFolder(home, run)); err != nil {
		return fmt.Errorf("cannot remove the scratch folders of run %s: %w", run, bare(err))
	}
	return nil
}

// bare drops the system call's name from a file's error.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
