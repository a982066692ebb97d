// Package s3 is the plugins s3.put, s3.get, s3.head, s3.list, s3.copy and s3.delete: objects of S3,
// and of any server that speaks as it does. A file each; what a task may say of credentials, region
// and endpoint are the AWS_* variables of its environment (awsconf).
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weft/awsconf"
	"weft/plugins"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin {
	return []plugins.Plugin{Copy{}, Delete{}, Get{}, Head{}, List{}, Put{}}
}

// begin reads the input and finds the way to AWS.
func begin(ctx context.Context, call *plugins.Call, in any) (*awsconf.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(call.Input, in); err != nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the input: it is not what the plugin's schema describes")
	}
	s, err := awsconf.For(ctx, call.Env)
	return s, failed(ctx, "reach AWS", err)
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

// failed says what could not be done, and gives a failure its kind. The end of ctx speaks for itself.
func failed(ctx context.Context, what string, err error) error {
	var ours *plugins.Error
	var aws *awsconf.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ours):
		return ours
	case !errors.As(err, &aws): // the source of the bytes, or their destination
		return plugins.Errorf(plugins.Temporary, "cannot %s: %w", what, plain(err))
	}
	kind := plugins.Remote
	switch {
	case aws.Temporary():
		kind = plugins.Temporary
	case aws.Fault == awsconf.BadRequest, aws.Fault == awsconf.BadSettings:
		kind = plugins.BadInput
	}
	return &plugins.Error{Kind: kind, Err: fmt.Errorf("cannot %s: %s", what, aws.Text), Hint: aws.Hint}
}

// result makes an output of what a plugin has found out.
func result(out any) (plugins.Result, error) {
	raw, err := json.Marshal(out)
	return plugins.Result{Output: raw}, err
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
