package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"weft/handoff"
	"weft/s3sync"
)

// Sets of DAGs lie in the handoff too, for workers: a run keeps its version, and by the time that another machine is at one of
// its tasks the bucket may have a newer one. A set is one value under its hash: the list of its files as JSON on one line, then
// their bytes in that order.

func bundleKey(set string) string { return "bundles/" + set }

// mostBundleList is how long the list may be.
const mostBundleList = 64 << 20

// keepBundle puts a set into the handoff, unless it is there. dir is its bundle, files what that holds.
func keepBundle(ctx context.Context, b handoff.Backend, place, dir string, files []s3sync.File) error {
	set := s3sync.SetOf(files)
	uri, err := handoff.URIOf(place, bundleKey(set))
	if err != nil {
		return err
	}
	if rc, err := b.Fetch(ctx, uri); err == nil {
		return rc.Close()
	} else if !handoff.Absent(err) {
		return err
	}
	list, err := json.Marshal(files)
	if err != nil {
		return err
	}
	size := int64(len(list)) + 1
	for _, f := range files {
		size += f.Size
	}
	body := &filesReader{dir: dir, files: files}
	defer body.close()
	_, err = b.Put(ctx, bundleKey(set), io.MultiReader(bytes.NewReader(append(list, '\n')), body), size)
	return err
}

// filesReader gives the bytes of files, one after the other.
type filesReader struct {
	dir   string
	files []s3sync.File
	now   *os.File
}

func (r *filesReader) Read(p []byte) (int, error) {
	for {
		if r.now == nil {
			if len(r.files) == 0 {
				return 0, io.EOF
			}
			f, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(r.files[0].Path)))
			if err != nil {
				return 0, err
			}
			r.now, r.files = f, r.files[1:]
		}
		n, err := r.now.Read(p)
		if errors.Is(err, io.EOF) {
			r.close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *filesReader) close() {
	if r.now != nil {
		_ = r.now.Close() // it was read
		r.now = nil
	}
}

// fetchBundle makes the bundle of a set that lies in the handoff.
func fetchBundle(ctx context.Context, b handoff.Backend, place string, to s3sync.Bundles, set string) error {
	uri, err := handoff.URIOf(place, bundleKey(set))
	if err != nil {
		return err
	}
	rc, err := b.Fetch(ctx, uri)
	switch {
	case handoff.Absent(err):
		return fmt.Errorf("it is not in the handoff %s", place)
	case err != nil:
		return err
	}
	defer rc.Close()
	in := bufio.NewReaderSize(rc, 256<<10)
	var files []s3sync.File
	if err := json.NewDecoder(&lineReader{in: in, left: mostBundleList}).Decode(&files); err != nil || s3sync.SetOf(files) != set {
		return fmt.Errorf("cannot use %s: it is not the set that its name says", uri)
	}
	return to.Make(ctx, files, nil, func(_ context.Context, need []s3sync.File, sink s3sync.Sink) error {
		if len(need) != len(files) {
			return errors.New("cannot read a part of a set")
		}
		for _, f := range need {
			body := &summedFile{in: io.LimitReader(in, f.Size), sum: sha256.New(), want: f.SHA256}
			if err := sink(f, body); err != nil {
				return fmt.Errorf("cannot read %s from %s: %w", f.Path, uri, err)
			}
		}
		return nil
	})
}

// lineReader gives one line.
type lineReader struct {
	in   *bufio.Reader
	left int
	over bool
}

func (r *lineReader) Read(p []byte) (int, error) {
	n := 0
	for ; n < len(p) && !r.over && r.left > 0; r.left-- {
		c, err := r.in.ReadByte()
		if err != nil {
			return n, err
		}
		if r.over = c == '\n'; r.over {
			break
		}
		p[n] = c
		n++
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// summedFile ends only if what came is what it should be.
type summedFile struct {
	in  io.Reader
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
	want string
}

func (s *summedFile) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	_, _ = s.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(s.sum.Sum(nil)) != s.want {
		return n, errors.New("the bytes that came do not fit their hash")
	}
	return n, err
}
