package handoff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"weft/awsconf"
	"weft/machine"
)

// Open opens a value to be streamed. The reader gives no end of file, but an error, if the bytes
// are not those that were put: what was read before must then not be used.
func Open(ctx context.Context, b Backend, ref machine.Ref) (io.ReadCloser, error) {
	rc, err := b.Fetch(ctx, ref.URI)
	if err != nil {
		return nil, err
	}
	return &checked{rc: rc, sum: sha256.New(), ref: ref}, nil
}

// Get reads a value whole. One larger than max bytes is an error, found before anything is read.
func Get(ctx context.Context, b Backend, ref machine.Ref, max int64) ([]byte, error) {
	if ref.Size > max {
		return nil, fmt.Errorf("cannot read %s: it has %d bytes, at most %d are read", ref.URI, ref.Size, max)
	}
	rc, err := Open(ctx, b, ref)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var buf bytes.Buffer
	buf.Grow(int(ref.Size) + bytes.MinRead)
	if _, err := buf.ReadFrom(rc); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// checked compares what passes with a Ref.
type checked struct {
	rc  io.ReadCloser
	sum hash.Hash
	n   int64
	ref machine.Ref
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.rc.Read(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	if c.n > c.ref.Size || errors.Is(err, io.EOF) {
		if differs := c.end(); differs != nil {
			return 0, differs
		}
	}
	return n, err
}

// end compares, once all has passed.
func (c *checked) end() error {
	switch {
	case c.n > c.ref.Size:
		return fmt.Errorf("cannot read %s: it is longer than the %d bytes that were put there", c.ref.URI, c.ref.Size)
	case c.n < c.ref.Size:
		return fmt.Errorf("cannot read %s: it ends after %d of %d bytes", c.ref.URI, c.n, c.ref.Size)
	case hex.EncodeToString(c.sum.Sum(nil)) != c.ref.SHA256:
		return fmt.Errorf("cannot read %s: its bytes are not those that were put there (SHA-256 differs)", c.ref.URI)
	}
	return nil
}

// A fileWriter is what Fetch may give that writes a new file better than a copy of its stream would. also
// is given all bytes in their order.
type fileWriter interface {
	Length() int64 // in bytes, known before any has come
	WriteFile(f awsconf.File, also io.Writer) (int64, error)
}

// intoFile writes all into a new file, if the backend has a way of its own for that.
func (c *checked) intoFile(f *os.File) (done bool, err error) {
	w, ok := c.rc.(fileWriter)
	if !ok {
		return false, nil
	}
	if c.n = w.Length(); c.n != c.ref.Size {
		return true, c.end()
	}
	if c.n, err = w.WriteFile(f, c.sum); err == nil {
		err = c.end()
	}
	return true, err
}

func (c *checked) Close() error { return c.rc.Close() }

// tally counts and sums what a backend writes, and ends the copy when ctx does.
type tally struct {
	ctx context.Context
	r   io.Reader
	sum hash.Hash
	n   int64
}

func newTally(ctx context.Context, r io.Reader) *tally {
	return &tally{ctx: ctx, r: r, sum: sha256.New()}
}

func (t *tally) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.r.Read(p)
	t.n += int64(n)
	t.sum.Write(p[:n])
	return n, err
}

func (t *tally) ref(uri string) machine.Ref {
	return machine.Ref{URI: uri, Size: t.n, SHA256: hex.EncodeToString(t.sum.Sum(nil))}
}
