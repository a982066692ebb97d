package awsconf

import (
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A checksum compares what passes with what S3 has kept of the whole object. The SDK checks a body
// that comes in one go, but none that was taken up again.
type checksum struct {
	hash.Hash // nil: nothing to compare with
	want      string
}

// nvme is the table of CRC-64/NVME, made when it is first needed: it takes a while.
var nvme = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })

// checksumOf chooses the cheapest sum of the whole. A composite one, a sum of parts' sums, is none.
func checksumOf(out *s3.GetObjectOutput) *checksum {
	if out.ChecksumType == types.ChecksumTypeComposite {
		return &checksum{}
	}
	for _, c := range []struct {
		want *string
		with func() hash.Hash
	}{
		{out.ChecksumCRC32, func() hash.Hash { return crc32.NewIEEE() }},
		{out.ChecksumCRC32C, func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
		{out.ChecksumCRC64NVME, func() hash.Hash { return crc64.New(nvme()) }},
		{out.ChecksumSHA256, sha256.New},
	} {
		if raw, err := base64.StdEncoding.DecodeString(aws.ToString(c.want)); err == nil && len(raw) > 0 {
			return &checksum{c.with(), *c.want} // "…-3", of parts, does not decode
		}
	}
	return &checksum{}
}

// Write implements io.Writer; it never fails.
func (c *checksum) Write(p []byte) (int, error) {
	if c.Hash == nil {
		return len(p), nil
	}
	return c.Hash.Write(p)
}

// end is the end of file, or an error if the bytes were others.
func (c *checksum) end() error {
	if c.Hash != nil && base64.StdEncoding.EncodeToString(c.Sum(nil)) != c.want {
		return &Error{Fault: Damaged, Text: "the bytes that came do not fit their checksum"}
	}
	return io.EOF
}
