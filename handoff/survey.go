package handoff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"
)

// A Source is a file or folder of this machine, to be kept or laid out.
type Source struct {
	Root *os.Root // nothing outside it is opened, whatever a path or a link says
	Path string   // below Root; "." is all of it
	// Skip tells of names at the top of Root that are nobody's.
	Skip func(name string) bool
}

// An UnfitError says that what a Source names is not there, or is nothing that can travel.
type UnfitError struct {
	Path string
	Why  string
	Err  error // the cause, if there is one
}

func (e *UnfitError) Error() string { return e.Path + " " + e.Why }

func (e *UnfitError) Unwrap() error { return e.Err }

// stat looks at what a Source names. Links below Root are followed.
func (s Source) stat() (fs.FileInfo, error) {
	if strings.ContainsRune(s.Path, 0) {
		return nil, &UnfitError{Path: fmt.Sprintf("%q", s.Path), Why: "holds a NUL"}
	}
	if slices.Contains(strings.Split(s.Path, "/"), "..") {
		return nil, &UnfitError{Path: s.Path, Why: "holds `..`"}
	}
	if top, _, _ := strings.Cut(path.Clean(s.Path), "/"); s.Skip != nil && s.Skip(top) {
		return nil, &UnfitError{Path: s.Path, Why: "is weft's own"}
	}
	info, err := s.Root.Stat(path.Clean(s.Path))
	if err != nil {
		return nil, unfit(s.Path, err)
	}
	if m := info.Mode(); !m.IsRegular() && !m.IsDir() {
		return nil, &UnfitError{Path: s.Path, Why: "is " + kindOf(m) + ", and only files and folders travel"}
	}
	return info, nil
}

// unfit says in words why something below a root cannot be opened.
func unfit(name string, err error) *UnfitError {
	e := &UnfitError{Path: name, Why: "cannot be read: " + plain(err).Error(), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		e.Why = "is not there"
	case errors.Is(err, syscall.ELOOP):
		e.Why = "leads in a circle"
	case strings.Contains(err.Error(), "escapes"): // os has no name for it
		e.Why = "leads out of its folder"
	}
	return e
}

// kindOf names what is neither file, folder nor link.
func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// openRegular opens a regular file below a root, and nothing that could make the opening wait.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, unfit(name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &UnfitError{Path: name, Why: "is " + kindOf(info.Mode()) + ", and only files and folders travel"}
	}
	if err != nil {
		_ = f.Close() // read only
		return nil, nil, err
	}
	return f, info, nil
}

// survey lists what a folder holds, sorted by path, without sums. Symbolic links are kept as links,
// if they are relative and what they lead to lies in the folder; anything but files, folders and
// links is refused.
func survey(ctx context.Context, folder *os.Root, skip func(name string) bool) ([]entry, error) {
	w := walk{ctx: ctx, folder: folder, skip: skip, full: map[string]bool{}}
	if err := fs.WalkDir(folder.FS(), ".", w.visit); err != nil {
		return nil, err
	}
	for _, dir := range w.dirs {
		if !w.full[dir] {
			w.found = append(w.found, entry{Path: dir, Folder: true})
		}
	}
	slices.SortFunc(w.found, func(a, b entry) int { return strings.Compare(a.Path, b.Path) })
	return w.found, nil
}

// A walk is one survey under way.
type walk struct {
	ctx    context.Context
	folder *os.Root
	skip   func(name string) bool
	found  []entry
	dirs   []string
	full   map[string]bool // folders that hold something
}

// visit is called for all that the folder holds, links not followed.
func (w *walk) visit(name string, d fs.DirEntry, err error) error {
	switch {
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case err != nil:
		return unfit(name, err)
	case name == ".":
		return nil
	case w.skip != nil && w.skip(name):
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case !utf8.ValidString(name):
		return &UnfitError{Path: fmt.Sprintf("%q", name), Why: "has a name that is not UTF-8"}
	case len(w.found) >= maxEntries:
		return &UnfitError{Path: name, Why: fmt.Sprintf("is one of more than %d files (pack them into one)", maxEntries)}
	}
	w.full[path.Dir(name)] = true
	if d.IsDir() {
		w.dirs = append(w.dirs, name)
		return nil
	}
	e, err := w.entry(name)
	w.found = append(w.found, e)
	return err
}

// entry looks at what is no folder.
func (w *walk) entry(name string) (entry, error) {
	info, err := w.folder.Lstat(name)
	if err != nil {
		return entry{}, unfit(name, err)
	}
	e := entry{Path: name}
	switch m := info.Mode(); {
	case m.IsRegular():
		e.Size, e.Executable = info.Size(), m&0o111 != 0
	case m&fs.ModeSymlink != 0:
		e.Link, err = w.link(name)
	default:
		err = &UnfitError{Path: name, Why: "is " + kindOf(m) + ", and only files, folders and links travel"}
	}
	return e, err
}

// link reads where a link leads. os.Root goes there to see that it stays inside: what the text of
// several links comes to, no look at one of them tells.
func (w *walk) link(name string) (string, error) {
	to, err := w.folder.Readlink(name)
	if err != nil {
		return "", unfit(name, err)
	}
	if path.IsAbs(to) {
		return "", &UnfitError{Path: name, Why: "is a link to the absolute path " + to + ", and only relative links inside the folder travel"}
	}
	if !utf8.ValidString(to) {
		return "", &UnfitError{Path: name, Why: "is a link to a name that is not UTF-8"}
	}
	if _, err := w.folder.Stat(name); err != nil {
		return "", &UnfitError{Path: name, Why: "is a link to " + to + ": it " + unfit(name, err).Why, Err: err}
	}
	return to, nil
}
