package logs

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// maxSpares is how many files one run may keep for its next logs.
const maxSpares = 16

// spares are the files of one run's attempts that said nothing. To make and free inodes is most of what
// such a log costs, so each serves another attempt, under the name of that one's log.
//
// While a file changes hands its old name goes first: who still has it open finds the name gone, and
// knows that what it reads is another's (see reader).
type spares struct {
	dir   *os.File // the run's folder
	files []spare
}

type spare struct {
	name string // under which it lies in the folder now
	f    *os.File
}

// Spare takes an empty log back, instead of Seal. The file is no longer the caller's.
func (s *Store) Spare(id ID, f *os.File) {
	s.mu.Lock()
	delete(s.open, id)
	kept := s.keep(id, f)
	s.mu.Unlock()
	if !kept {
		_ = f.Close() // as at the end of any log
	}
}

// keep tells whether there is room for another; s.mu is held.
func (s *Store) keep(id ID, f *os.File) bool {
	rel, err := id.rel()
	if err != nil || s.top == nil {
		return false
	}
	of := s.spares[id.Run]
	if of == nil {
		dir, err := openBelow(s.root, s.top, filepath.Dir(rel), os.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return false
		}
		of = &spares{dir: dir}
		s.spares[id.Run] = of
	}
	if len(of.files) >= maxSpares {
		return false
	}
	of.files = append(of.files, spare{filepath.Base(rel), f})
	return true
}

// reuse makes a spare the log at rel; nil if there is none, or a log of that name is there
// already: an attempt that was cut off has the same, and goes on in it.
func (s *Store) reuse(id ID, rel string) *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.spares[id.Run]
	if of == nil || len(of.files) == 0 {
		return nil
	}
	name := filepath.Base(rel)
	if i := slices.IndexFunc(of.files, func(it spare) bool { return it.name == name }); i >= 0 {
		_ = of.files[i].f.Close() // of an attempt that was prepared and did not begin: it has its name, and opens it
		of.files = slices.Delete(of.files, i, i+1)
		return nil
	}
	last := len(of.files) - 1
	it := of.files[last]
	dir := int(of.dir.Fd())
	if err := unix.Renameat2(dir, it.name, dir, name, unix.RENAME_NOREPLACE); err != nil {
		return nil // it waits for the next; Leave takes it away
	}
	of.files = of.files[:last]
	return it.f
}

// Leave takes away what is kept for a run that ends.
func (s *Store) Leave(run string) {
	s.mu.Lock()
	of := s.spares[run]
	delete(s.spares, run)
	s.mu.Unlock()
	if of == nil {
		return
	}
	for _, it := range of.files {
		_ = unix.Unlinkat(int(of.dir.Fd()), it.name, 0) // it says nothing; left behind it does no harm
		_ = it.f.Close()
	}
	_ = of.dir.Close()
}
