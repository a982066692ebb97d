package s3

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Get is the plugin s3.get: reads one object, as the task's output or into a file.
type Get struct{}

var (
	_ plugins.Plugin = Get{}
	_ plugins.Hoster = Get{}
)

//go:embed get_input.json
var getInput []byte

// maxOutput is what an object may have to become an output. Larger ones go into files.
const maxOutput = 64 << 20

// Name implements plugins.Plugin.
func (Get) Name() string { return "s3.get" }

// Schema implements plugins.Plugin. The output may be anything: it is what the object holds.
func (Get) Schema() plugins.Schema {
	return plugins.Schema{Title: "Reads an object of S3, as the output or into a file", Input: getInput}
}

// Host implements plugins.Hoster.
func (Get) Host(input json.RawMessage) string { return host(input) }

type fetched struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	ETag string `json:"etag"`
}

// Run implements plugins.Plugin.
func (Get) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		URI string
		As  string
		To  *string
	}
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	from, err := object(in.URI)
	if err != nil {
		return plugins.Result{}, err
	}
	switch {
	case in.To != nil && in.As != "":
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read %s: only one of as and to may be given", from)
	case in.To != nil:
		return into(ctx, s, call, from, *in.To)
	case in.As == "", in.As == "text", in.As == "json":
		return value(ctx, s, from, in.As == "json")
	}
	return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read %s: as may be text or json, not %q", from, in.As)
}

// into writes the object into a file; a relative path is below the scratch folder, as `artifacts` are.
func into(ctx context.Context, s *awsconf.Session, call *plugins.Call, from awsconf.Object, path string) (plugins.Result, error) {
	places, err := locate(call, path)
	if err != nil {
		return plugins.Result{}, err
	}
	to := places[0]
	var out fetched
	err = to.create(func(f *os.File) error {
		d, err := s.Open(ctx, from)
		if err != nil {
			return err
		}
		defer d.Close()
		out = fetched{Path: to.path(), Size: d.Size, ETag: d.ETag}
		_, err = d.WriteFile(f, nil)
		return err
	})
	if errors.Is(err, errIsFolder) || errors.Is(err, errBelowFile) {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot read %s into %s: %w", from, path, err)
	}
	if err != nil {
		return plugins.Result{}, failed(ctx, fmt.Sprintf("read %s into %s", from, path), err)
	}
	return awscall.Result(out)
}

// value makes the object the output.
func value(ctx context.Context, s *awsconf.Session, from awsconf.Object, isJSON bool) (plugins.Result, error) {
	body, err := whole(ctx, s, from)
	if err != nil {
		return plugins.Result{}, failed(ctx, "read "+from.String(), err)
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if isJSON {
		return plugins.Result{Output: body}, notJSON(from, body)
	}
	if !utf8.Valid(body) {
		return plugins.Result{}, &plugins.Error{
			Kind: plugins.Remote, Err: fmt.Errorf("cannot read %s: it holds no text in UTF-8", from), Hint: "write it into a file, with to",
		}
	}
	return awscall.Result(string(body))
}

// notJSON says where what was to be JSON is none.
func notJSON(from awsconf.Object, body []byte) error {
	if !utf8.Valid(body) {
		return plugins.Errorf(plugins.Remote, "cannot read %s: it holds no JSON: it is not UTF-8", from)
	}
	if json.Valid(body) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(body, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		err = fmt.Errorf("%w (byte %d)", err, syntax.Offset)
	}
	return plugins.Errorf(plugins.Remote, "cannot read %s: it holds no JSON: %w", from, err)
}

func whole(ctx context.Context, s *awsconf.Session, from awsconf.Object) ([]byte, error) {
	d, err := s.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if d.Size > maxOutput {
		return nil, &plugins.Error{
			Kind: plugins.Remote, Err: fmt.Errorf("cannot read %s: it has %d bytes, an output may have %d", from, d.Size, maxOutput),
			Hint: "write it into a file, with to",
		}
	}
	var buf bytes.Buffer
	buf.Grow(int(d.Size) + bytes.MinRead)
	_, err = buf.ReadFrom(d)
	return buf.Bytes(), err
}
