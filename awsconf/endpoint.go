package awsconf

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// endpoint is where calls of a service go: to what the variables or the profile say, else to AWS's
// own host. The SDK gives that answer to its own clients alone.
func (s *Session) endpoint(j JSON) (*url.URL, error) {
	if !smithyhttp.ValidHostLabel(s.Config.Region) {
		return nil, &Error{Fault: BadSettings, Text: "the AWS region is not valid", Hint: "check AWS_REGION"}
	}
	at := host{service: j.Service, region: s.Config.Region}
	at.fips, at.dual = s.variants()
	custom := s.customEndpoint(j.ID)
	if custom == "" {
		return &url.URL{Scheme: "https", Host: at.String(), Path: "/"}, nil
	}
	if at.fips || at.dual { // what is asked for must not be dropped in silence
		return nil, &Error{
			Fault: BadSettings, Text: "a custom endpoint is set, and FIPS or dual-stack hosts are asked for too",
			Hint: "unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or AWS_ENDPOINT_URL",
		}
	}
	u, err := url.Parse(custom)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" { // of a profile; variables are checked before
		return nil, &Error{Fault: BadSettings, Text: "the endpoint_url of the AWS profile is no URL", Hint: "write it like http://host:9000"}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: cmp.Or(u.Path, "/")}, nil
}

// customEndpoint is the URL that is set for a service, in the order in which S3's client looks;
// "" = none.
func (s *Session) customEndpoint(id string) string {
	if url := s.settings.Endpoint(strings.ToUpper(strings.ReplaceAll(id, " ", "_"))); url != "" {
		return url
	}
	ignored, _ := setting(s, func(from ignores) (bool, bool, error) {
		return from.GetIgnoreConfiguredEndpoints(context.Background())
	})
	if !ignored {
		if url, ok := setting(s, func(from endpoints) (string, bool, error) {
			return from.GetServiceBaseEndpoint(context.Background(), id)
		}); ok {
			return url
		}
	}
	return aws.ToString(s.Config.BaseEndpoint)
}

// variants tells whether hosts for FIPS, or that answer by IPv6 too, are asked for.
func (s *Session) variants() (fips, dual bool) {
	f, _ := setting(s, func(from fipsState) (aws.FIPSEndpointState, bool, error) {
		return from.GetUseFIPSEndpoint(context.Background())
	})
	d, _ := setting(s, func(from dualState) (aws.DualStackEndpointState, bool, error) {
		return from.GetUseDualStackEndpoint(context.Background())
	})
	return f == aws.FIPSEndpointStateEnabled, d == aws.DualStackEndpointStateEnabled
}

// What the SDK's sources of settings (options, variables, files) can be asked, as its clients ask.
type (
	ignores interface {
		GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
	}
	endpoints interface {
		GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
	}
	fipsState interface {
		GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
	}
	dualState interface {
		GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
	}
)

// setting asks the sources in their order, until one knows.
func setting[From, To any](s *Session, ask func(From) (To, bool, error)) (value To, found bool) {
	for _, source := range s.Config.ConfigSources {
		from, can := source.(From)
		if !can {
			continue
		}
		if value, found, err := ask(from); found && err == nil {
			return value, true
		}
	}
	return value, false
}
