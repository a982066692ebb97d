package awsconf

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// An Object is a place in S3: a bucket, and a key or the beginning of keys.
type Object struct{ Bucket, Key string }

// String is the object's URI. Keys stand in it raw, as in every AWS tool: %20 is three characters.
func (o Object) String() string { return "s3://" + o.Bucket + "/" + o.Key }

// maxKey is S3's own limit.
const maxKey = 1024

var bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })

// ParseURI reads s3://bucket/key. The key may be empty, and it may be a beginning of keys. A part
// `.` or `..` is refused: S3 takes it for a name, but what stands in between takes it for a way
// out of the bucket. What is wrong is said as a clause, for a caller's sentence.
func ParseURI(uri string) (Object, error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	if !ok {
		return Object{}, errors.New("it is no URI of S3 (write s3://bucket/key)")
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if !bucketName().MatchString(bucket) || strings.Contains(bucket, "..") {
		return Object{}, fmt.Errorf("%.80q is no bucket's name (3 to 63 of a-z 0-9 . -)", bucket)
	}
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	return Object{bucket, key}, nil
}

func checkKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("its key has %d bytes, at most %d are allowed", len(key), maxKey)
	}
	if !utf8.ValidString(key) {
		return errors.New("its key is not UTF-8")
	}
	for _, r := range key {
		if r < ' ' || r == 0x7f {
			return errors.New("its key holds a control character")
		}
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return fmt.Errorf("its key has the part %q", part)
		}
	}
	return nil
}
