package s3

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Copy is the plugin s3.copy: copies one object, or all below a prefix, within S3; no byte passes
// through this machine.
type Copy struct {
	once int64 // what one call may copy; 0 = S3's limit
	part int64 // of what is copied in parts; 0 = as below
}

var (
	_ plugins.Plugin    = Copy{}
	_ plugins.Hoster    = Copy{}
	_ plugins.InProcess = Copy{}
)

//go:embed copy_input.json
var copyInput []byte

// atOnce is how many objects, or parts of one, are copied side by side.
const atOnce = 8

// Name implements plugins.Plugin.
func (Copy) Name() string { return "s3.copy" }

// InProcess implements plugins.InProcess.
func (Copy) InProcess() {}

// Schema implements plugins.Plugin.
func (Copy) Schema() plugins.Schema {
	return plugins.Schema{Title: "Copies an object of S3, or all below a prefix", Input: copyInput, Output: countOutput}
}

// Host implements plugins.Hoster.
func (Copy) Host(input json.RawMessage) string { return host(input) }

// Run implements plugins.Plugin.
func (c Copy) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct{ From, To string }
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	from, err := prefix(in.From)
	if err != nil {
		return plugins.Result{}, err
	}
	to, err := prefix(in.To)
	if err != nil {
		return plugins.Result{}, err
	}
	folder := from.Key == "" || strings.HasSuffix(from.Key, "/")
	below := to.Key == "" || strings.HasSuffix(to.Key, "/")
	switch {
	case folder && !below:
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot copy %s to %s: what ends in / is a prefix, so the other must end in / too", from, to)
	case folder && from.Bucket == to.Bucket && strings.HasPrefix(to.Key, from.Key):
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot copy %s to %s: that is inside itself", from, to)
	case folder:
		return c.all(ctx, s, from, to)
	case below:
		to.Key += path.Base(from.Key)
	}
	if from == to {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot copy %s to itself", from)
	}
	return c.single(ctx, s, from, to)
}

func (c Copy) single(ctx context.Context, s *awsconf.Session, from, to awsconf.Object) (plugins.Result, error) {
	info, found, err := s.Head(ctx, from, true)
	if err == nil && !found {
		err = &awsconf.Error{Fault: awsconf.NoObject, Text: "there is no such object"}
	}
	if err == nil {
		err = c.object(ctx, s, from, to, info.Size)
	}
	if err != nil {
		return plugins.Result{}, failed(ctx, fmt.Sprintf("copy %s to %s", from, to), err)
	}
	return awscall.Result(count{1})
}

// all copies what begins with from; the rest of each key is kept.
func (c Copy) all(ctx context.Context, s *awsconf.Session, from, to awsconf.Object) (plugins.Result, error) {
	var n atomic.Int64
	copying, within := errgroup.WithContext(ctx)
	copying.SetLimit(atOnce)
	err := s.List(within, from, func(page []types.Object) error {
		for _, o := range page {
			src := awsconf.Object{Bucket: from.Bucket, Key: aws.ToString(o.Key)}
			dst := awsconf.Object{Bucket: to.Bucket, Key: to.Key + strings.TrimPrefix(src.Key, from.Key)}
			copying.Go(func() error {
				err := c.object(within, s, src, dst, aws.ToInt64(o.Size))
				if err == nil {
					n.Add(1)
				}
				return err
			})
			if within.Err() != nil {
				return within.Err()
			}
		}
		return nil
	})
	if first := copying.Wait(); first != nil { // the listing then failed because of it
		err = first
	}
	if err != nil {
		return plugins.Result{}, failed(ctx, fmt.Sprintf("copy all of %s to %s, %d are copied", from, to, n.Load()), err)
	}
	return awscall.Result(count{int(n.Load())})
}

func (c Copy) object(ctx context.Context, s *awsconf.Session, from, to awsconf.Object, size int64) error {
	once := int64(5 << 30)
	if c.once > 0 {
		once = c.once
	}
	if size > once {
		return c.large(ctx, s, from, to)
	}
	out, err := s.S3().CopyObject(ctx, &awss3.CopyObjectInput{Bucket: &to.Bucket, Key: &to.Key, CopySource: source(from)})
	if err == nil && (out.CopyObjectResult == nil || out.CopyObjectResult.ETag == nil) {
		return &awsconf.Error{Text: "the answer does not say that it is copied", Hint: "check AWS_ENDPOINT_URL"}
	}
	return awsconf.Explain(err)
}

// source is an object as a header names it: escaped, a plus too, which else is read as a space.
func source(o awsconf.Object) *string {
	key := url.QueryEscape(o.Key)
	key = strings.ReplaceAll(strings.ReplaceAll(key, "+", "%20"), "%2F", "/")
	return aws.String(o.Bucket + "/" + key)
}
