package s3sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"weft/awsconf"
)

// A Place is a prefix of a bucket, as one session sees it.
type Place struct {
	session *awsconf.Session
	at      awsconf.Object // Key is "" or ends in "/"
}

// At is the place that a URI names: s3://bucket/prefix, with or without a slash at its end.
func At(s *awsconf.Session, uri string) (Place, error) {
	at, err := awsconf.ParseURI(uri)
	if err != nil {
		return Place{}, fmt.Errorf("cannot use %.200q: %w", uri, err)
	}
	at.Key = strings.TrimRight(at.Key, "/")
	if at.Key != "" {
		at.Key += "/"
	}
	if strings.HasPrefix(at.Key, "/") || strings.Contains(at.Key, "//") {
		return Place{}, fmt.Errorf("cannot use %.200q: a part of its prefix is empty", uri)
	}
	return Place{s, at}, nil
}

// String is the place's URI, without a slash at its end.
func (p Place) String() string { return strings.TrimSuffix(p.at.String(), "/") }

const (
	manifestPath = ownFolder + "/manifest.json"
	mirrorPath   = ownFolder + "/mirror.json"
	packsPath    = ownFolder + "/packs/"
)

// object is where a path below the prefix lies.
func (p Place) object(path string) awsconf.Object {
	return awsconf.Object{Bucket: p.at.Bucket, Key: p.at.Key + path}
}

// maxManifest bounds what is read of a manifest: 300,000 files.
const maxManifest = 64 << 20

// ErrUnchanged is what Manifest says where the manifest still is the one that is known.
var ErrUnchanged = errors.New("the manifest has not changed")

// ErrNoManifest is what Manifest says where there is none: nobody has published there with weft.
var ErrNoManifest = errors.New("there is no manifest of weft")

// A Tagged manifest is one with the ETag of its object.
type Tagged struct {
	*Manifest
	Tag string
}

// Manifest reads what is published. It is one request, whose answer has no body if the manifest still
// has the ETag known ("" = none is): then the error is ErrUnchanged.
func (p Place) Manifest(ctx context.Context, known string) (Tagged, error) {
	body, tag, err := p.read(ctx, manifestPath, known)
	switch awsconf.FaultOf(err) {
	case awsconf.Unchanged:
		return Tagged{}, ErrUnchanged
	case awsconf.NoObject:
		return Tagged{}, ErrNoManifest
	}
	if err != nil {
		return Tagged{}, fmt.Errorf("cannot read %s: %w", p.object(manifestPath), err)
	}
	m, err := decode(body)
	if err != nil {
		return Tagged{}, fmt.Errorf("cannot use %s: %w", p.object(manifestPath), err)
	}
	return Tagged{m, tag}, nil
}

func (p Place) read(ctx context.Context, path, known string) (body []byte, tag string, err error) {
	d, err := p.session.OpenNew(ctx, p.object(path), known)
	if err != nil {
		return nil, "", err
	}
	defer d.Close()
	if d.Size > maxManifest {
		return nil, "", fmt.Errorf("it has %d bytes, at most %d are read", d.Size, maxManifest)
	}
	var buf bytes.Buffer
	buf.Grow(int(d.Size) + bytes.MinRead)
	_, err = buf.ReadFrom(d)
	return buf.Bytes(), d.ETag, err
}

// replace writes an object if it still is the one with a tag, "" = if there is none.
func (p Place) replace(ctx context.Context, path string, body []byte, tag string) (newTag string, err error) {
	w, err := p.session.Upload(ctx, awsconf.Upload{
		To: p.object(path), Body: bytes.NewReader(body), Size: int64(len(body)), ContentType: "application/json",
		OnlyNew: tag == "", IfTag: tag,
	})
	return w.ETag, err
}

// conflicts tells whether an object was not replaced because another had been faster.
func conflicts(err error) bool {
	switch awsconf.FaultOf(err) {
	case awsconf.Exists, awsconf.Changed, awsconf.NoObject:
		return true
	}
	return false
}

// A mirrorState says what the mirror shows.
type mirrorState struct {
	Format int    `json:"format"`
	ID     string `json:"id"` // of the manifest
	// Whole is set once every file of that manifest is in its place. Until then somebody writes, or
	// has been cut off.
	Whole bool      `json:"whole"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`

	tag string
}

// mirror reads the state of the mirror; the zero state if there is none, or none that can be read.
func (p Place) mirror(ctx context.Context) (mirrorState, error) {
	body, tag, err := p.read(ctx, mirrorPath, "")
	if awsconf.FaultOf(err) == awsconf.NoObject {
		return mirrorState{}, nil
	}
	if err != nil {
		return mirrorState{}, fmt.Errorf("cannot read %s: %w", p.object(mirrorPath), err)
	}
	var s mirrorState
	if json.Unmarshal(body, &s) != nil || s.Format != format {
		s = mirrorState{} // it is made anew
	}
	s.tag = tag
	return s, nil
}

// A listed object is one below the prefix.
type listed struct {
	path     string // below the prefix
	size     int64
	tag      string
	modified time.Time
}

// list gives what lies below the prefix and a path, in the order of keys. What S3 gives that is not
// below it is an error: nothing is done by such a listing.
func (p Place) list(ctx context.Context, below string) (all []listed, err error) {
	from := p.object(below)
	err = p.session.List(ctx, from, func(page []types.Object) error {
		for _, o := range page {
			path, ok := strings.CutPrefix(aws.ToString(o.Key), p.at.Key)
			if !ok || !strings.HasPrefix(path, below) {
				return fmt.Errorf("%s is not below it", shownPath(aws.ToString(o.Key)))
			}
			all = append(all, listed{path, aws.ToInt64(o.Size), tagOf(o), aws.ToTime(o.LastModified)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", from, err)
	}
	return all, nil
}

// tagOf tells versions of an object apart; servers that have no ETag for it have a time.
func tagOf(o types.Object) string {
	if tag := strings.Trim(aws.ToString(o.ETag), `"`); tag != "" {
		return tag
	}
	return untagged + aws.ToTime(o.LastModified).UTC().Format(time.RFC3339Nano)
}

const untagged = "of "

// files keeps of a listing the mirror's objects: not weft's own, nor the markers of folders that some
// tools leave.
func files(all []listed) (out []listed) {
	for _, o := range all {
		if !strings.HasPrefix(o.path, ownFolder+"/") && !strings.HasSuffix(o.path, "/") && o.path != "" {
			out = append(out, o)
		}
	}
	return out
}

// remove deletes objects by their paths. Each is a path below the prefix that badPath finds nothing
// wrong with, or a pack: nothing else is ever deleted.
func (p Place) remove(ctx context.Context, paths []string) error {
	keys := make([]string, len(paths))
	for i, path := range paths {
		pack, isPack := strings.CutPrefix(path, packsPath)
		if bad := badPath(path); bad != "" && (!isPack || badPath(pack) != "") {
			return fmt.Errorf("cannot remove %s: %s", shownPath(path), bad)
		}
		keys[i] = p.at.Key + path
	}
	_, err := p.session.DeleteKeys(ctx, p.at.Bucket, keys)
	return err
}

// open reads bytes of a pack. One that is read whole may come by several connections.
func (p Place) open(ctx context.Context, pack Pack, at, n int64) (io.ReadCloser, error) {
	from := p.object(packsPath + pack.Name)
	if n < pack.Size {
		return p.session.OpenPart(ctx, from, at, n)
	}
	d, err := p.session.Open(ctx, from)
	if err == nil && d.Size != n {
		_ = d.Close()
		return nil, &awsconf.Error{Fault: awsconf.Damaged, Text: fmt.Sprintf("it has %d bytes, %d were published", d.Size, n)}
	}
	return d, err
}
