package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Put is the plugin s3.put: writes one object, of a text, a value or a file.
type Put struct{}

var (
	_ plugins.Plugin = Put{}
	_ plugins.Hoster = Put{}
)

//go:embed put_input.json
var putInput []byte

//go:embed put_output.json
var putOutput []byte

// Name implements plugins.Plugin.
func (Put) Name() string { return "s3.put" }

// Schema implements plugins.Plugin.
func (Put) Schema() plugins.Schema {
	return plugins.Schema{Title: "Writes an object of S3", Input: putInput, Output: putOutput}
}

// Host implements plugins.Hoster.
func (Put) Host(input json.RawMessage) string { return host(input) }

type putIn struct {
	URI         string
	Body        *string
	JSON        json.RawMessage
	File        *string
	ContentType string `json:"content_type"`
	IfNoneMatch string `json:"if_none_match"`
}

type written struct {
	URI  string `json:"uri"`
	ETag string `json:"etag"`
	Size int64  `json:"size"`
}

// Run implements plugins.Plugin.
func (Put) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in putIn
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	to, err := object(in.URI)
	if err != nil {
		return plugins.Result{}, err
	}
	if in.IfNoneMatch != "" && in.IfNoneMatch != "*" {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot write %s: if_none_match may only be \"*\"", to)
	}
	u := awsconf.Upload{To: to, ContentType: in.ContentType, OnlyNew: in.IfNoneMatch == "*"}
	closer, err := in.source(call, &u)
	if err != nil {
		return plugins.Result{}, err
	}
	defer closer.Close()
	u.Body = &until{ctx, u.Body}
	out, err := put(ctx, s, call, u)
	if err != nil {
		return plugins.Result{}, failed(ctx, "write "+to.String(), err)
	}
	return awscall.Result(written{to.String(), out.ETag, out.Size})
}

// source says where the bytes come from.
func (in putIn) source(call *plugins.Call, u *awsconf.Upload) (io.Closer, error) {
	given := 0
	for _, is := range []bool{in.Body != nil, in.JSON != nil, in.File != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, plugins.Errorf(plugins.BadInput, "cannot write %s: exactly one of body, json and file is needed", u.To)
	}
	kind := "application/octet-stream"
	closer := io.NopCloser(nil)
	switch {
	case in.Body != nil:
		u.Body, u.Size, kind = strings.NewReader(*in.Body), int64(len(*in.Body)), "text/plain; charset=utf-8"
	case in.JSON != nil:
		u.Body, u.Size, kind = bytes.NewReader(in.JSON), int64(len(in.JSON)), "application/json"
	default:
		f, err := openSource(call, *in.File)
		if err != nil {
			return nil, err
		}
		u.Body, u.Size, closer = f, f.was.Size(), f
	}
	if u.ContentType == "" {
		u.ContentType = kind
	}
	return closer, nil
}

// writerKey is the metadata by which a conditional write knows its own object again.
const writerKey = "weft-writer"

// put writes. If something is there already and it is this very task that wrote it, in a call whose
// answer was lost or in an attempt that a crash ended, that is what was wanted.
func put(ctx context.Context, s *awsconf.Session, call *plugins.Call, u awsconf.Upload) (awsconf.Written, error) {
	if !u.OnlyNew {
		return s.Upload(ctx, u)
	}
	u.Metadata = map[string]string{writerKey: writer(call.Env)}
	out, err := s.Upload(ctx, u)
	if awsconf.FaultOf(err) != awsconf.Exists {
		return out, err
	}
	there, found, headErr := s.Head(ctx, u.To, false)
	if headErr == nil && found && there.Metadata[writerKey] == u.Metadata[writerKey] {
		return awsconf.Written{ETag: there.ETag, Size: there.Size}, nil
	}
	return awsconf.Written{}, err
}

// writer names who writes: the task, the same in each of its attempts; without one, this call.
func writer(env []string) string {
	const name = "WEFT_IDEMPOTENCY_KEY="
	who := rand.Text()
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name); ok && v != "" {
			who = v
		}
	}
	sum := sha256.Sum256([]byte(who))
	return hex.EncodeToString(sum[:16])
}

// steady reads a file to the size that it had at first, and gives an error instead of the end if it is
// another file by then: so the upload ends before there is an object.
type steady struct {
	*os.File
	was  fs.FileInfo
	read int64
}

var errChanging = errors.New("the file changed while it was sent")

func (s *steady) Read(p []byte) (int, error) {
	left := s.was.Size() - s.read
	if left > 0 {
		n, err := s.File.Read(p[:min(int64(len(p)), left)])
		s.read += int64(n)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
	}
	now, err := s.Stat()
	if err != nil || now.Size() != s.was.Size() || !now.ModTime().Equal(s.was.ModTime()) {
		return 0, errChanging
	}
	return 0, io.EOF
}

// until ends a reader when ctx does.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u *until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
