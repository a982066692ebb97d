package awsconf

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
)

// S3 is the session's client of S3, the same for every caller.
func (s *Session) S3() *s3.Client { return s.s3() }

// onceS3 makes the client when it is first needed; each adds to what its requests carry.
func onceS3(s *Session, each ...func(*middleware.Stack) error) func() *s3.Client {
	return sync.OnceValue(func() *s3.Client { return s.newS3(each) })
}

func (s *Session) newS3(each []func(*middleware.Stack) error) *s3.Client {
	return s3.NewFromConfig(s.Config, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, each...)
		if endpoint := s.settings.Endpoint("S3"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		// A bucket's name before a custom host is no name that resolves: 127.0.0.1, minio.corp.
		o.UsePathStyle = o.BaseEndpoint != nil && !amazons(*o.BaseEndpoint)
		o.Retryer = s.retryer()
		// Old objects and many servers have no checksum; that is no news.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

func amazons(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// S3Host is the host to which calls about a bucket go, as far as the environment alone tells.
func S3Host(env []string, bucket string) string {
	return Host(env, "S3", bucket+".s3")
}

// Info is what is known of an object without reading it.
type Info struct {
	Size        int64
	ETag        string // without quotes
	Modified    time.Time
	ContentType string
	SHA256      string // hex, if whoever wrote it said so (Upload.SHA256); else ""
	Metadata    map[string]string
}

// sumKey is the metadata that holds an object's SHA-256 in hex.
const sumKey = "sha256"

// Head looks at an object; found is false where there is none. A bucket that does not exist looks
// the same unless sure is set: then a second call tells, and that is an error.
func (s *Session) Head(ctx context.Context, o Object, sure bool) (info Info, found bool, err error) {
	out, err := s.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.Bucket, Key: &o.Key})
	if err == nil && out.ETag == nil && out.LastModified == nil {
		return Info{}, false, notS3()
	}
	if err == nil {
		return Info{
			Size: aws.ToInt64(out.ContentLength), ETag: bareTag(out.ETag), Modified: aws.ToTime(out.LastModified),
			ContentType: aws.ToString(out.ContentType), SHA256: sumOf(out.Metadata), Metadata: out.Metadata,
		}, true, nil
	}
	err = Explain(err)
	if FaultOf(err) != NoObject {
		return Info{}, false, s.nameRegion(ctx, o.Bucket, err)
	}
	if sure {
		// Whoever may not ask about the bucket (403) has at least not been told that it is absent.
		_, asked := s.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &o.Bucket})
		if asked != nil && FaultOf(Explain(asked)) == NoObject {
			known := codes["NoSuchBucket"]
			return Info{}, false, &known
		}
	}
	return Info{}, false, nil
}

// nameRegion adds to an error about the region which one would be right, where S3 tells.
func (s *Session) nameRegion(ctx context.Context, bucket string, err error) error {
	if FaultOf(err) != WrongRegion {
		return err
	}
	_, asked := s.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	var resp *awshttp.ResponseError
	if !errors.As(asked, &resp) {
		return err
	}
	return &Error{Fault: WrongRegion, Text: codes["PermanentRedirect"].Text, Hint: regionHint(resp), cause: err}
}

// List gives what lies below a beginning of keys, page by page, in the order of S3. each ends the
// listing by returning an error, which List returns as it is.
func (s *Session) List(ctx context.Context, prefix Object, each func([]types.Object) error) error {
	pages := s3.NewListObjectsV2Paginator(s.S3(), &s3.ListObjectsV2Input{Bucket: &prefix.Bucket, Prefix: &prefix.Key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			err = s.nameRegion(ctx, prefix.Bucket, Explain(err))
			if FaultOf(err) == NoObject { // the bucket: nothing else was asked for
				known := codes["NoSuchBucket"]
				return &known
			}
			return err
		}
		if page.Name == nil && page.IsTruncated == nil {
			return notS3()
		}
		if err := each(page.Contents); err != nil {
			return err
		}
	}
	return nil
}

func bareTag(tag *string) string { return strings.Trim(aws.ToString(tag), `"`) }

func sumOf(metadata map[string]string) string {
	sum := metadata[sumKey]
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 {
		return ""
	}
	return sum
}

// checksums tells whether requests carry checksums. Some servers refuse them
// (AWS_REQUEST_CHECKSUM_CALCULATION=when_required).
func (s *Session) checksums() bool {
	return cmp.Or(s.Config.RequestChecksumCalculation, aws.RequestChecksumCalculationWhenSupported) != aws.RequestChecksumCalculationWhenRequired
}
