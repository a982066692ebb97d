package awsconf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestTheEndpointOfAService(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	const profiles = `[profile all]
endpoint_url = http://all:1
[profile one]
endpoint_url = http://all:1
services = here
[services here]
secrets_manager =
  endpoint_url = https://one:2/base
[profile odd]
endpoint_url = nowhere
[profile deaf]
endpoint_url = http://all:1
ignore_configured_endpoint_urls = true
[profile fips]
use_fips_endpoint = true
`
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_USE_FIPS_ENDPOINT",
		"AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	} {
		t.Setenv(name, "")
	}
	manager := JSON{ID: "Secrets Manager", Service: "secretsmanager"}
	const both = "a custom endpoint is set, and FIPS or dual-stack hosts are asked for too (unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or AWS_ENDPOINT_URL)"
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, "https://secretsmanager.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_REGION=cn-north-1"}, "https://secretsmanager.cn-north-1.amazonaws.com.cn/"},
		{[]string{"AWS_REGION=evil.test/x"}, "the AWS region is not valid (check AWS_REGION)"},
		{[]string{"AWS_ENDPOINT_URL=http://h:9000"}, "http://h:9000/"},
		{[]string{"AWS_ENDPOINT_URL=http://h:9000", "AWS_ENDPOINT_URL_SECRETS_MANAGER=https://m/x"}, "https://m/x"},
		{[]string{"AWS_ENDPOINT_URL_SSM=http://other"}, "https://secretsmanager.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_ENDPOINT_URL=http://h", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "https://secretsmanager.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_PROFILE=all"}, "http://all:1/"},
		{[]string{"AWS_PROFILE=one"}, "https://one:2/base"},
		{[]string{"AWS_PROFILE=one", "AWS_ENDPOINT_URL=http://h"}, "http://h/"},
		{[]string{"AWS_PROFILE=odd"}, "the endpoint_url of the AWS profile is no URL (write it like http://host:9000)"},
		{[]string{"AWS_PROFILE=deaf"}, "https://secretsmanager.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_PROFILE=fips"}, "https://secretsmanager-fips.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_USE_FIPS_ENDPOINT=true"}, "https://secretsmanager-fips.eu-west-1.amazonaws.com/"},
		{[]string{"AWS_USE_FIPS_ENDPOINT=true", "AWS_ENDPOINT_URL=http://h"}, both},
		{[]string{"AWS_USE_DUALSTACK_ENDPOINT=true", "AWS_REGION=us-iso-east-1"}, "https://secretsmanager.us-iso-east-1.api.aws.ic.gov/"},
	} {
		env := append([]string{"AWS_REGION=eu-west-1", "AWS_CONFIG_FILE=" + file, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}, c.env...)
		s, err := new(Sessions).Get(t.Context(), From(env))
		if err != nil {
			t.Fatal(c.env, err)
		}
		at, err := s.endpoint(manager)
		got := fmt.Sprint(err)
		if err == nil {
			got = at.String()
		}
		if got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.env, got, c.want)
		}
	}
}

// The SDK's table of partitions is closed, but what it says of a service shows.
func TestHostsAreThoseOfTheSDK(t *testing.T) {
	sdk := sts.NewDefaultEndpointResolverV2()
	for _, region := range []string{
		"eu-west-1", "ap-southeast-7", "xx-new-9", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1",
		"us-isof-south-1", "eusc-de-east-1",
	} {
		for i := range 4 {
			h := host{service: "sts", region: region, fips: i&1 != 0, dual: i&2 != 0}
			if region == "us-gov-west-1" && h.fips && !h.dual {
				continue // its ordinary host is the FIPS one, which is told of our services below
			}
			want, err := sdk.ResolveEndpoint(t.Context(), sts.EndpointParameters{Region: &region, UseFIPS: &h.fips, UseDualStack: &h.dual, UseGlobalEndpoint: aws.Bool(false)})
			if err != nil || h.String() != want.URI.Host {
				t.Errorf("%+v: %s, the SDK has %s (%v)", h, h, want.URI.Host, err)
			}
		}
	}
	for h, want := range map[host]string{
		{"ssm", "us-gov-west-1", true, false}:            "ssm.us-gov-west-1.amazonaws.com",
		{"ssm", "us-gov-west-1", true, true}:             "ssm-fips.us-gov-west-1.api.aws",
		{"ssm", "eu-west-1", false, true}:                "ssm.eu-west-1.api.aws",
		{"secretsmanager", "eu-west-1", false, true}:     "secretsmanager.eu-west-1.amazonaws.com",
		{"secretsmanager", "us-gov-west-1", true, true}:  "secretsmanager-fips.us-gov-west-1.amazonaws.com",
		{"secretsmanager", "us-gov-west-1", true, false}: "secretsmanager-fips.us-gov-west-1.amazonaws.com",
		{"secretsmanager", "cn-north-1", false, true}:    "secretsmanager.cn-north-1.amazonaws.com.cn",
		{"secretsmanager", "us-iso-east-1", false, true}: "secretsmanager.us-iso-east-1.api.aws.ic.gov",
	} {
		if h.String() != want {
			t.Errorf("%+v: %s, want %s", h, h, want)
		}
	}
}
