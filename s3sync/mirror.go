package s3sync

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"weft/awsconf"
)

const (
	// puts is how many objects are written at one time.
	puts = 16
	// claims is how often a mirror is claimed that others write too.
	claims = 5
	// mostCopied is how much S3 copies by one call.
	mostCopied = 5 << 30
)

// mirroring gives each file its own object. Two publishers may be at it at once: the one whose
// manifest is in force claims the mirror, and who finds at its end that the mirror was claimed
// meanwhile makes good what it has written itself.
type mirroring struct {
	*Plan
	root *os.Root
	m    *Manifest
	full bool // compare with a listing: what is there is not known
	late bool // another's manifest is in force already: the mirror is left to that

	state   mirrorState
	put     []File
	drop    []string
	written atomic.Int64
	removed int
}

func (w *mirroring) run(ctx context.Context) error {
	w.state = w.mirror
	if err := w.claim(ctx); err != nil || w.late {
		return err
	}
	if err := w.choose(ctx); err != nil {
		return err
	}
	// S3 does not mind a key that is the beginning of another's path; servers that keep folders do.
	first, later := inWay(w.drop, pathsOf(w.put))
	if err := w.remove(ctx, first); err != nil {
		return err
	}
	if err := w.write(ctx, w.put, w.body); err != nil {
		return err
	}
	if err := w.remove(ctx, later); err != nil {
		return err
	}
	err := w.say(ctx, true)
	if conflicts(err) {
		return w.overtaken(ctx)
	}
	return err
}

func (w *mirroring) remove(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	err := w.place.remove(ctx, paths)
	if err == nil {
		w.removed += len(paths)
	}
	return err
}

// claim writes that the mirror is being given this manifest. A claim of another's, perhaps a dead one's,
// is taken over.
func (w *mirroring) claim(ctx context.Context) error {
	for range claims {
		err := w.say(ctx, false)
		if !conflicts(err) {
			return err
		}
		w.full, w.first = true, nil
		now, err := w.place.Manifest(ctx, "")
		if err != nil {
			return err
		}
		if w.late = now.ID != w.m.ID; w.late {
			return nil
		}
		if w.state, err = w.place.mirror(ctx); err != nil {
			return err
		}
	}
	return errors.New("others write it all the time")
}

// say writes the state of the mirror, if it is the one that is known.
func (w *mirroring) say(ctx context.Context, whole bool) error {
	s := mirrorState{Format: format, ID: w.m.ID, Whole: whole, By: w.by, At: w.now().UTC().Truncate(time.Millisecond)}
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tag, err := w.place.replace(ctx, mirrorPath, body, w.state.tag)
	if err == nil {
		w.state.tag = tag
	} else if !conflicts(err) {
		err = fmt.Errorf("cannot write %s: %w", w.place.object(mirrorPath), err)
	}
	return err
}

// choose decides which objects are written and which go.
func (w *mirroring) choose(ctx context.Context) error {
	w.drop = slices.Clone(w.m.Removing)
	if !w.full {
		for _, path := range slices.Concat(w.Added, w.Changed) {
			f, _ := w.m.file(path)
			w.put = append(w.put, f)
		}
		return nil
	}
	there := w.first
	if there == nil {
		all, err := w.place.list(ctx, "")
		if err != nil {
			return err
		}
		there = files(all)
	}
	known := map[string]listed{}
	for _, o := range there {
		known[o.path] = o
	}
	for _, f := range w.m.Files {
		o, have := known[f.Path]
		if have && o.size == f.Size && w.shows(f, o.tag) {
			continue
		}
		w.put = append(w.put, f)
	}
	w.drop = slices.DeleteFunc(w.drop, func(path string) bool { _, have := known[path]; return !have })
	return nil
}

// shows tells whether an object's ETag is the MD5 of the file, as it is for what one call has written
// without a key of KMS. Any other tag says nothing, and the file is written again.
func (w *mirroring) shows(f File, tag string) bool {
	if len(tag) != 2*md5.Size || f.Size > large {
		return false
	}
	body, err := whole(w.root, f)
	sum := md5.Sum(body)
	return err == nil && hex.EncodeToString(sum[:]) == tag
}

// body reads a file of the folder.
func (w *mirroring) body(_ context.Context, f File) ([]byte, error) {
	if mine, ours := find(w.tree.Files, f.Path); !ours || mine.SHA256 != f.SHA256 { // kept, though the folder has it no more
		return nil, changedError{f.Path}
	}
	return whole(w.root, f)
}

// write puts files, a few at a time. A body that cannot be read from the folder comes from its pack.
func (w *mirroring) write(ctx context.Context, files []File, body func(context.Context, File) ([]byte, error)) error {
	writing, ctx := errgroup.WithContext(ctx)
	writing.SetLimit(puts)
	for _, f := range files {
		writing.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := w.one(ctx, f, body)
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("cannot write %s: %w", w.place.object(f.Path), err)
			}
			w.written.Add(1)
			return err
		})
	}
	return writing.Wait()
}

func (w *mirroring) one(ctx context.Context, f File, body func(context.Context, File) ([]byte, error)) error {
	if f.Size >= large && f.Size <= mostCopied && f.At == 0 && w.m.Packs[f.Pack].Size == f.Size {
		return w.copy(ctx, f)
	}
	sum, err := hex.DecodeString(f.SHA256)
	if err != nil {
		return err
	}
	u := awsconf.Upload{To: w.place.object(f.Path), Size: f.Size, SHA256: sum}
	if f.Size > large {
		in, err := w.place.open(ctx, w.m.Packs[f.Pack], f.At, f.Size)
		if err != nil {
			return err
		}
		defer in.Close()
		u.Body = in
		_, err = w.place.session.Upload(ctx, u)
		return err
	}
	src, err := body(ctx, f)
	if errors.As(err, new(changedError)) {
		src, err = w.packed(ctx, f)
	}
	if err != nil {
		return err
	}
	u.Body = bytes.NewReader(src)
	_, err = w.place.session.Upload(ctx, u)
	return err
}

// packed reads a file from where the manifest says it lies.
func (w *mirroring) packed(ctx context.Context, f File) ([]byte, error) {
	if f.Size == 0 {
		return nil, nil
	}
	in, err := w.place.open(ctx, w.m.Packs[f.Pack], f.At, f.Size)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// copy has S3 make the mirror's object of the pack.
func (w *mirroring) copy(ctx context.Context, f File) error {
	from, to := w.place.object(packsPath+w.m.Packs[f.Pack].Name), w.place.object(f.Path)
	_, err := w.place.session.S3().CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &to.Bucket, Key: &to.Key, CopySource: aws.String(from.Bucket + "/" + (&url.URL{Path: from.Key}).EscapedPath()),
	})
	return awsconf.Explain(err)
}

// overtaken makes good what this publisher has written over another's mirror: each path that it has
// touched shows what the manifest in force says. Whoever overtakes this one does the same.
func (w *mirroring) overtaken(ctx context.Context) error {
	touched := append(pathsOf(w.put), w.drop...)
	for range claims {
		now, err := w.place.Manifest(ctx, "")
		if err != nil {
			return err
		}
		was := w.m
		if was.ID == now.ID {
			return nil
		}
		w.m = now.Manifest
		var put []File
		var drop []string
		for _, path := range touched {
			old, had := was.file(path)
			f, stays := w.m.file(path)
			switch {
			case !stays && had:
				drop = append(drop, path)
			case stays && !(had && old.SHA256 == f.SHA256):
				put = append(put, f)
			}
		}
		if err := w.write(ctx, put, w.packed); err != nil {
			return err
		}
		if err := w.remove(ctx, drop); err != nil {
			return err
		}
	}
	return cmp.Or(ctx.Err(), errors.New("others publish all the time"))
}
