package awsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// resumes is how often in a row, with no byte between, a broken body is taken up again.
const resumes = 5

// A Download is an object being read. A connection that breaks or stalls is taken up where it was,
// of the same version of the object. The end of file comes only after all bytes, and only if they
// fit the checksum that S3 keeps of the whole, if it keeps one; until then nothing read is certain.
type Download struct {
	Info
	ctx     context.Context
	session *Session
	from    Object
	first   int64 // byte of the object at which this begins
	body    io.ReadCloser
	stop    context.CancelFunc // of the connection in use
	watch   *time.Timer
	at      int64 // bytes read
	broken  int   // times in a row
	sum     *checksum
	ahead   *ahead // nil: one connection is enough

	// untouched is set while an object could still come by several connections: nothing of it has been read.
	untouched bool
}

// Open starts to read an object; a large one by several connections, if the program has room for it.
func (s *Session) Open(ctx context.Context, o Object) (*Download, error) {
	return s.OpenNew(ctx, o, "")
}

// OpenNew starts to read an object unless it is the one with this ETag: then the error is Unchanged.
func (s *Session) OpenNew(ctx context.Context, o Object, known string) (*Download, error) {
	d := &Download{ctx: ctx, session: s, from: o}
	d, err := d.open(&s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, ChecksumMode: types.ChecksumModeEnabled, IfNoneMatch: quoted(known)})
	if err == nil {
		d.untouched = true
	}
	return d, err
}

// OpenPart starts to read n bytes, at least one, of an object from the one at first on. Size is n
// then. What checksum S3 has of the object says nothing of a part.
func (s *Session) OpenPart(ctx context.Context, o Object, first, n int64) (*Download, error) {
	d := &Download{ctx: ctx, session: s, from: o, first: first}
	d, err := d.open(&s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", first, first+n-1))})
	if err != nil {
		return nil, err
	}
	d.sum = &checksum{}
	if d.Size != n {
		_ = d.Close()
		return nil, &Error{Fault: Damaged, Text: fmt.Sprintf("%d of the %d bytes came that were asked for", d.Size, n)}
	}
	return d, nil
}

func (d *Download) open(in *s3.GetObjectInput) (*Download, error) {
	out, err := d.connect(in)
	if err != nil {
		return nil, d.session.nameRegion(d.ctx, d.from.Bucket, err)
	}
	if out.ETag == nil && out.LastModified == nil {
		_ = d.Close() // it is of no use
		return nil, notS3()
	}
	if out.ContentLength == nil {
		_ = d.Close()
		return nil, &Error{Fault: Other, Text: "the answer does not say how long the object is"}
	}
	d.Info = Info{
		Size: aws.ToInt64(out.ContentLength), ETag: bareTag(out.ETag), Modified: aws.ToTime(out.LastModified),
		ContentType: aws.ToString(out.ContentType), SHA256: sumOf(out.Metadata), Metadata: out.Metadata,
	}
	d.sum = checksumOf(out)
	return d, nil
}

func (d *Download) connect(in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	ctx, stop := context.WithCancel(d.ctx)
	out, err := d.session.S3().GetObject(ctx, in)
	if err != nil {
		stop()
		return nil, Explain(err)
	}
	d.body, d.stop, d.watch = out.Body, stop, time.AfterFunc(d.session.stall, stop)
	d.watch.Stop()
	return out, nil
}

// Read implements io.Reader.
func (d *Download) Read(p []byte) (int, error) {
	if d.untouched {
		d.readAhead()
	}
	if d.ahead != nil {
		n, err := d.ahead.read(d.ctx, p)
		d.at += int64(n)
		d.sum.Write(p[:n])
		if errors.Is(err, io.EOF) {
			err = d.sum.end()
		}
		return n, err
	}
	for {
		d.watch.Reset(d.session.stall)
		n, err := d.body.Read(p)
		d.watch.Stop()
		d.at += int64(n)
		d.sum.Write(p[:n])
		if n > 0 {
			d.broken = 0
		}
		switch {
		case d.at > d.Size:
			return n, &Error{Fault: Damaged, Text: fmt.Sprintf("more than its %d bytes came", d.Size)}
		case err == nil:
			return n, nil
		case d.ctx.Err() != nil:
			return n, d.ctx.Err()
		case d.at == d.Size && errors.Is(err, io.EOF):
			return n, d.sum.end()
		case d.at == d.Size: // the SDK's own check
			return n, Explain(err)
		}
		if err := d.resume(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// WriteTo implements io.WriterTo: parts that are held are written as they are.
func (d *Download) WriteTo(w io.Writer) (written int64, err error) {
	if d.untouched {
		d.readAhead()
	}
	if d.ahead == nil {
		return io.CopyBuffer(w, readerOnly{d}, make([]byte, 128<<10))
	}
	for {
		p, err := d.ahead.next(d.ctx)
		if errors.Is(err, io.EOF) {
			if err = d.sum.end(); errors.Is(err, io.EOF) {
				err = nil
			}
			return written, err
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(p)
		written += int64(n)
		d.at += int64(n)
		d.sum.Write(p[:n])
		if err != nil {
			return written, err
		}
	}
}

// readerOnly hides WriteTo.
type readerOnly struct{ io.Reader }

// resume opens a new connection from the first byte that is missing.
func (d *Download) resume(why error) error {
	d.broken++
	if d.broken > resumes || d.ETag == "" { // without a tag nobody knows that it is the same version
		return &Error{Fault: Unreached, Text: fmt.Sprintf("the connection broke after %d of %d bytes", d.at, d.Size), cause: why}
	}
	_ = d.Close() // it is broken
	out, err := d.connect(&s3.GetObjectInput{
		Bucket: &d.from.Bucket, Key: &d.from.Key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", d.first+d.at, d.first+d.Size-1)), IfMatch: quoted(d.ETag),
	})
	if f := FaultOf(err); f == Exists || f == NoObject {
		return &Error{Fault: Changed, Text: "it changed while it was read", cause: err}
	}
	if err != nil {
		return err
	}
	// Not every server minds the conditions of the request.
	if out.ETag != nil && bareTag(out.ETag) != d.ETag {
		return &Error{Fault: Changed, Text: "it changed while it was read"}
	}
	if rest, ok := strings.CutPrefix(aws.ToString(out.ContentRange), "bytes "); ok && !strings.HasPrefix(rest, fmt.Sprintf("%d-", d.first+d.at)) {
		return &Error{Fault: Damaged, Text: "another part of it came than was asked for"}
	}
	return nil
}

// detach is the connection in use as a download of its own, which ends with ctx. Nobody else has it
// from then on.
func (d *Download) detach(ctx context.Context) *Download {
	head := &Download{Info: d.Info, ctx: ctx, session: d.session, from: d.from, body: d.body, stop: d.stop, watch: d.watch, sum: &checksum{}}
	context.AfterFunc(ctx, d.stop)
	d.body = nil
	return head
}

// Close gives up the connection.
func (d *Download) Close() error {
	switch {
	case d.ahead != nil:
		d.ahead.close()
		return nil
	case d.body == nil: // it was detached
		return nil
	}
	d.watch.Stop()
	d.stop()
	return d.body.Close()
}
