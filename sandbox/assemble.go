package sandbox

import (
	"crypto/md5" //nolint:gosec // S3's ETag
	"io"
	"net/url"
	"strings"
)

// source opens what x-amz-copy-source names, if the conditions on it hold.
func (e *endpoint) source(r *request) (*object, content, error) {
	text, version, _ := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "?")
	path, err := url.PathUnescape(text) // a plus stays one
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case version != "":
		return nil, nil, errNotThere
	case err != nil || !ok || key == "":
		return nil, nil, invalid("The copy source is not BUCKET/KEY.")
	}
	o, c, err := e.read(bucket, key)
	if err != nil {
		return nil, nil, err
	}
	match, none := r.Header.Get("X-Amz-Copy-Source-If-Match"), r.Header.Get("X-Amz-Copy-Source-If-None-Match")
	if match != "" && !matches(match, o.ETag) || none != "" && matches(none, o.ETag) {
		_ = c.Close() // it was only read
		return nil, nil, errPrecondition
	}
	return o, c, nil
}

// assemble makes a blob of bytes that are here already.
func (v *vault) assemble(algorithm string, from io.Reader) (blob, taken, error) {
	d, err := v.draft()
	if err != nil {
		return nil, taken{}, err
	}
	own, tag := algorithms[algorithm](), md5.New()
	n, err := io.Copy(io.MultiWriter(d, own, tag), from)
	if err != nil {
		d.drop()
		return nil, taken{}, err
	}
	b, err := d.done()
	return b, taken{n, tag.Sum(nil), sum{algorithm, encode(own)}}, err
}

// joined reads blobs one after another, each opened when it is its turn.
type joined struct {
	rest []*object
	now  io.Reader
	open content
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.now != nil {
			if n, err := j.now.Read(p); n > 0 || err != io.EOF {
				return n, err
			}
			j.close()
		}
		if len(j.rest) == 0 {
			return 0, io.EOF
		}
		c, err := j.rest[0].blob.open()
		if err != nil {
			return 0, err
		}
		j.now, j.open, j.rest = io.NewSectionReader(c, 0, j.rest[0].Size), c, j.rest[1:]
	}
}

func (j *joined) close() {
	if j.open != nil {
		_ = j.open.Close() // it was only read
	}
	j.now, j.open = nil, nil
}
