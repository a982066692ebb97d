package s3sync

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"weft/awsconf"
)

const (
	// gets is how many stretches of packs are read at one time.
	gets = 8
	// gap is how many bytes that nobody wants are read along rather than asked around, and stretch is
	// how many bytes one request asks for at most, but for a single file.
	gap     = 64 << 10
	stretch = 4 << 20
	// tries is how often a stretch is read whose bytes do not fit their hashes.
	tries = 3
)

// A Sink takes a file's bytes. What it was given counts only if it returns nil and so does body at
// the end of file: the bytes are proven by then. It may be called again for a file that came damaged.
type Sink func(f File, body io.Reader) error

// ErrGone tells that what a manifest names is no more: it is too old, and is read again.
var ErrGone = errors.New("a newer set has been published meanwhile")

// fetch reads files of a manifest, each content once per file, side by side.
func (p Place) fetch(ctx context.Context, m *Manifest, need []File, to Sink) error {
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(gets)
	for _, run := range runs(need) {
		reading.Go(func() error { return p.fetchRun(ctx, m, run, to) })
	}
	return reading.Wait()
}

// A piece is bytes of a pack, and the files that they are: copies have one place.
type piece struct {
	File
	copies []File
}

// runs cuts what is needed into stretches that one request each brings, in the order of packs.
func runs(need []File) (out [][]piece) {
	files := slices.Clone(need)
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Pack, b.Pack), cmp.Compare(a.At, b.At), cmp.Compare(a.Path, b.Path))
	})
	var begin, end int64
	for _, f := range files {
		if n := len(out); n > 0 && f.Size > 0 {
			last := &out[n-1][len(out[n-1])-1]
			switch {
			case last.Size == 0 || f.Pack != last.Pack:
			case f.At == last.At && f.SHA256 == last.SHA256 && f.Size < large:
				last.copies = append(last.copies, f)
				continue
			case f.At >= end && f.At-end <= gap && f.At+f.Size-begin <= stretch:
				out[n-1] = append(out[n-1], piece{File: f})
				end = f.At + f.Size
				continue
			}
		}
		out = append(out, []piece{{File: f}})
		begin, end = f.At, f.At+f.Size
	}
	return out
}

func (p Place) fetchRun(ctx context.Context, m *Manifest, run []piece, to Sink) error {
	if run[0].Size == 0 {
		return to(run[0].File, &proven{f: run[0].File, sum: sha256.New()})
	}
	var err error
	for range tries {
		if run, err = p.fetchOnce(ctx, m, run, to); !errors.Is(err, errDamaged) {
			break
		}
	}
	switch {
	case awsconf.FaultOf(err) == awsconf.NoObject:
		return ErrGone
	case err != nil && ctx.Err() == nil:
		return fmt.Errorf("cannot read %s from %s: %w", shownPath(run[0].Path), p.object(packsPath+m.Packs[run[0].Pack].Name), err)
	}
	return err
}

// fetchOnce reads a stretch, and returns what is left of it when that fails.
func (p Place) fetchOnce(ctx context.Context, m *Manifest, run []piece, to Sink) ([]piece, error) {
	first, last := run[0].At, run[len(run)-1]
	in, err := p.open(ctx, m.Packs[last.Pack], first, last.At+last.Size-first)
	if err != nil {
		return run, err
	}
	defer in.Close()
	at := first
	for i, f := range run {
		if _, err := io.CopyN(io.Discard, in, f.At-at); err != nil {
			return run[i:], err
		}
		if err := f.give(in, to); err != nil {
			return run[i:], err
		}
		at = f.At + f.Size
	}
	return nil, nil
}

func (f piece) give(in io.Reader, to Sink) error {
	body := &proven{in: in, f: f.File, sum: sha256.New(), left: f.Size}
	if len(f.copies) == 0 {
		return to(f.File, body)
	}
	held, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for _, g := range append([]File{f.File}, f.copies...) {
		if err := to(g, bytes.NewReader(held)); err != nil {
			return err
		}
	}
	return nil
}

// errDamaged tells of bytes that are not those that were published.
var errDamaged = &awsconf.Error{Fault: awsconf.Damaged, Text: "the bytes that came do not fit their hash"}

// proven ends only if what came fits its hash.
type proven struct {
	in   io.Reader
	f    File
	left int64
	sum  interface {
		io.Writer
		Sum([]byte) []byte
	}
}

// Read implements io.Reader.
func (b *proven) Read(p []byte) (int, error) {
	if b.left == 0 {
		if hex.EncodeToString(b.sum.Sum(nil)) != b.f.SHA256 {
			return 0, errDamaged
		}
		return 0, io.EOF
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	_, _ = b.sum.Write(p[:n])
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if b.left > 0 && n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}
