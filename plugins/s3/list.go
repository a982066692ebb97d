package s3

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// List is the plugin s3.list: the objects whose keys begin with something.
type List struct{}

var (
	_ plugins.Plugin    = List{}
	_ plugins.Hoster    = List{}
	_ plugins.InProcess = List{}
)

//go:embed list_input.json
var listInput []byte

//go:embed list_output.json
var listOutput []byte

// maxListed is what one output may list; nothing is cut off in silence.
const maxListed = 100_000

// Name implements plugins.Plugin.
func (List) Name() string { return "s3.list" }

// InProcess implements plugins.InProcess.
func (List) InProcess() {}

// Schema implements plugins.Plugin.
func (List) Schema() plugins.Schema {
	return plugins.Schema{Title: "Lists objects of S3", Input: listInput, Output: listOutput}
}

// Host implements plugins.Hoster.
func (List) Host(input json.RawMessage) string { return host(input) }

type listed struct {
	Count   int    `json:"count"`
	Objects []item `json:"objects"`
}

type item struct {
	URI      string `json:"uri"`
	Size     int64  `json:"size"`
	Modified string `json:"modified"`
}

var errEnough = errors.New("enough")

// Run implements plugins.Plugin.
func (List) Run(ctx context.Context, call *plugins.Call) (plugins.Result, error) {
	var in struct {
		URI string
		Max *int
	}
	s, err := awscall.Begin(ctx, call, &in)
	if err != nil {
		return plugins.Result{}, err
	}
	from, err := prefix(in.URI)
	if err != nil {
		return plugins.Result{}, err
	}
	most := maxListed
	if in.Max != nil {
		most = *in.Max
	}
	if most < 1 || most > maxListed {
		return plugins.Result{}, plugins.Errorf(plugins.BadInput, "cannot list %s: max is a number from 1 to %d", from, maxListed)
	}
	out := listed{Objects: []item{}}
	err = s.List(ctx, from, func(page []types.Object) error {
		for _, o := range page {
			if len(out.Objects) == most {
				return errEnough
			}
			out.Objects = append(out.Objects, item{
				awsconf.Object{Bucket: from.Bucket, Key: aws.ToString(o.Key)}.String(), aws.ToInt64(o.Size), stamp(aws.ToTime(o.LastModified)),
			})
		}
		if in.Max != nil && len(out.Objects) == most { // one page fewer to ask for
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) && in.Max == nil {
		return plugins.Result{}, &plugins.Error{
			Kind: plugins.Remote, Err: plugins.Errorf(plugins.Remote, "cannot list %s: there are more than %d objects", from, maxListed),
			Hint: "name a longer prefix, or say with max how many are enough",
		}
	}
	if err != nil && !errors.Is(err, errEnough) {
		return plugins.Result{}, failed(ctx, "list "+from.String(), err)
	}
	out.Count = len(out.Objects)
	return awscall.Result(out)
}
