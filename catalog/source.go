package catalog

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"weft/s3sync"
)

// Bucket is a source in S3.
type Bucket struct{ Follower *s3sync.Follower }

// Next implements Source.
func (b Bucket) Next(ctx context.Context) (bool, error) { return b.Follower.Next(ctx) }

// Files implements Source.
func (b Bucket) Files() []s3sync.File {
	if last := b.Follower.Last(); last != nil {
		return last.Files
	}
	return nil
}

// LeftOut implements Source.
func (b Bucket) LeftOut() []s3sync.Note {
	if last := b.Follower.Last(); last != nil {
		return last.LeftOut
	}
	return nil
}

// Shown implements Source.
func (b Bucket) Shown(path string) string { return b.Follower.Place.String() + "/" + path }

// Folder is a source on this machine. Each state of it that is seen becomes a bundle, so that a run
// keeps its version whatever happens to the files.
type Folder struct {
	Dir     string
	Except  string // weft's own state, if it is below Dir
	Bundles s3sync.Bundles
	Show    func(path string) string // a path of this machine as messages show it

	files []s3sync.File
	left  []s3sync.Note
	seen  map[string]stamp
	at    time.Time // of seen
}

// A stamp tells without reading whether a file may have changed.
type stamp struct {
	size int64
	mod  int64 // nanoseconds since 1970
	mode fs.FileMode
}

// settled is how old a change must be for its stamp to be trusted: the clocks of file systems are
// coarse.
const settled = 2 * time.Second

// Next implements Source.
func (f *Folder) Next(ctx context.Context) (changed bool, err error) {
	at := time.Now()
	stamps, calm := f.stamps()
	if f.files != nil && calm && sameStamps(stamps, f.seen) {
		return false, nil
	}
	tree, err := s3sync.ScanWhatCan(ctx, f.Dir, f.Except, f.known())
	if err != nil {
		return false, err
	}
	set, was := s3sync.SetOf(tree.Files), s3sync.SetOf(f.files)
	if f.files == nil || set != was {
		have := map[string][]s3sync.File{}
		if f.files != nil {
			have[was] = f.files
		}
		b := f.Bundles
		b.Checked = was
		if err := b.Make(ctx, tree.Files, have, tree.Read); err != nil {
			return false, err
		}
		changed = true
	}
	changed = changed || !slices.Equal(tree.LeftOut, f.left)
	f.files, f.left, f.seen, f.at = tree.Files, tree.LeftOut, stamps, at
	if f.files == nil {
		f.files = []s3sync.File{}
	}
	return changed, nil
}

// known tells of files that have not changed since the last look, and whose stamps could be trusted then.
func (f *Folder) known() s3sync.Known {
	byPath := make(map[string]s3sync.File, len(f.files))
	for _, file := range f.files {
		byPath[file.Path] = file
	}
	return func(path string, info fs.FileInfo) (s3sync.File, bool) {
		file, ok := byPath[path]
		was, stamped := f.seen[filepath.Join(f.Dir, filepath.FromSlash(path))]
		return file, ok && stamped && was == stampOf(info) && f.at.Sub(info.ModTime()) > settled
	}
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{info.Size(), info.ModTime().UnixNano(), info.Mode()}
}

// Files implements Source.
func (f *Folder) Files() []s3sync.File { return f.files }

// LeftOut implements Source.
func (f *Folder) LeftOut() []s3sync.Note { return f.left }

// Shown implements Source.
func (f *Folder) Shown(path string) string {
	return f.Show(filepath.Join(f.Dir, filepath.FromSlash(path)))
}

// stamps looks at all files below the folder; calm is false if something changed so lately that another
// change may have the same stamp.
func (f *Folder) stamps() (all map[string]stamp, calm bool) {
	all, calm = map[string]stamp{}, true
	now := time.Now()
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path == f.Except {
			return fs.SkipDir
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		all[path] = stampOf(info)
		calm = calm && now.Sub(info.ModTime()) > settled
		return nil
	})
	return all, calm && err == nil
}

func sameStamps(a, b map[string]stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for path, s := range a {
		if t, ok := b[path]; !ok || s != t {
			return false
		}
	}
	return true
}
