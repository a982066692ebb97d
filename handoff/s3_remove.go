package handoff

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"weft/awsconf"
)

// Measure implements Remover.
func (b bucket) Measure(ctx context.Context, prefix string) (Amount, error) {
	var n Amount
	err := b.each(ctx, prefix, func(_ *awsconf.Session, page []types.Object) error {
		n = n.Plus(sumOf(page))
		return nil
	})
	if err != nil {
		return Amount{}, fmt.Errorf("cannot look into %s for %s: %w", b.at, prefix, err)
	}
	return n, nil
}

// Remove implements Remover: a page of the listing is one request. In a bucket with versions the old
// ones stay, by the bucket's own rules; so do parts of uploads that a crash cut off.
func (b bucket) Remove(ctx context.Context, prefix string) (Amount, error) {
	var gone Amount
	err := b.each(ctx, prefix, func(s *awsconf.Session, page []types.Object) error {
		keys := make([]string, len(page))
		size := map[string]int64{}
		for i, o := range page {
			keys[i] = aws.ToString(o.Key)
			size[keys[i]] = aws.ToInt64(o.Size)
		}
		left, err := s.DeleteKeys(ctx, b.at.Bucket, keys)
		gone = gone.Plus(sumOf(page))
		for _, key := range left {
			gone = gone.Plus(Amount{-1, -size[key]})
		}
		return err
	})
	if err != nil {
		return gone, fmt.Errorf("cannot remove %s from %s: %w", prefix, b.at, err)
	}
	return gone, nil
}

// each lists what lies below a prefix, page by page.
func (b bucket) each(ctx context.Context, prefix string, do func(*awsconf.Session, []types.Object) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	from := awsconf.Object{Bucket: b.at.Bucket, Key: b.at.Key + prefix + "/"}
	if _, err := awsconf.ParseURI(from.String()); err != nil {
		return err
	}
	s, err := awsconf.For(ctx, nil)
	if err != nil {
		return err
	}
	return s.List(ctx, from, func(page []types.Object) error { return do(s, page) })
}

func sumOf(page []types.Object) (n Amount) {
	for _, o := range page {
		n = n.Plus(Amount{1, aws.ToInt64(o.Size)})
	}
	return n
}
