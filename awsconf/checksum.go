package awsconf

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
	kind      sumKind
	want      string
}

// A sumKind is how a sum is made.
type sumKind struct {
	with func() hash.Hash
	poly polynomial // the zero value: sums of parts say nothing of the whole
}

// nvmeBits is CRC-64/NVME, nvme its table, made when it is first needed: it takes a while.
const nvmeBits = 0x9a6c9329ac4bc9b5

var nvme = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(nvmeBits) })

// checksumOf chooses the cheapest sum of the whole. A composite one, a sum of parts' sums, is none.
func checksumOf(out *s3.GetObjectOutput) *checksum {
	if out.ChecksumType == types.ChecksumTypeComposite {
		return &checksum{}
	}
	for _, c := range []struct {
		want *string
		kind sumKind
	}{
		{out.ChecksumCRC32, sumKind{func() hash.Hash { return crc32.NewIEEE() }, polynomial{crc32.IEEE, 1 << 31}}},
		{out.ChecksumCRC32C, sumKind{func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, polynomial{crc32.Castagnoli, 1 << 31}}},
		{out.ChecksumCRC64NVME, sumKind{func() hash.Hash { return crc64.New(nvme()) }, polynomial{nvmeBits, 1 << 63}}},
		{out.ChecksumSHA256, sumKind{with: sha256.New}},
	} {
		if raw, err := base64.StdEncoding.DecodeString(aws.ToString(c.want)); err == nil && len(raw) > 0 {
			return &checksum{c.kind.with(), c.kind, *c.want} // "…-3", of parts, does not decode
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
	if c.Hash != nil {
		return c.fits(c.Sum(nil))
	}
	return io.EOF
}

func (c *checksum) fits(sum []byte) error {
	if base64.StdEncoding.EncodeToString(sum) != c.want {
		return &Error{Fault: Damaged, Text: "the bytes that came do not fit their checksum"}
	}
	return io.EOF
}

// joins tells whether the sum of the whole can be had from those of its parts.
func (c *checksum) joins() bool { return c.kind.poly.one != 0 }

// A partSum is the sum of some bytes and how many they are.
type partSum struct {
	sum uint64
	n   int64
}

// endJoined is end, for parts that were summed up each by itself.
func (c *checksum) endJoined(parts []partSum) error {
	var whole partSum
	for _, p := range parts {
		whole = partSum{c.kind.poly.join(whole.sum, p.sum, p.n), whole.n + p.n}
	}
	raw := binary.BigEndian.AppendUint64(nil, whole.sum)
	return c.fits(raw[8-c.Size():])
}

// valueOf is a CRC as a number.
func valueOf(sum hash.Hash) uint64 {
	var raw [8]byte
	return binary.BigEndian.Uint64(append(raw[:8-sum.Size()], sum.Sum(nil)...))
}
