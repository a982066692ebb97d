package awsconf

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// maxDeleted is how many keys one request may name.
const maxDeleted = 1000

// DeleteKeys removes objects by their keys, a thousand a request. A key that is not there counts as
// removed. left are those that are still there, as far as S3 said so: all of a request that failed.
func (s *Session) DeleteKeys(ctx context.Context, bucket string, keys []string) (left []string, err error) {
	for len(keys) > 0 {
		now := keys[:min(len(keys), maxDeleted)]
		refused, failed := s.deleteSome(ctx, bucket, now)
		left = append(left, refused...)
		if err == nil {
			err = failed // the first speaks for all
		}
		if failed != nil && len(refused) == len(now) { // the others would fare no better
			return append(left, keys[len(now):]...), err
		}
		keys = keys[len(now):]
	}
	return left, err
}

func (s *Session) deleteSome(ctx context.Context, bucket string, keys []string) (left []string, err error) {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		ids[i] = types.ObjectIdentifier{Key: &keys[i]}
	}
	out, err := s.S3().DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return keys, s.nameRegion(ctx, bucket, Explain(err))
	}
	for _, e := range out.Errors {
		left = append(left, aws.ToString(e.Key))
	}
	if len(left) == 0 {
		return nil, nil
	}
	first := Explain(&smithy.GenericAPIError{Code: aws.ToString(out.Errors[0].Code), Message: aws.ToString(out.Errors[0].Message)})
	return left, fmt.Errorf("%d of %d objects are still there, %s among them: %w", len(left), len(keys), left[0], first)
}
