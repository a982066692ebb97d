// Package handoff keeps what is too large for the journal: outputs that spilled, lists of fan-outs,
// and, for tasks, files. A place is named by a URI; its scheme chooses the Backend.
//
// What is put is named by a Ref, with size and SHA-256; what is read back is checked against them,
// so that nobody ever works with half a value or with another attempt's.
package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"weft/machine"
)

// A Backend is one place that keeps values.
type Backend interface {
	// Put stores what r gives under a key of slash-separated raw names, and returns when it is
	// durable. size is the number of bytes, -1 if it is not known; any other number is an error.
	// A key that exists is replaced, at once or not at all. One key has one writer at a time, the
	// attempt whose key it holds; or any number who all put the same bytes, by whose hash it is named.
	Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error)
	// Fetch opens what a Ref's URI names, unchecked; use Open or Get. It opens nothing outside
	// the backend's own place.
	Fetch(ctx context.Context, uri string) (io.ReadCloser, error)
	Remover
}

// ErrOutside is what Fetch says of a URI that is not of the backend's own place; the place follows.
var ErrOutside = errors.New("it lies outside")

// Schemes is the table of what can be a handoff: the URI's scheme and how its place is opened.
type Schemes map[string]func(u *url.URL) (Backend, error)

// Known is the schemes of this program.
func Known() Schemes { return Schemes{"file": openFile, "s3": openS3, "dynamodb": openDynamoDB} }

// At returns the place that a URI names. Nothing is made or asked before it is used.
func (s Schemes) At(uri string) (Backend, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("cannot use %q as handoff: it is no URI (write file:///folder, s3://bucket/prefix or dynamodb://table)", uri)
	}
	open := s[u.Scheme]
	if open == nil {
		known := strings.Join(slices.Sorted(maps.Keys(s)), ", ")
		return nil, fmt.Errorf("cannot use %q as handoff: this weft does not know the scheme %q (it knows: %s)", u.Redacted(), u.Scheme, known)
	}
	b, err := open(u)
	if err != nil {
		return nil, fmt.Errorf("cannot use %q as handoff: %w", u.Redacted(), err)
	}
	return b, nil
}
