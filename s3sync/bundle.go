package s3sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bundles keeps sets as folders, one for each, named by what its files hash to. A bundle never
// changes, and its files cannot be written; those of one content are one file on the disk.
type Bundles struct {
	Dir string // made when it is needed
	// Checked is a set whose bundle this process has made or read before: what is taken from it is not read again.
	Checked string
}

// Path is where a set is, or will be.
func (b Bundles) Path(set string) string { return filepath.Join(b.Dir, set) }

// unfinished marks a bundle that is being made.
const unfinished = ".making-"

// Intact tells whether a bundle is there and holds what it should. It reads all files but large ones,
// of which the size must do.
func (b Bundles) Intact(files []File) bool {
	root, err := os.OpenRoot(b.Path(SetOf(files)))
	if err != nil {
		return false
	}
	defer root.Close()
	for _, f := range files {
		if !intact(root, f) {
			return false
		}
	}
	return true
}

func intact(root *os.Root, f File) bool {
	info, err := root.Lstat(f.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size || (info.Mode()&0o111 != 0) != f.Exec {
		return false
	}
	if f.Size >= large {
		return true
	}
	_, err = whole(root, f)
	return err == nil
}

// Make makes the bundle of a set unless it is there. What another bundle has already is taken from
// it; the rest comes from get, which hands each file's bytes to its sink.
func (b Bundles) Make(ctx context.Context, files []File, have map[string][]File, get func(ctx context.Context, need []File, to Sink) error) error {
	if b.Intact(files) {
		return nil
	}
	if err := os.MkdirAll(b.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot keep bundles: %w", err)
	}
	tmp, err := os.MkdirTemp(b.Dir, unfinished)
	if err != nil {
		return fmt.Errorf("cannot keep bundles: %w", err)
	}
	defer os.RemoveAll(tmp) // nothing is there when all went well
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return err
	}
	defer root.Close()
	need, err := b.link(root, files, have)
	if err != nil {
		return err
	}
	if err := get(ctx, need, func(f File, body io.Reader) error { return lay(root, f, f.Path, body, 0o444) }); err != nil {
		return err
	}
	if err := flush(tmp); err != nil {
		return fmt.Errorf("cannot keep bundles: %w", err)
	}
	to := b.Path(SetOf(files))
	if _, err := os.Lstat(to); err == nil { // it was not intact: what runs from it keeps what it has
		if err := os.Rename(to, to+unfinished+nonce()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot replace a damaged bundle: %w", err)
		}
	}
	if err := os.Rename(tmp, to); err != nil && !b.Intact(files) { // else another weft was faster
		return fmt.Errorf("cannot keep bundles: %w", err)
	}
	return nil
}

// link takes files from other bundles, and returns those that are in none.
func (b Bundles) link(root *os.Root, files []File, have map[string][]File) (need []File, err error) {
	from := map[string]string{} // content → where it is
	roots := map[string]*os.Root{}
	defer func() {
		for _, r := range roots {
			_ = r.Close()
		}
	}()
	type source struct {
		File
		set string
	}
	known := map[string]source{}
	for set, list := range have {
		for _, f := range list {
			known[content(f)] = source{f, set}
		}
	}
	made := "."
	for _, f := range files {
		s, ok := known[content(f)]
		if ok && from[content(f)] == "" {
			r := roots[s.set]
			if r == nil {
				if r, err = os.OpenRoot(b.Path(s.set)); err == nil {
					roots[s.set] = r
				}
			}
			if r != nil && (s.set == b.Checked || intact(r, s.File)) {
				from[content(f)] = filepath.Join(b.Path(s.set), filepath.FromSlash(s.Path))
			}
		}
		at := from[content(f)]
		if at == "" {
			need = append(need, f)
			continue
		}
		if dir := filepath.Dir(f.Path); dir != made {
			if err := mkdirs(root, f.Path); err != nil {
				return nil, err
			}
			made = dir
		}
		if os.Link(at, filepath.Join(root.Name(), filepath.FromSlash(f.Path))) != nil { // another file system, too many links
			need = append(need, f)
		}
	}
	return need, nil
}

// content names what a file on the disk is.
func content(f File) string {
	if f.Exec {
		return f.SHA256 + "x"
	}
	return f.SHA256
}

// lay writes a file below root, with the folders that it needs.
func lay(root *os.Root, f File, path string, body io.Reader, mode fs.FileMode) error {
	if err := mkdirs(root, path); err != nil {
		return err
	}
	_ = root.Remove(path) // what a damaged try has left
	if f.Exec {
		mode |= 0o111
	}
	out, err := root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", shownPath(path), reason(err))
	}
	_, err = io.CopyBuffer(writerOnly{out}, body, make([]byte, 256<<10))
	if err == nil {
		err = out.Chmod(mode) // whatever the umask says
	}
	if shut := out.Close(); err == nil {
		err = shut
	}
	return err
}

// writerOnly hides what else a file can do, so that the copy uses our buffer.
type writerOnly struct{ io.Writer }

func mkdirs(root *os.Root, path string) error {
	dir := filepath.ToSlash(filepath.Dir(path))
	if dir == "." {
		return nil
	}
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder %s: %w", shownPath(dir), reason(err))
	}
	return nil
}

// reason is what an error of the file system says below its paths.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// Prune removes bundles that are older than keep and that used says no to, and what was left half
// made. It returns how many are gone.
func (b Bundles) Prune(now time.Time, keep time.Duration, used func(set string) bool) (gone int, err error) {
	all, err := os.ReadDir(b.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot look for old bundles: %w", err)
	}
	for _, d := range all {
		info, err := d.Info()
		raw, bad := hex.DecodeString(d.Name())
		isSet := bad == nil && len(raw) == sha256.Size
		if err != nil || !d.IsDir() || !isSet && !strings.Contains(d.Name(), unfinished) || now.Sub(info.ModTime()) < keep || isSet && used(d.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.Dir, d.Name())); err != nil {
			return gone, fmt.Errorf("cannot remove an old bundle: %w", err)
		}
		gone++
	}
	return gone, nil
}
