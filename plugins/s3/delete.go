package s3

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Delete is the plugin s3.delete: removes one object, or all whose keys begin with something.
type Delete struct{}

var (
	_ plugins.Plugin    = Delete{}
	_ plugins.Hoster    = Delete{}
	_ plugins.InProcess = Delete{}
)

//go:embed delete_input.json
var deleteInput []byte

//go:embed count_output.json
var countOutput []byte

// Name implements plugins.Plugin.
func (Delete) Name() string { return "s3.delete" }

// InProcess implements plugins.InProcess.
func (Delete) InProcess() {}

// Schema implements plugins.Plugin.
func (Delete) Schema() plugins.Schema {
	return plugins.Schema{Title: "Deletes an object of S3, or all below a prefix", Input: deleteInput, Output: countOutput}
}

// Host implements plugins.Hoster.
func (Delete) Host(input json.RawMessage) string { return host(input) }

// Run implements plugins.Plugin. What is not there needs no deleting: that is no error, and not counted.
func (Delete) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct{ URI, Prefix *string }
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	switch {
	case (in.URI == nil) == (in.Prefix == nil):
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot delete: exactly one of uri and prefix is needed")
	case in.URI != nil:
		return deleteOne(ctx, s, *in.URI)
	}
	return deleteAll(ctx, s, *in.Prefix)
}

func deleteOne(ctx context.Context, s *awsconf.Session, uri string) (plugins.Result, error) {
	o, err := object(uri)
	if err != nil {
		return plugins.Result{}, err
	}
	doing := "delete " + o.String()
	// S3 says the same of what was there and what was not. Who may not look may still delete.
	_, found, err := s.Head(ctx, o, true)
	if err == nil && !found {
		return awscall.Result(count{0})
	}
	if err != nil && awsconf.FaultOf(err) != awsconf.Denied {
		return plugins.Result{}, failed(ctx, doing, err)
	}
	_, err = s.S3().DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &o.Bucket, Key: &o.Key})
	if err != nil {
		return plugins.Result{}, failed(ctx, doing, awsconf.Explain(err))
	}
	return awscall.Result(count{1})
}

func deleteAll(ctx context.Context, s *awsconf.Session, uri string) (plugins.Result, error) {
	from, err := prefix(uri)
	if err != nil {
		return plugins.Result{}, err
	}
	if from.Key == "" { // an expression that came out empty must not cost a bucket
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot delete %s: a whole bucket is never deleted, the prefix must name some part of it", from)
	}
	n := 0
	err = s.List(ctx, from, func(page []types.Object) error {
		if err := deletePage(ctx, s, from.Bucket, page); err != nil {
			return err
		}
		n += len(page)
		return nil
	})
	if err != nil {
		return plugins.Result{}, failed(ctx, fmt.Sprintf("delete all of %s, %d are gone", from, n), err)
	}
	return awscall.Result(count{n})
}

func deletePage(ctx context.Context, s *awsconf.Session, bucket string, page []types.Object) error {
	keys := make([]string, len(page))
	for i, o := range page {
		keys[i] = aws.ToString(o.Key)
	}
	_, err := s.DeleteKeys(ctx, bucket, keys)
	return err
}
