package handoff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"weft/awsconf"
	"weft/machine"
)

// bucket keeps values as objects below one prefix, named by their keys as they are. Credentials and
// endpoint are those of weft itself, not of the tasks whose values it keeps.
type bucket struct{ at awsconf.Object } // Key is "" or ends in "/"

var _ Backend = bucket{}

// plainPath is what the prefix may be: what is the same written raw and in a URI.
var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(/[A-Za-z0-9_.=@:+,!-]+)*/?$`) })

func openS3(u *url.URL) (Backend, error) {
	switch {
	case u.Host == "" || u.Opaque != "" || u.User != nil:
		return nil, errors.New("it must name a bucket: s3://bucket/prefix")
	case u.RawQuery != "" || u.Fragment != "" || !plainPath().MatchString(u.Path):
		return nil, errors.New("its prefix may only have letters, digits and _ . = @ : + , ! - between single slashes")
	}
	at, err := awsconf.ParseURI("s3://" + u.Host + u.Path)
	if err != nil {
		return nil, err
	}
	if at.Key != "" && !strings.HasSuffix(at.Key, "/") {
		at.Key += "/"
	}
	return bucket{at}, nil
}

// Put implements Backend. S3 shows an object whole or not at all, durable when it answers. What
// exists is replaced without a condition: an attempt that a crash ended is carried out again under
// the same key. The object carries its SHA-256 where that can be known before it is sent: of
// a file, and of what fits into memory. Other streams are summed on their way; the Ref has it always.
func (b bucket) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	ref, err := b.put(ctx, key, r, size)
	if err != nil {
		return machine.Ref{}, fmt.Errorf("cannot put %s into %s: %w", key, b.at, err)
	}
	return ref, nil
}

func (b bucket) put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	to := awsconf.Object{Bucket: b.at.Bucket, Key: b.at.Key + key}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" {
			return machine.Ref{}, errors.New("a key has no empty part")
		}
	}
	if _, err := awsconf.ParseURI(to.String()); err != nil {
		return machine.Ref{}, err
	}
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return machine.Ref{}, err
	}
	first, r, err := sumFirst(ctx, r, size)
	if err != nil {
		return machine.Ref{}, err
	}
	if first == nil {
		in := newTally(ctx, r)
		if _, err := s.Upload(ctx, awsconf.Upload{To: to, Body: in, Size: size}); err != nil {
			return machine.Ref{}, err
		}
		return in.ref(to.String()), nil
	}
	_, err = s.Upload(ctx, awsconf.Upload{To: to, Body: &again{ctx: ctx, r: r, want: first.crc}, Size: size, SHA256: first.sum.Sum(nil)})
	return first.ref(to.String()), err
}

// sumFirst sums up what r gives, and returns a reader that gives it (again). It returns nil
// where r can be read once and is too large to hold.
func sumFirst(ctx context.Context, r io.Reader, size int64) (*summed, io.Reader, error) {
	in := &summed{tally: newTally(ctx, r)}
	if seeker, ok := r.(io.ReadSeeker); ok {
		start, err := seeker.Seek(0, io.SeekCurrent)
		if err == nil { // a pipe is a file too, and cannot seek
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, in, make([]byte, 256<<10)); err != nil {
				return nil, nil, err
			}
			if size >= 0 && in.n != size {
				return nil, nil, fmt.Errorf("%d bytes were announced, %d came", size, in.n)
			}
			_, err = seeker.Seek(start, io.SeekStart)
			return in, r, err
		}
	}
	if size < 0 || size > awsconf.PartSize {
		return nil, r, nil
	}
	held, err := io.ReadAll(io.LimitReader(in, size+1)) // one more than announced is noticed by Upload
	return in, bytes.NewReader(held), err
}

// summed is a tally that knows the CRC-32 too.
type summed struct {
	*tally
	crc uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.tally.Read(p)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p[:n])
	return n, err
}

// again reads what was summed up a second time, and ends in an error if it is something else by then: the
// upload ends before there is an object. A CRC-32 costs a thirtieth of a SHA-256, and is enough for what
// happens by chance; whoever reads the object holds it to its SHA-256.
type again struct {
	ctx  context.Context
	r    io.Reader
	want uint32
	crc  uint32
}

func (a *again) Read(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.r.Read(p)
	a.crc = crc32.Update(a.crc, crc32.IEEETable, p[:n])
	if errors.Is(err, io.EOF) && a.crc != a.want {
		err = errors.New("the file changed while it was read")
	}
	return n, err
}

// Fetch implements Backend. If the object says of itself that it is another than was put, that is
// left to Open and Get, which compare the bytes.
func (b bucket) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	rc, err := b.fetch(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", uri, err)
	}
	return rc, nil
}

func (b bucket) fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	from, err := awsconf.ParseURI(uri)
	if err != nil {
		return nil, errors.New("it is no URI of an object")
	}
	key, below := strings.CutPrefix(from.Key, b.at.Key)
	if from.Bucket != b.at.Bucket || !below || key == "" {
		return nil, fmt.Errorf("%w %s", ErrOutside, b.at)
	}
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	return named{d, uri}, nil
}

// named says in its errors what was read.
type named struct {
	*awsconf.Download
	uri string
}

func (n named) Read(p []byte) (int, error) {
	got, err := n.Download.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("cannot read %s: %w", n.uri, err)
	}
	return got, err
}

// Length implements fileWriter.
func (n named) Length() int64 { return n.Size }

// WriteFile implements fileWriter.
func (n named) WriteFile(f awsconf.File, also io.Writer) (int64, error) {
	got, err := n.Download.WriteFile(f, also)
	if of := (*fs.PathError)(nil); err != nil && !errors.As(err, &of) { // the file names itself
		err = fmt.Errorf("cannot read %s: %w", n.uri, err)
	}
	return got, err
}

// WriteTo would pass by the name.
func (n named) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{n}) }
