package awsconf

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

const (
	// attempts is how often a call is made in all, unless AWS_MAX_ATTEMPTS says otherwise. The SDK's
	// own 3 give up within two seconds of throttling.
	attempts = 6
	// answerWithin bounds the wait for an answer's head. S3 sends it early even where the work is long.
	answerWithin = time.Minute
	// idle is how many connections to a host are kept between calls. The SDK's own 10 would close those
	// beyond them after each call.
	idle = 64
	// placeless is the region of a custom endpoint for which none is set: something must be signed.
	placeless = "us-east-1"
)

type loadOption = func(*config.LoadOptions) error

// config makes the SDK's configuration. What the variables say is handed to it explicitly, because it
// would read the program's own; files, containers' and machines' credentials it finds by itself, once
// they are needed.
func (s Settings) config(ctx context.Context) (aws.Config, error) {
	if err := s.checkEndpoints(); err != nil {
		return aws.Config{}, err
	}
	options, err := s.options()
	if err != nil {
		return aws.Config{}, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, explainLoad(ctx, err, s)
	}
	if cfg.RetryMaxAttempts == 0 {
		cfg.RetryMaxAttempts = attempts
	}
	if url := s.Endpoint(""); url != "" {
		cfg.BaseEndpoint = &url
	}
	if cfg.Region == "" && (cfg.BaseEndpoint != nil || s.custom()) {
		cfg.Region = placeless
	}
	if cfg.Region == "" {
		return aws.Config{}, &Error{Fault: BadSettings, Text: "no AWS region is set", Hint: "set AWS_REGION; without an account, run it with --sandbox"}
	}
	return cfg, nil
}

// custom tells whether some service has an endpoint of its own.
func (s Settings) custom() bool {
	for name := range s.vars {
		if strings.HasPrefix(name, endpointName+"_") {
			return true
		}
	}
	return false
}

func (s Settings) sts(cfg aws.Config) *sts.Client {
	return sts.NewFromConfig(cfg, func(o *sts.Options) {
		if url := s.Endpoint("STS"); url != "" {
			o.BaseEndpoint = &url
		}
	})
}

// client is what sends requests. One of any other make cannot take AWS_CA_BUNDLE.
func (s Settings) client() config.HTTPClient {
	if s.wire != nil {
		return s.wire
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = answerWithin
		t.MaxIdleConnsPerHost = idle
	})
}

func (s Settings) options() ([]loadOption, error) {
	options := []loadOption{
		config.WithHTTPClient(s.client()),
		config.WithCredentialsCacheOptions(cacheEarly),
		config.WithLogger(logging.Nop{}), // standard error belongs to the live tree
	}
	key, secret := s.vars["AWS_ACCESS_KEY_ID"], s.vars["AWS_SECRET_ACCESS_KEY"]
	switch {
	case (key == "") != (secret == ""):
		return nil, &Error{Fault: NoCredentials, Text: "half a pair of AWS credentials is set", Hint: "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
	case key != "":
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(key, secret, s.vars["AWS_SESSION_TOKEN"])))
	}
	if v := s.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE"); v != "" {
		options = append(options, config.WithSharedConfigProfile(v))
	}
	if v := s.first("AWS_REGION", "AWS_DEFAULT_REGION"); v != "" {
		options = append(options, config.WithRegion(v))
	}
	if v := s.vars["AWS_CONFIG_FILE"]; v != "" {
		options = append(options, config.WithSharedConfigFiles([]string{v}))
	}
	if v := s.vars["AWS_SHARED_CREDENTIALS_FILE"]; v != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{v}))
	}
	return s.manners(options)
}

// manners are the options that say how calls are made.
func (s Settings) manners(options []loadOption) ([]loadOption, error) {
	if v := s.vars["AWS_CA_BUNDLE"]; v != "" {
		pem, err := os.ReadFile(v)
		if err != nil {
			return nil, &Error{Fault: BadSettings, Text: "the AWS_CA_BUNDLE cannot be read", Hint: "check the path " + v, cause: err}
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(pem)))
	}
	if v := s.vars["AWS_MAX_ATTEMPTS"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, &Error{Fault: BadSettings, Text: "AWS_MAX_ATTEMPTS is no whole number above 0"}
		}
		options = append(options, config.WithRetryMaxAttempts(n))
	}
	if strings.EqualFold(s.vars["AWS_EC2_METADATA_DISABLED"], "true") {
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	if strings.EqualFold(s.vars["AWS_REQUEST_CHECKSUM_CALCULATION"], "when_required") {
		options = append(options, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired))
	}
	if strings.EqualFold(s.vars["AWS_USE_FIPS_ENDPOINT"], "true") {
		options = append(options, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	if strings.EqualFold(s.vars["AWS_USE_DUALSTACK_ENDPOINT"], "true") {
		options = append(options, config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled))
	}
	return options, nil
}

func explainLoad(ctx context.Context, err error, s Settings) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) {
		return &Error{
			Fault: NoCredentials, Text: "there is no AWS profile " + strconv.Quote(s.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE")),
			Hint: "write it into ~/.aws/config, or set AWS_PROFILE to one that is there", cause: err,
		}
	}
	return &Error{Fault: BadSettings, Text: "the AWS configuration cannot be read: " + err.Error(), cause: err}
}
