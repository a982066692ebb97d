package handoff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"

	"weft/awsconf"
)

// URIOf is the URI of what is put under a key into the place that a URI names: for who knows a value by its key alone,
// and has no Ref.
func URIOf(place, key string) (string, error) {
	u, err := url.Parse(place)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("cannot use %q as handoff: it is no URI", place)
	}
	if u.Scheme != "file" { // keys stand in such URIs raw
		return strings.TrimSuffix(place, "/") + "/" + key, nil
	}
	dir, err := localPath(u)
	if err != nil {
		return "", fmt.Errorf("cannot use %q as handoff: %w", place, err)
	}
	folder, name, err := split(key)
	if err != nil {
		return "", fmt.Errorf("cannot name %q in %s: %w", key, place, err)
	}
	return FileURI(filepath.Join(dir, filepath.FromSlash(folder), name)), nil
}

// Load reads what was put under a key, unchecked; b is the place of that URI. More than most bytes are an error.
func Load(ctx context.Context, b Backend, place, key string, most int64) ([]byte, error) {
	uri, err := URIOf(place, key)
	if err != nil {
		return nil, err
	}
	rc, err := b.Fetch(ctx, uri)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(&limited{r: rc, left: most}); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", uri, err)
	}
	return buf.Bytes(), nil
}

// limited is an error once more comes than is wanted.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errors.New("it is longer than what is read")
	}
	return n, err
}

// errNoItem is what a table says of a key that it has not.
var errNoItem = errors.New("there is no such item")

// Absent tells of an error of Fetch or Load that there is nothing, and not that it cannot be had.
func Absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoItem) || awsconf.FaultOf(err) == awsconf.NoObject
}
