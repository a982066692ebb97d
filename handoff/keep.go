package handoff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"weft/machine"
)

const (
	atOnce    = 8       // files in flight
	largeFile = 1 << 20 // larger ones go one at a time: a backend may hold a few parts of each
)

// Keep copies a file or folder into the handoff, streamed: a file to base/artifacts/name, each file
// of a folder below that and the folder's manifest, last, to base/manifests/name.json. What is wrong
// with the source is an *UnfitError.
func Keep(ctx context.Context, b Backend, base, name string, src Source) (machine.Artifact, error) {
	info, err := src.stat()
	if err != nil {
		return machine.Artifact{}, err
	}
	key := path.Join(base, filesPart, name)
	if !info.IsDir() {
		a := machine.Artifact{Name: name, Executable: info.Mode()&0o111 != 0}
		a.Ref, err = putFile(ctx, b, key, src.Root, path.Clean(src.Path))
		return a, err
	}
	folder, skip, err := src.open()
	if err != nil {
		return machine.Artifact{}, err
	}
	defer folder.Close()
	a, err := keepFolder(ctx, b, key, path.Join(base, manifestPart, name+".json"), folder, skip)
	a.Name = name
	return a, inside(src.Path, err)
}

// open opens a folder; what is to be skipped stands at its top only if it is all of Root.
func (s Source) open() (*os.Root, func(string) bool, error) {
	folder, err := s.Root.OpenRoot(path.Clean(s.Path))
	if err != nil {
		return nil, nil, unfit(s.Path, err)
	}
	if path.Clean(s.Path) != "." {
		return folder, nil, nil
	}
	return folder, s.Skip, nil
}

// inside names what is unfit by its whole path.
func inside(folder string, err error) error {
	var e *UnfitError
	if path.Clean(folder) == "." || !errors.As(err, &e) {
		return err
	}
	whole := *e
	whole.Path = strings.TrimSuffix(folder, "/") + "/" + e.Path
	return &whole
}

// putFile puts one file. It is opened without waiting and looked at once it is open: what a name
// stood for a moment before proves nothing.
func putFile(ctx context.Context, b Backend, key string, root *os.Root, name string) (machine.Ref, error) {
	f, info, err := openRegular(root, name)
	if err != nil {
		return machine.Ref{}, err
	}
	defer f.Close()
	return b.Put(ctx, key, f, info.Size())
}

// keepFolder puts the files, then the manifest: once that is there, so is all that it names.
func keepFolder(ctx context.Context, b Backend, key, manifestKey string, folder *os.Root, skip func(string) bool) (machine.Artifact, error) {
	entries, err := survey(ctx, folder, skip)
	if err != nil {
		return machine.Artifact{}, err
	}
	m := manifest{Format: manifestFormat, Entries: entries}
	err = each(ctx, m.Entries, func(ctx context.Context, e *entry) error {
		ref, err := putFile(ctx, b, key+"/"+e.Path, folder, e.Path)
		if err == nil {
			e.Size, e.SHA256 = ref.Size, ref.SHA256
			err = e.place(ref.URI)
		}
		return err
	})
	if err != nil {
		return machine.Artifact{}, err
	}
	body, err := m.encode()
	if err != nil {
		return machine.Artifact{}, fmt.Errorf("cannot put %s: %w", manifestKey, err)
	}
	ref, err := b.Put(ctx, manifestKey, bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return machine.Artifact{}, err
	}
	uri, err := folderURI(ref.URI)
	return machine.Artifact{Ref: machine.Ref{URI: uri, Size: m.size(), SHA256: ref.SHA256}, Files: m.files()}, err
}

// place notes where the file lies: a URI has as many parts as its key.
func (e *entry) place(uri string) error {
	at := len(uri)
	for range strings.Count(e.Path, "/") + 1 {
		at = strings.LastIndexByte(uri[:at], '/')
		if at < 0 {
			return fmt.Errorf("cannot tell where %s lies: its URI is %s", e.Path, uri)
		}
	}
	if e.At = uri[at+1:]; e.At == e.Path {
		e.At = ""
	}
	return nil
}

// each does something with every file, several at a time, of the large ones one. The first failure
// ends the others.
func each(ctx context.Context, entries []entry, do func(ctx context.Context, e *entry) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	large := make(chan struct{}, 1)
	for i := range entries {
		e := &entries[i]
		if !e.file() {
			continue
		}
		if inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if e.Size > largeFile {
				select {
				case large <- struct{}{}:
					defer func() { <-large }()
				case <-inner.Done():
				}
			}
			if err := inner.Err(); err != nil {
				return err
			}
			return do(inner, e)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
