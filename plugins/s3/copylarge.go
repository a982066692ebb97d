package s3

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"weft/awsconf"
)

// large copies in parts what is too large for one call. All parts are of one version of the source.
// Type and metadata go along; tags do not, which would need a permission of their own.
func (c Copy) large(ctx context.Context, s *awsconf.Session, from, to awsconf.Object) error {
	info, found, err := s.Head(ctx, from, false)
	if err != nil {
		return err
	}
	if !found {
		return &awsconf.Error{Fault: awsconf.NoObject, Text: "there is no such object"}
	}
	made, err := s.S3().CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{
		Bucket: &to.Bucket, Key: &to.Key, ContentType: &info.ContentType, Metadata: info.Metadata,
	})
	if err != nil {
		return awsconf.Explain(err)
	}
	err = c.parts(ctx, s, from, to, info, made.UploadId)
	if err != nil {
		// Parts cost money until they are removed, even if it is ctx that has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, _ = s.S3().AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: &to.Bucket, Key: &to.Key, UploadId: made.UploadId})
	}
	return awsconf.Explain(err)
}

func (c Copy) parts(ctx context.Context, s *awsconf.Session, from, to awsconf.Object, info awsconf.Info, id *string) error {
	const mostParts = 10_000
	size := max(512<<20, (info.Size+mostParts-1)/mostParts)
	if c.part > 0 {
		size = c.part
	}
	done := make([]types.CompletedPart, (info.Size+size-1)/size)
	copying, within := errgroup.WithContext(ctx)
	copying.SetLimit(atOnce)
	for i := range done {
		number, first := int32(i+1), int64(i)*size
		copying.Go(func() error {
			out, err := s.S3().UploadPartCopy(within, &awss3.UploadPartCopyInput{
				Bucket: &to.Bucket, Key: &to.Key, UploadId: id, PartNumber: &number,
				CopySource: source(from), CopySourceIfMatch: aws.String(`"` + info.ETag + `"`),
				CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", first, min(first+size, info.Size)-1)),
			})
			if err != nil {
				return err
			}
			r := out.CopyPartResult
			done[i] = types.CompletedPart{
				PartNumber: &number, ETag: r.ETag, ChecksumCRC32: r.ChecksumCRC32, ChecksumCRC32C: r.ChecksumCRC32C,
				ChecksumCRC64NVME: r.ChecksumCRC64NVME, ChecksumSHA1: r.ChecksumSHA1, ChecksumSHA256: r.ChecksumSHA256,
			}
			return nil
		})
	}
	if err := copying.Wait(); err != nil {
		return err
	}
	_, err := s.S3().CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
		Bucket: &to.Bucket, Key: &to.Key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	return err
}
