package awsconf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// The SDK's own manager of transfers is not used: it holds more in memory, writes to the log of the
// process when S3 refuses the last step, and knows no sum of the whole.

const (
	leastParts  = 2 // that are sent, or read, at one time, however many transfers there are
	abortWithin = 10 * time.Second
)

// parts is an upload in several parts. Nothing of it can be seen before the last step.
type parts struct {
	*Session
	u    Upload
	id   *string
	size int64  // read so far
	crc  uint32 // of what is read so far

	mu   sync.Mutex
	done []types.CompletedPart
}

func (s *Session) putParts(ctx context.Context, u Upload, first []byte) (Written, error) {
	in := &s3.CreateMultipartUploadInput{
		Bucket: &u.To.Bucket, Key: &u.To.Key, ContentType: optional(u.ContentType), Metadata: u.Metadata,
	}
	if s.checksums() {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject
	}
	made, err := s.S3().CreateMultipartUpload(ctx, in)
	if err != nil {
		return Written{}, s.nameRegion(ctx, u.To.Bucket, Explain(err))
	}
	p := &parts{Session: s, u: u, id: made.UploadId}
	etag, err := p.write(ctx, first)
	if err != nil {
		p.abort(ctx)
		return Written{}, err
	}
	return Written{etag, p.size}, nil
}

func (p *parts) write(ctx context.Context, first []byte) (etag string, err error) {
	if err := p.sendAll(ctx, first); err != nil {
		return "", err
	}
	if p.u.Size >= 0 && p.size != p.u.Size {
		return "", wrongSize(p.u.Size, p.size)
	}
	slices.SortFunc(p.done, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &p.u.To.Bucket, Key: &p.u.To.Key, UploadId: p.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: p.done},
	}
	if p.u.OnlyNew {
		in.IfNoneMatch = aws.String("*")
	}
	in.IfMatch = quoted(p.u.IfTag)
	if p.checksums() { // of the whole: S3 compares it with what it has put together
		in.ChecksumCRC32, in.ChecksumType, in.MpuObjectSize = encodeCRC(p.crc), types.ChecksumTypeFullObject, &p.size
	}
	out, err := p.S3().CompleteMultipartUpload(ctx, in)
	if err != nil {
		return "", Explain(err)
	}
	return bareTag(out.ETag), nil
}

// sendAll sends the body in parts of the first one's size. A part that fails ends the others.
func (p *parts) sendAll(ctx context.Context, first []byte) error {
	sending, ctx := errgroup.WithContext(ctx)
	free := make(chan []byte, mostSent)
	for range leastParts - 1 {
		free <- nil // made once it is needed
	}
	room := int64(0)
	for n := leastParts; n < mostSent && (p.u.Size < 0 || p.u.Size > int64(n*len(first))) && take(int64(len(first))); n++ {
		room += int64(len(first))
		free <- nil
	}
	defer func() { give(room) }()
	read := p.readAll(ctx, first, free, func(number int32, part []byte) {
		sending.Go(func() error {
			defer func() { free <- part[:cap(part)] }()
			return p.send(ctx, number, part)
		})
	})
	return cmp.Or(sending.Wait(), read) // a reader that was stopped because a part failed is no news
}

// readAll reads the body into buffers that come back by free, and hands out each as a part.
func (p *parts) readAll(ctx context.Context, buf []byte, free <-chan []byte, send func(int32, []byte)) error {
	size, n := len(buf), len(buf)
	for number := int32(1); n > 0; number++ {
		if number > maxParts {
			return fmt.Errorf("it has more than %d bytes, which is too much for one object of unknown size", int64(maxParts)*int64(size))
		}
		p.size += int64(n)
		p.crc = crc32.Update(p.crc, crc32.IEEETable, buf[:n])
		if p.u.Size >= 0 && p.size > p.u.Size {
			return wrongSize(p.u.Size, p.size)
		}
		send(number, buf[:n])
		if n < size {
			return nil
		}
		select {
		case buf = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		if buf == nil {
			buf = make([]byte, size)
		}
		var err error
		if n, err = fill(p.u.Body, buf[:size]); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

func (p *parts) send(ctx context.Context, number int32, part []byte) error {
	in := &s3.UploadPartInput{
		Bucket: &p.u.To.Bucket, Key: &p.u.To.Key, UploadId: p.id, PartNumber: &number,
		Body: bytes.NewReader(part), ContentLength: aws.Int64(int64(len(part))),
	}
	if p.checksums() {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
	}
	out, err := p.S3().UploadPart(ctx, in)
	if err != nil {
		return Explain(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, types.CompletedPart{ETag: out.ETag, PartNumber: &number, ChecksumCRC32: out.ChecksumCRC32})
	return nil
}

// abort removes what was sent, even if the reason is the end of ctx: parts cost money until then.
// What it cannot remove is left to the bucket's lifecycle rules; there is nobody else to tell.
func (p *parts) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
	defer cancel()
	_, _ = p.S3().AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &p.u.To.Bucket, Key: &p.u.To.Key, UploadId: p.id})
}

func encodeCRC(sum uint32) *string {
	return aws.String(base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum)))
}
