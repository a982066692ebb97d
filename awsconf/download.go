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
	body    io.ReadCloser
	stop    context.CancelFunc // of the connection in use
	watch   *time.Timer
	at      int64 // bytes read
	broken  int   // times in a row
	sum     *checksum
}

// Open starts to read an object.
func (s *Session) Open(ctx context.Context, o Object) (*Download, error) {
	d := &Download{ctx: ctx, session: s, from: o}
	out, err := d.connect(&s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return nil, s.nameRegion(ctx, o.Bucket, err)
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

// resume opens a new connection from the first byte that is missing.
func (d *Download) resume(why error) error {
	d.broken++
	if d.broken > resumes || d.ETag == "" { // without a tag nobody knows that it is the same version
		return &Error{Fault: Unreached, Text: fmt.Sprintf("the connection broke after %d of %d bytes", d.at, d.Size), cause: why}
	}
	_ = d.Close() // it is broken
	out, err := d.connect(&s3.GetObjectInput{
		Bucket: &d.from.Bucket, Key: &d.from.Key, Range: aws.String(fmt.Sprintf("bytes=%d-", d.at)), IfMatch: aws.String(`"` + d.ETag + `"`),
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
	if rest, ok := strings.CutPrefix(aws.ToString(out.ContentRange), "bytes "); ok && !strings.HasPrefix(rest, fmt.Sprintf("%d-", d.at)) {
		return &Error{Fault: Damaged, Text: "another part of it came than was asked for"}
	}
	return nil
}

// Close gives up the connection.
func (d *Download) Close() error {
	d.watch.Stop()
	d.stop()
	return d.body.Close()
}
