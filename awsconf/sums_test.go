package awsconf

import (
	"math/rand/v2"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestSumsOfPartsMakeTheSumOfTheWhole: for each kind of sum that S3 keeps, texts cut anywhere.
func TestSumsOfPartsMakeTheSumOfTheWhole(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for name, out := range map[string]s3.GetObjectOutput{
		"CRC-32":      {ChecksumCRC32: aws.String("AAAA")},
		"CRC-32C":     {ChecksumCRC32C: aws.String("AAAA")},
		"CRC-64/NVME": {ChecksumCRC64NVME: aws.String("AAAA")},
	} {
		c := checksumOf(&out)
		if !c.joins() {
			t.Fatalf("%s: its parts cannot be joined", name)
		}
		for range 200 {
			text := make([]byte, r.IntN(5000))
			for i := range text {
				text[i] = byte(r.Uint32())
			}
			whole := c.kind.with()
			whole.Write(text)
			var joined partSum
			for rest := text; len(rest) > 0; {
				n := 1 + r.IntN(len(rest))
				one := c.kind.with()
				one.Write(rest[:n])
				joined = partSum{c.kind.poly.join(joined.sum, valueOf(one), int64(n)), joined.n + int64(n)}
				rest = rest[n:]
			}
			if joined.sum != valueOf(whole) {
				t.Fatalf("%s of %d bytes: %x joined, %x whole", name, len(text), joined.sum, valueOf(whole))
			}
		}
	}
	if checksumOf(&s3.GetObjectOutput{ChecksumSHA256: aws.String("AAAA")}).joins() {
		t.Error("SHA-256 of parts says nothing of the whole")
	}
}
