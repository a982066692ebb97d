package awsconf

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// The SDK spends a quarter of a millisecond of processor time on each call. Where thousands of small
// objects are written that is most of all time, so the first attempt at one is made here: the same
// request, signed by the SDK's signer, to where the SDK would send it. Whatever comes back but a plain
// yes is left to the SDK, which makes the call from the beginning: its retries, its clock, its words.

// lean is what the lean writes of a session share.
type lean struct {
	signer *v4.Signer
	mu     sync.Mutex
	bases  map[string]*url.URL // by bucket: the URL that keys are added to
	failed atomic.Int64        // in a row
}

// mostFailed is how many lean writes in a row may fail before no more are tried.
const mostFailed = 4

func newLean() *lean {
	return &lean{
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
		bases:  map[string]*url.URL{},
	}
}

// putLean writes a body of a known SHA-256 that may replace what is there. ok is false if nobody knows
// whether it did.
func (s *Session) putLean(ctx context.Context, u Upload, body []byte) (w Written, ok bool) {
	l := s.lean
	if u.SHA256 == nil || u.OnlyNew || u.IfTag != "" || u.ContentType != "" || strings.HasSuffix(u.To.Bucket, "--x-s3") || l.failed.Load() >= mostFailed {
		return Written{}, false
	}
	w, ok = s.leanAttempt(ctx, u, body)
	if ok {
		l.failed.Store(0)
	} else {
		l.failed.Add(1)
	}
	return w, ok
}

func (s *Session) leanAttempt(ctx context.Context, u Upload, body []byte) (w Written, ok bool) {
	base, err := s.leanBase(ctx, u.To.Bucket)
	if err != nil {
		return Written{}, false
	}
	at := *base
	at.Path, at.RawPath = base.Path+u.To.Key, httpbinding.EscapePath(base.Path+u.To.Key, false)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, at.String(), bytes.NewReader(body))
	if err != nil {
		return Written{}, false
	}
	r.URL = &at
	r.GetBody = nil // no redirect is followed
	sum := hex.EncodeToString(u.SHA256)
	r.Header.Set("X-Amz-Content-Sha256", sum)
	r.Header.Set("User-Agent", "weft")
	if s.checksums() {
		r.Header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(u.SHA256))
	}
	if s.owner != "" {
		r.Header.Set("X-Amz-Expected-Bucket-Owner", s.owner)
	}
	for name, v := range u.Metadata {
		r.Header.Set("X-Amz-Meta-"+name, v)
	}
	who, err := s.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return Written{}, false
	}
	if err := s.lean.signer.SignHTTP(ctx, who, r, sum, "s3", s.Config.Region, time.Now()); err != nil {
		return Written{}, false
	}
	resp, err := s.Config.HTTPClient.Do(r)
	if err != nil {
		return Written{}, false
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil || n > 0 { // a yes has no body
		return Written{}, false
	}
	etag := strings.Trim(resp.Header.Get("ETag"), `"`)
	return Written{etag, int64(len(body))}, resp.StatusCode == http.StatusOK && etag != ""
}

// leanBase asks the SDK where objects of a bucket are.
func (s *Session) leanBase(ctx context.Context, bucket string) (*url.URL, error) {
	s.lean.mu.Lock()
	defer s.lean.mu.Unlock()
	if known := s.lean.bases[bucket]; known != nil {
		return known, nil
	}
	signed, err := s3.NewPresignClient(s.S3()).PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("k")})
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(signed.URL)
	if err != nil {
		return nil, err
	}
	at.RawQuery, at.RawPath, at.Path = "", "", strings.TrimSuffix(at.Path, "k")
	s.lean.bases[bucket] = at
	return at, nil
}
