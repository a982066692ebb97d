package s3

import (
	"context"
	_ "embed"
	"encoding/json"

	"weft/plugins"
	"weft/plugins/awscall"
)

// Head is the plugin s3.head: whether an object exists, and what is known of it without reading it.
type Head struct{}

var (
	_ plugins.Plugin    = Head{}
	_ plugins.Hoster    = Head{}
	_ plugins.InProcess = Head{}
)

//go:embed head_input.json
var headInput []byte

//go:embed head_output.json
var headOutput []byte

// Name implements plugins.Plugin.
func (Head) Name() string { return "s3.head" }

// InProcess implements plugins.InProcess.
func (Head) InProcess() {}

// Schema implements plugins.Plugin.
func (Head) Schema() plugins.Schema {
	return plugins.Schema{Title: "Tells whether an object of S3 exists, its size and age", Input: headInput, Output: headOutput}
}

// Host implements plugins.Hoster.
func (Head) Host(input json.RawMessage) string { return host(input) }

// A seen is the output. All but Exists is null where there is no object.
type seen struct {
	Exists      bool    `json:"exists"`
	Size        *int64  `json:"size"`
	ETag        *string `json:"etag"`
	Modified    *string `json:"modified"`
	ContentType *string `json:"content_type"`
}

// Run implements plugins.Plugin. That the object is absent is an answer; that its bucket is absent
// is an error, looked for by the first poke alone.
func (Head) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct{ URI string }
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	o, err := object(in.URI)
	if err != nil {
		return plugins.Result{}, err
	}
	info, found, err := s.Head(ctx, o, call.Poke <= 1)
	if err != nil {
		return plugins.Result{}, failed(ctx, "look at "+o.String(), err)
	}
	if !found {
		return awscall.Result(seen{})
	}
	modified := stamp(info.Modified)
	return awscall.Result(seen{true, &info.Size, &info.ETag, &modified, &info.ContentType})
}
