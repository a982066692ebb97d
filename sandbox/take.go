package sandbox

import (
	"crypto/md5" //nolint:gosec // S3's ETag
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

const mostBytes = 5 << 30 // S3's limit of one request

// taken is a body that has arrived whole and fits all that was said of it.
type taken struct {
	size int64
	md5  []byte
	sum  sum
}

// take reads a request's body into w and proves it by every sum the request gives: the signature's
// SHA-256, Content-MD5, a checksum in the header or behind the body. The sum that is kept is the one
// asked for, else the algorithm's named here, else the usual one.
func take(r *request, w io.Writer, algorithm string) (taken, error) {
	named, ok := asked(r.Header)
	if !ok {
		return taken{}, invalid("The checksum's algorithm is not known, or there are two.")
	}
	for _, a := range []string{named, algorithm, usual} {
		if a != "" {
			algorithm = a
			break
		}
	}
	body, trailers, err := bodyOf(r)
	if err != nil {
		return taken{}, err
	}
	plain, own, tag := sha256.New(), algorithms[algorithm](), md5.New()
	n, err := io.Copy(io.MultiWriter(w, own, tag, plain), io.LimitReader(body, mostBytes+1))
	var f *fault
	switch {
	case err != nil && errors.As(err, &f):
		return taken{}, f
	case errors.Is(err, io.ErrUnexpectedEOF):
		return taken{}, errIncomplete
	case err != nil:
		return taken{}, err
	case n > mostBytes:
		return taken{}, errTooLarge
	}
	t := taken{n, tag.Sum(nil), sum{algorithm, encode(own)}}
	return t, t.prove(r, trailers, plain)
}

// bodyOf is the bytes that a request carries, without the form they are sent in.
func bodyOf(r *request) (body io.Reader, trailers func(string) string, err error) {
	none := func(string) string { return "" }
	if r.ContentLength > mostBytes {
		return nil, nil, errTooLarge
	}
	how, streaming := strings.CutPrefix(r.payload, "STREAMING-")
	switch {
	case !streaming:
		return r.Body, none, nil
	case how == "UNSIGNED-PAYLOAD-TRAILER", how == "AWS4-HMAC-SHA256-PAYLOAD", how == "AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		c := newChunked(r.Body)
		return c, c.trailers.Get, nil
	}
	return nil, nil, errNotThere
}

func (t taken) prove(r *request, trailer func(string) string, plain hash.Hash) error {
	if announced := r.Header.Get("X-Amz-Decoded-Content-Length"); announced != "" && announced != strconv.FormatInt(t.size, 10) {
		return errIncomplete
	}
	switch {
	case strings.HasPrefix(r.payload, "STREAMING-"), r.payload == unsigned:
	case r.payload != hex.EncodeToString(plain.Sum(nil)):
		return errPayload
	}
	if want := r.Header.Get("Content-Md5"); want != "" && want != base64.StdEncoding.EncodeToString(t.md5) {
		return errDigest
	}
	name := sumHeader(t.sum.Algorithm)
	if want := r.Header.Get(name); want != "" && want != t.sum.Value {
		return errDigest
	}
	if promised := r.Header.Get("X-Amz-Trailer"); promised != "" && trailer(promised) != t.sum.Value {
		return errDigest
	}
	return nil
}

// store takes a body into a blob.
func (v *vault) store(r *request, algorithm string) (blob, taken, error) {
	d, err := v.draft()
	if err != nil {
		return nil, taken{}, err
	}
	t, err := take(r, d, algorithm)
	if err != nil {
		d.drop()
		return nil, t, err
	}
	b, err := d.done()
	return b, t, err
}
