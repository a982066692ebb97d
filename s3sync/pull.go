package s3sync

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// staging is where a folder keeps what comes, until all of it is there. Its name is hidden, so that
// nobody takes it for part of the set.
const staging = ".weft-sync-"

// stagingStays is how old what a synchronisation has left must be to be removed by the next: it may
// still be at work.
const stagingStays = time.Hour

// A Pull is what it takes to make a folder show what is published.
type Pull struct {
	Diff
	There   int       // files of the folder now
	From    *Manifest // nil: put together from listings, which may show half of what somebody writes
	LeftOut []Note

	place Place
	dir   string
	root  *os.Root
	stage string
	files []File
	get   func(ctx context.Context, need []File, to Sink) error
}

// Pull compares a folder, which is made if it is not there, with what is published. Close it.
func (p Place) Pull(ctx context.Context, dir string, o Options, except string, settle time.Duration) (*Pull, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder %s: %w", dir, reason(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	pull := &Pull{place: p, dir: dir, root: root, stage: staging + nonce()}
	if err := pull.compare(ctx, o, except, settle); err != nil {
		pull.Close()
		return nil, err
	}
	return pull, nil
}

// Close removes what was not put into its place.
func (pull *Pull) Close() {
	_ = pull.root.RemoveAll(pull.stage) // the next one tries again
	_ = pull.root.Close()
}

func (pull *Pull) compare(ctx context.Context, o Options, except string, settle time.Duration) error {
	here, err := Scan(ctx, pull.dir, except, nil)
	if err != nil {
		return err
	}
	pull.There = len(here.Files)
	m, err := pull.place.Manifest(ctx, "")
	switch {
	case errors.Is(err, ErrNoManifest):
		err = pull.fromListings(ctx, here, settle)
	case err == nil:
		pull.From, pull.files = m.Manifest, m.Files
		pull.get = func(ctx context.Context, need []File, to Sink) error {
			return pull.place.fetch(ctx, m.Manifest, need, to)
		}
	}
	if err != nil {
		return err
	}
	pull.Diff = diff(here.Files, pull.files)
	if o.KeepRemoved {
		pull.Removed = []string{}
	}
	return nil
}

func (pull *Pull) fromListings(ctx context.Context, here *Tree, settle time.Duration) error {
	if err := pull.root.Mkdir(pull.stage, 0o700); err != nil {
		return fmt.Errorf("cannot write into %s: %w", pull.dir, reason(err))
	}
	g := gathering{pull.place, path.Join(pull.dir, pull.stage), settle, func(path, tag string, size int64) (File, bool) {
		f, ok := find(here.Files, path)
		if !ok || f.Size != size || len(tag) != 2*md5.Size || size > large {
			return f, false
		}
		body, err := whole(pull.root, f)
		sum := md5.Sum(body)
		return f, err == nil && hex.EncodeToString(sum[:]) == tag
	}}
	found, left, err := g.gather(ctx)
	if err != nil {
		return err
	}
	for _, o := range found {
		pull.files = append(pull.files, o.File)
	}
	pull.LeftOut, pull.get = left, g.get
	return pull.place.stillNone(ctx)
}

// Doubt says as a clause why somebody should be asked before this is done; "" if there is no reason.
func (pull *Pull) Doubt() string {
	switch gone := len(pull.Removed); {
	case len(pull.files) == 0 && gone > 0:
		return fmt.Sprintf("%s holds no file, so all %d of %s would go", pull.place, gone, pull.dir)
	case gone*100 > pull.There*mostRemoved:
		return fmt.Sprintf("%d of the %d files of %s would go", gone, pull.There, pull.dir)
	}
	return ""
}

// Carry brings all that is new, and only then puts one file after another into its place. A folder
// cannot be exchanged whole; who is cut off in between leaves a mixture, which the next one mends.
func (pull *Pull) Carry(ctx context.Context) error {
	if pull.Empty() {
		return nil
	}
	pull.sweep()
	if err := pull.root.Mkdir(pull.stage, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write into %s: %w", pull.dir, reason(err))
	}
	var need []File
	for _, path := range slices.Concat(pull.Added, pull.Changed) {
		f, _ := find(pull.files, path)
		need = append(need, f)
	}
	err := pull.get(ctx, need, func(f File, body io.Reader) error {
		return lay(pull.root, f, pull.staged(f.Path), body, 0o644)
	})
	if err != nil {
		return err
	}
	now, later := inWay(pull.Removed, pull.Added)
	if err := pull.remove(now); err != nil {
		return err
	}
	for _, f := range need {
		if err := mkdirs(pull.root, f.Path); err != nil {
			return err
		}
		if err := pull.root.Rename(pull.staged(f.Path), f.Path); err != nil {
			return fmt.Errorf("cannot write %s: %w", shownPath(f.Path), linkReason(err))
		}
	}
	return pull.remove(later)
}

func (pull *Pull) staged(file string) string { return path.Join(pull.stage, "new", file) }

// remove removes files, and the folders that have nothing in them any more because of it.
func (pull *Pull) remove(paths []string) error {
	for _, p := range paths {
		if err := pull.root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove %s: %w", shownPath(p), reason(err))
		}
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if pull.root.Remove(dir) != nil {
				break
			}
		}
	}
	return nil
}

// sweep removes what others that were cut off have left.
func (pull *Pull) sweep() {
	entries, err := fs.ReadDir(pull.root.FS(), ".")
	if err != nil {
		return
	}
	for _, d := range entries {
		info, err := d.Info()
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), staging) && d.Name() != pull.stage && time.Since(info.ModTime()) > stagingStays {
			_ = pull.root.RemoveAll(d.Name())
		}
	}
}

func linkReason(err error) error {
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return reason(err)
}
