package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// A StartError says why a process could not be started.
type StartError struct {
	Program   string // what was to be started
	Reason    string // in the user's words
	Hint      string // what the user can do; "" = nothing to add
	Temporary bool   // the machine was short of something; the same start may work later
}

func (e *StartError) Error() string {
	s := "cannot start " + e.Program + ": " + e.Reason
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// devNull is opened once and shared by all processes; it is never closed.
var devNull = sync.OnceValues(func() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_RDWR, 0) })

// fork starts the process of s in a session of its own.
func (s *Spec) fork() (pid int, err error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return 0, &StartError{Program: "process", Reason: "its command is empty"}
	}
	path := LookPath(s.Argv[0], s.Dir, s.Env)
	if path == "" {
		return 0, s.notFound()
	}
	null, err := devNull()
	if err != nil {
		return 0, &StartError{Program: s.Argv[0], Reason: err.Error(), Temporary: true}
	}
	files := make([]uintptr, 3, LiveFD+1)
	for i, f := range []*os.File{s.Stdin, s.Stdout, s.Stderr} {
		if f == nil {
			f = null
		}
		files[i] = f.Fd()
	}
	files = inherit(files, GateFD, s.gate)
	files = inherit(files, LiveFD, s.Live)
	// A session rather than a mere group: a program that asks for a password on /dev/tty fails at
	// once instead of being stopped by the terminal for ever.
	pid, err = syscall.ForkExec(path, s.Argv, &syscall.ProcAttr{
		Dir: s.Dir, Env: s.Env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	runtime.KeepAlive(s)
	if err != nil {
		return 0, s.explain(path, err)
	}
	return pid, nil
}

// inherit has the child find f, if there is one, under the number fd, which is above all numbers before.
func inherit(files []uintptr, fd int, f *os.File) []uintptr {
	if f == nil {
		return files
	}
	for len(files) < fd {
		files = append(files, ^uintptr(0)) // closed in the child
	}
	return append(files, f.Fd())
}

func (s *Spec) notFound() error {
	return &StartError{
		Program: s.Argv[0], Reason: "no such program",
		Hint: "install it, or put its folder on PATH",
	}
}

// explain turns what fork or exec returned into the user's words. The kernel says "no such file"
// for three different things; which one is looked up afterwards.
func (s *Spec) explain(path string, err error) error {
	e := &StartError{Program: s.Argv[0], Reason: err.Error()}
	if s.Dir != "" {
		if info, statErr := os.Stat(s.Dir); errors.Is(statErr, os.ErrNotExist) {
			e.Reason = fmt.Sprintf("working directory %s does not exist", s.Dir)
			return e
		} else if statErr != nil {
			e.Reason = fmt.Sprintf("cannot enter working directory %s: %v", s.Dir, bare(statErr))
			return e
		} else if !info.IsDir() {
			e.Reason = fmt.Sprintf("working directory %s is no folder", s.Dir)
			return e
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ENOENT) && statErr != nil:
		e.Reason, e.Hint = "no such program", path+" does not exist"
	case errors.Is(err, syscall.ENOENT):
		e.Reason, e.Hint = "the interpreter it names does not exist", "see its first line, #!…"
	case errors.Is(err, syscall.EACCES) && statErr == nil && info.IsDir():
		e.Reason = "it is a folder"
	case errors.Is(err, syscall.EACCES) && statErr == nil && info.Mode()&0o111 == 0:
		e.Reason, e.Hint = "it is not executable", "chmod +x "+s.Argv[0]
	case errors.Is(err, syscall.EACCES):
		e.Reason = "permission denied"
	case errors.Is(err, syscall.ENOEXEC):
		e.Reason, e.Hint = "it is no program for this machine and has no #! line", "run it by its interpreter"
	case errors.Is(err, syscall.E2BIG):
		e.Reason, e.Hint = "its arguments and environment are too long", "pass large values by file"
	case errors.Is(err, syscall.EINVAL) && s.hasNUL():
		e.Reason = "an argument or environment variable holds a NUL byte"
	case errors.Is(err, syscall.ETXTBSY), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM),
		errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Temporary = true
	}
	return e
}

func (s *Spec) hasNUL() bool {
	for _, list := range [][]string{s.Argv, s.Env} {
		for _, v := range list {
			if strings.IndexByte(v, 0) >= 0 {
				return true
			}
		}
	}
	return strings.IndexByte(s.Dir, 0) >= 0
}

// bare strips the operation and path that the os package puts before an error.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
