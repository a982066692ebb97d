package awsconf

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// PartSize is what is held of an upload at one time, for each part in flight. What fits into
	// one part is written by one call.
	PartSize = 8 << 20
	maxParts = 10_000 // S3's limit
)

// An Upload is an object to be written. It appears whole or not at all.
type Upload struct {
	To          Object
	Body        io.Reader
	Size        int64 // in bytes; -1 = not known. Any other number than what comes is an error
	ContentType string
	// OnlyNew makes it an error (Exists) if something is there.
	OnlyNew bool
	// IfTag, without quotes, makes it an error (Exists; NoObject if nothing is there) unless the object
	// to be replaced has this ETag. S3 decides it at the moment of the write.
	IfTag string
	// SHA256 of the body, if it is known, is checked by S3 where it can and kept with the object.
	SHA256   []byte
	Metadata map[string]string
}

// A Written is what an upload has left.
type Written struct {
	ETag string // without quotes
	Size int64
}

// Upload writes an object, streamed: a few parts are in memory, never the whole.
func (s *Session) Upload(ctx context.Context, u Upload) (Written, error) {
	if u.SHA256 != nil {
		metadata := map[string]string{sumKey: hex.EncodeToString(u.SHA256)}
		for k, v := range u.Metadata {
			metadata[k] = v
		}
		u.Metadata = metadata
	}
	room := partSize(u.Size)
	if u.Size >= 0 {
		room = min(room, u.Size+1)
	}
	first := make([]byte, room)
	n, err := fill(u.Body, first)
	whole := errors.Is(err, io.EOF)
	switch {
	case err != nil && !whole:
		return Written{}, err
	case u.Size >= 0 && (whole && int64(n) != u.Size || int64(n) > u.Size):
		return Written{}, wrongSize(u.Size, int64(n))
	case whole:
		return s.putWhole(ctx, u, first[:n])
	}
	return s.putParts(ctx, u, first)
}

// partSize grows with the object so that its parts stay within S3's number of them.
func partSize(size int64) int64 {
	return max(PartSize, (size+maxParts-1)/maxParts)
}

// fill reads until buf is full, or to the end of r: then the error is io.EOF, with what was read. It
// is not io.ReadFull, which takes a source that breaks off (io.ErrUnexpectedEOF) for its end.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = r.Read(buf[n:])
		n += more
	}
	if n == len(buf) {
		err = nil // what else there is to say is said again by the next call
	}
	return n, err
}

func wrongSize(announced, came int64) error {
	return fmt.Errorf("%d bytes were announced, %d came", announced, came)
}

func (s *Session) putWhole(ctx context.Context, u Upload, body []byte) (Written, error) {
	if w, ok := s.putLean(ctx, u, body); ok {
		return w, nil
	}
	in := &s3.PutObjectInput{
		Bucket: &u.To.Bucket, Key: &u.To.Key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ContentType: optional(u.ContentType), Metadata: u.Metadata,
	}
	if u.OnlyNew {
		in.IfNoneMatch = aws.String("*")
	}
	in.IfMatch = quoted(u.IfTag)
	if u.SHA256 != nil && s.checksums() {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(u.SHA256))
	}
	out, err := s.S3().PutObject(ctx, in)
	if err != nil {
		return Written{}, s.nameRegion(ctx, u.To.Bucket, Explain(err))
	}
	if out.ETag == nil {
		return Written{}, notS3()
	}
	return Written{bareTag(out.ETag), int64(len(body))}, nil
}

// quoted is an ETag as requests name it; nil for none.
func quoted(tag string) *string {
	if tag == "" {
		return nil
	}
	return aws.String(`"` + tag + `"`)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
