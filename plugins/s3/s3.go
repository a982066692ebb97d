// Package s3 is the plugins s3.put, s3.get, s3.head, s3.list, s3.copy and s3.delete: objects of S3,
// and of any server that speaks as it does. A file each; what a task may say of credentials, region
// and endpoint are the AWS_* variables of its environment (awsconf).
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"weft/awsconf"
	"weft/plugins"
	"weft/plugins/awscall"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin {
	return []plugins.Plugin{Copy{}, Delete{}, Get{}, Head{}, List{}, Put{}}
}

// object reads the URI of one object.
func object(uri string) (awsconf.Object, error) {
	o, err := prefix(uri)
	if err == nil && o.Key == "" {
		err = plugins.Errorf(plugins.BadInput, "cannot use %q: it names a bucket, no object in it", uri)
	}
	return o, err
}

// prefix reads a URI that may be the beginning of many.
func prefix(uri string) (awsconf.Object, error) {
	o, err := awsconf.ParseURI(uri)
	if err != nil {
		return o, plugins.Errorf(plugins.BadInput, "cannot use %.200q: %w", uri, err)
	}
	return o, nil
}

// failed is awscall.Failed, where what failed may be the source of the bytes, or their destination.
func failed(ctx context.Context, what string, err error) error {
	var aws *awsconf.Error
	var ours *plugins.Error
	if err != nil && !errors.As(err, &aws) && !errors.As(err, &ours) {
		err = plain(err)
	}
	return awscall.Failed(ctx, what, err)
}

// host tells where a call goes, from the first of its URIs.
func host(input json.RawMessage) string {
	var in struct{ URI, From, Prefix string }
	if json.Unmarshal(input, &in) != nil {
		return "" // Run will say so
	}
	for _, uri := range []string{in.URI, in.From, in.Prefix} {
		if o, err := awsconf.ParseURI(uri); err == nil {
			return awsconf.S3Host(nil, o.Bucket)
		}
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// count is the output of what works on many objects.
type count struct {
	Count int `json:"count"`
}
