package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"weft/diag"
	"weft/logs"
	"weft/spec"
)

// maxFixing is how often a file is read again for what became fixable by a fix before.
const maxFixing = 10

// mend applies fixes to a file's text until there is none left, and returns what is found in it then, and
// how many findings were fixed. A text that could be read does not become one that cannot.
func (e *env) mend(f finding) (finding, int) {
	total := 0
	for range maxFixing {
		src, n := spec.Fix(f.Source, f.Diagnostics)
		if n == 0 {
			break
		}
		next := e.checkText(f.target, src)
		if f.read && !next.read {
			if next, n = e.mendApart(f); n == 0 {
				break
			}
		}
		f, total = next, total+n
	}
	return f, total
}

// maxApart bounds the fixes of a file that are tried one by one.
const maxApart = 200

// mendApart applies the fixes of a file that can still be read after each: one that cannot be right takes none of the others
// with it.
func (e *env) mendApart(f finding) (finding, int) {
	var good []spec.Diagnostic
	last, n := f, 0
	for _, d := range f.Diagnostics {
		if !d.Fixable() || len(good) == maxApart {
			continue
		}
		src, applied := spec.Fix(f.Source, append(slices.Clone(good), d))
		if next := e.checkText(f.target, src); next.read && applied > n {
			good, last, n = append(good, d), next, applied
		}
	}
	return last, n
}

// fix writes the files that fixes change, and returns what is found in all of them then. Of stdin the text
// goes to stdout in any case, and the findings elsewhere.
func (v *verdict) fix(all []finding) []finding {
	out := make([]finding, len(all))
	for i, f := range all {
		better, n := v.mend(f)
		var err error
		switch {
		case f.stdin:
			v.out = v.stderr
			err = v.pass(better)
		case n > 0:
			err = rewrite(f.path, f.Source, better.Source)
		}
		if err != nil {
			v.broken = append(v.broken, fmt.Errorf("cannot fix %s: %w", f.File, err))
			better, n = f, 0
		}
		if out[i] = better; n > 0 {
			v.fixed.problems += n
			v.fixed.files++
		}
	}
	return out
}

// pass writes a fixed text to stdout; never half of one.
func (v *verdict) pass(f finding) error {
	if len(f.Source) >= maxDAG {
		return errors.New("it is larger than 1 MiB")
	}
	_, err := v.stdout.Write(f.Source)
	return err
}

// diff shows what fix would do, and ends as if it had been asked for that.
func (v *verdict) diff(all []finding) error {
	var out io.Writer = v.stdout
	if isTerminal(out) {
		out = logs.NewTerminal(out, !v.color)
	}
	left := make([]finding, len(all))
	for i, f := range all {
		better, n := v.mend(f)
		if left[i] = better; n == 0 {
			continue
		}
		v.fixed.problems += n
		v.fixed.files++
		if err := diag.Diff(out, f.File, f.Source, better.Source, f.Diagnostics, diag.Options{Color: v.color}); err != nil {
			return err
		}
	}
	said := "nothing would be fixed"
	if v.fixed.problems > 0 {
		said = fmt.Sprintf("%s would be fixed in %s", counted(v.fixed.problems, "problem", "problems"), counted(v.fixed.files, "file", "files"))
	}
	if ds := findings(left, v.whole); len(ds) > 0 {
		said += "; left: " + diag.Summary(ds, len(all), "--fix")
	}
	fmt.Fprintln(v.stderr, said)
	if err := v.end(left); err != nil || v.fixed.problems == 0 {
		return err
	}
	return errProblems
}

// rewrite puts a text in the place of a file's, whole or not at all: it is written beside the file and renamed
// over it, with its mode and, as far as that is allowed, its owner. A link stays one. was is what the file was
// when it was read; if it is something else by now, it is left alone.
func rewrite(path string, was, text []byte) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return plainly(err)
	}
	old, err := os.OpenFile(path, os.O_RDWR, 0) // who may not write it may not replace it
	if err != nil {
		return plainly(err)
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return plainly(err)
	}
	if now, err := io.ReadAll(io.LimitReader(old, maxDAG)); err != nil || !bytes.Equal(now, was) {
		return errors.New("it was changed meanwhile")
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".weft-fix-*")
	if err != nil {
		return plainly(err)
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
		}
	}()
	if _, err = temp.Write(text); err != nil {
		return plainly(err)
	}
	sameOwner(temp, info)
	for _, step := range []func() error{
		func() error { return temp.Chmod(info.Mode()) }, temp.Sync, temp.Close, func() error { return os.Rename(temp.Name(), path) },
	} {
		if err = step(); err != nil {
			return plainly(err)
		}
	}
	return nil
}

// plainly is an error of the file system without the call and the path, which the caller's sentence has.
func plainly(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return errors.New("permission denied")
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// sameOwner gives a file another's owner and group, where we may.
func sameOwner(f *os.File, as os.FileInfo) {
	if st, ok := as.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // root may; else it is ours, as any file that we write
	}
}
