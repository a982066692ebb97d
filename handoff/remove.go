package handoff

import (
	"context"
	"errors"
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// A Remover tells what lies below a prefix of keys, and takes it away. A prefix is one or more whole
// names, "dag/run": it never reaches into "dag/run2", nor outside the backend's own place. That
// nothing is there is no error; that the place itself is not, wraps fs.ErrNotExist.
type Remover interface {
	Measure(ctx context.Context, prefix string) (Amount, error)
	// Remove returns what it took away, also with an error. What a crash or an error leaves, the next
	// call takes.
	Remove(ctx context.Context, prefix string) (Amount, error)
}

// An Amount is so many values of so many bytes together.
type Amount struct {
	Count int   `json:"count"`
	Bytes int64 `json:"bytes"`
}

// Plus adds amounts up.
func (a Amount) Plus(b Amount) Amount { return Amount{a.Count + b.Count, a.Bytes + b.Bytes} }

// checkPrefix refuses what would mean more than the names in it.
func checkPrefix(prefix string) error {
	for name := range strings.SplitSeq(prefix, "/") {
		switch name {
		case "", ".", "..":
			return errors.New("a prefix has no empty part, and none that is a dot or two")
		}
	}
	return nil
}

// PlaceOf returns the place to which a value of a run was put, from the URI of its Ref; false if the
// URI does not tell.
func PlaceOf(uri, dag, run string) (place string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" {
		return "", false
	}
	if u.Scheme != "file" { // keys stand in such URIs raw
		i := strings.LastIndex(uri, "/"+dag+"/"+run+"/")
		return uri[:max(i, 0)], i > 0
	}
	i := strings.LastIndex(u.Path, path.Join("/", FileName(dag), FileName(run))+"/")
	if i <= 0 {
		return "", false
	}
	return FileURI(filepath.FromSlash(u.Path[:i])), true
}
