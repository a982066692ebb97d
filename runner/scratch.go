package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"weft/handoff"
	"weft/machine"
)

// A scratch is the places of one attempt below <home>/tmp/<run>: its own folder, removed at its
// end, and beside it the live file, where no script that tidies up can hit it.
type scratch struct {
	dir  string // "" = there is none
	live string
}

const liveSuffix = ".live"

func scratchOf(home, run string, k machine.Key) scratch {
	name := fmt.Sprintf("%s.%s.%d", handoff.FileName(k.Task), indexText(k.Index), k.Attempt)
	dir := filepath.Join(home, "tmp", handoff.FileName(run), name)
	return scratch{dir: dir, live: dir + liveSuffix}
}

// makeScratch makes the folder, empty: what a crash left of the same attempt goes first.
func makeScratch(home, run string, k machine.Key) (scratch, error) {
	s := scratchOf(home, run, k)
	for tries := 0; ; tries++ {
		err := os.Mkdir(s.dir, 0o700)
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, fs.ErrExist):
			err = os.RemoveAll(s.dir)
		case errors.Is(err, fs.ErrNotExist):
			// The run's folder goes with the last attempt in it, perhaps just now; then this may
			// even say that it exists.
			err = os.MkdirAll(filepath.Dir(s.dir), 0o700)
		}
		if err != nil && tries > 100 || err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return scratch{}, bare(err)
		}
	}
}

// output is the file in which a process may leave its output; its leading dot keeps it from
// `rm "$WEFT_TMPDIR"/*`.
func (s scratch) output() string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, ".weft_output")
}

// remove takes the places away, and the run's folder with the last of them.
func (s scratch) remove() error {
	if s.dir == "" {
		return nil
	}
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
	_ = os.Remove(filepath.Dir(s.dir)) // fails while others are in it
	return bare(err)
}

// LiveFiles lists the live files of a run: of attempts that live, or were cut off by the end of a
// weft. They tell themselves which attempt they are of.
func LiveFiles(home, run string) ([]string, error) {
	dir := filepath.Join(home, "tmp", handoff.FileName(run))
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
	if err := os.RemoveAll(filepath.Join(home, "tmp", handoff.FileName(run))); err != nil {
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
