package s3sync

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weft/awsconf"
)

// listings is how often a prefix is listed that others change, before that is given up.
const listings = 5

// ErrRestless tells of a prefix that was changed each time it was looked at.
var ErrRestless = errors.New("it changes all the time")

// ErrNothing tells of a prefix with no file: an answer by which nothing is replaced.
var ErrNothing = errors.New("there is no file")

// An object is one that a listing showed, and the file that it is.
type object struct {
	File
	Tag string `json:"tag"`
}

// gathering puts a set together from listings, for prefixes that no weft has published to.
type gathering struct {
	place  Place
	dir    string        // where bytes are kept until they have their place
	settle time.Duration // between two listings that must be equal
	known  func(path, tag string, size int64) (File, bool)
}

// tidy keeps of a listing what can be files of a folder; of the rest it tells.
func tidy(all []listed) (out []listed, left []Note) {
	var paths []string
	for _, o := range files(all) {
		if hiddenPath(o.path) {
			continue
		}
		if bad := badPath(o.path); bad != "" {
			left = append(left, Note{o.path, bad})
			continue
		}
		out, paths = append(out, o), append(paths, o.path)
	}
	slices.Sort(paths)
	bad := map[string]bool{}
	for _, n := range twins(paths) {
		bad[n.Path] = true
		left = append(left, n)
	}
	return slices.DeleteFunc(out, func(o listed) bool { return bad[o.path] }), left
}

// hiddenPath tells whether a part of a path begins with a dot, and so is no file of a set unless
// somebody's rules say so: a listing knows no rules.
func hiddenPath(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".." && part != IgnoreFile {
			return true
		}
	}
	return false
}

// gather lists, reads what is not known, and lists again until two listings are equal. unchanged is
// set if the first one is all known, which spares the second.
func (g gathering) gather(ctx context.Context) (objects []object, left []Note, err error) {
	all, err := g.place.list(ctx, "")
	for range listings {
		if err != nil {
			return nil, nil, err
		}
		var found []listed
		if found, left = tidy(all); len(found) == 0 {
			return nil, nil, fmt.Errorf("cannot read %s: %w", g.place, ErrNothing)
		}
		fresh := 0
		objects, fresh, err = g.read(ctx, found)
		moved := errors.Is(err, errMoved)
		if err != nil && !moved {
			return nil, nil, err
		}
		if fresh == 0 && !moved {
			return objects, left, nil
		}
		select {
		case <-time.After(g.settle):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		again, err := g.place.list(ctx, "")
		if err == nil && !moved && sameListing(all, again) {
			return objects, left, nil
		}
		all = again
		if err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("cannot read %s: %w", g.place, ErrRestless)
}

func sameListing(a, b []listed) bool {
	return slices.EqualFunc(a, b, func(x, y listed) bool { return x.path == y.path && x.tag == y.tag && x.size == y.size })
}

// errMoved tells of an object that is not the listed one.
var errMoved = errors.New("it is another than was listed")

func (g gathering) read(ctx context.Context, found []listed) (objects []object, fresh int, err error) {
	objects = make([]object, len(found))
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(gets)
	for i, o := range found {
		if f, ok := g.known(o.path, o.tag, o.size); ok {
			objects[i] = object{f, o.tag}
			continue
		}
		fresh++
		reading.Go(func() (err error) {
			objects[i], err = g.one(ctx, o)
			return err
		})
	}
	err = reading.Wait()
	slices.SortFunc(objects, func(a, b object) int { return strings.Compare(a.Path, b.Path) })
	return objects, fresh, err
}

// one reads an object into the folder, named by its hash.
func (g gathering) one(ctx context.Context, o listed) (object, error) {
	from := g.place.object(o.path)
	d, err := g.place.session.Open(ctx, from)
	if f := awsconf.FaultOf(err); f == awsconf.NoObject || f == awsconf.Changed {
		return object{}, errMoved
	}
	if err != nil {
		return object{}, fmt.Errorf("cannot read %s: %w", from, err)
	}
	defer d.Close()
	if d.ETag != o.tag && !strings.HasPrefix(o.tag, untagged) || d.Size != o.size {
		return object{}, errMoved
	}
	tmp, err := os.CreateTemp(g.dir, "object-")
	if err != nil {
		return object{}, err
	}
	defer tmp.Close()
	in, sum := bufio.NewReaderSize(d, 256<<10), sha256.New()
	mark, _ := in.Peek(2) // a shorter one is no script
	_, err = io.Copy(io.MultiWriter(tmp, sum), in)
	if awsconf.FaultOf(err) == awsconf.Changed {
		return object{}, errMoved
	}
	if err != nil {
		return object{}, fmt.Errorf("cannot read %s: %w", from, err)
	}
	f := File{Path: o.path, Size: o.size, SHA256: hex.EncodeToString(sum.Sum(nil)), Exec: string(mark) == "#!"}
	if err := os.Rename(tmp.Name(), filepath.Join(g.dir, f.SHA256)); err != nil {
		return object{}, err
	}
	return object{f, o.tag}, nil
}

// get hands out what was read.
func (g gathering) get(ctx context.Context, need []File, to Sink) error {
	for _, f := range need {
		if err := ctx.Err(); err != nil {
			return err
		}
		in, err := os.Open(filepath.Join(g.dir, f.SHA256))
		if err != nil {
			return err
		}
		err = to(f, in)
		_ = in.Close() // it was read
		if err != nil {
			return err
		}
	}
	return nil
}

// stillNone is an error if a manifest has come while listings were read: they may show half of its
// mirror.
func (p Place) stillNone(ctx context.Context) error {
	switch _, err := p.Manifest(ctx, ""); {
	case errors.Is(err, ErrNoManifest):
		return nil
	case err == nil:
		return ErrGone
	default:
		return err
	}
}
