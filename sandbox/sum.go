package sandbox

import (
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// The tables of CRC-32C and CRC-64/NVME, made when they are first needed.
var (
	castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })
	nvme       = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })
)

// algorithms are S3's checksums, by the names it gives them.
var algorithms = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(castagnoli()) },
	"CRC64NVME": func() hash.Hash { return crc64.New(nvme()) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
}

// usual is the checksum of an object for which none was asked, as in S3.
const usual = "CRC64NVME"

// A sum is the one checksum that an object or a part has.
type sum struct {
	Algorithm string
	Value     string // base64; of parts' sums with -N behind it
}

func sumHeader(algorithm string) string {
	return http.CanonicalHeaderKey("x-amz-checksum-" + algorithm)
}

// kind is what S3 calls the way in which it was made.
func (s sum) kind() string {
	if strings.Contains(s.Value, "-") { // not in base64
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// tell writes it into an answer's header.
func (s sum) tell(h http.Header) {
	if s.Algorithm != "" {
		h.Set(sumHeader(s.Algorithm), s.Value)
	}
}

// MarshalXML implements xml.Marshaler: the element is named by the algorithm.
func (s sum) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	if s.Algorithm == "" {
		return nil
	}
	return e.EncodeElement(s.Value, xml.StartElement{Name: xml.Name{Local: "Checksum" + s.Algorithm}})
}

// asked is the algorithm that a request names for its own body; "" = none. ok is false if it names
// one that there is not, or more than one.
func asked(h http.Header) (algorithm string, ok bool) {
	for name := range algorithms {
		if h.Get(sumHeader(name)) != "" {
			if algorithm != "" {
				return "", false
			}
			algorithm = name
		}
	}
	for _, named := range []string{
		strings.TrimPrefix(strings.ToLower(h.Get("X-Amz-Trailer")), "x-amz-checksum-"),
		h.Get("X-Amz-Sdk-Checksum-Algorithm"), h.Get("X-Amz-Checksum-Algorithm"),
	} {
		named = strings.ToUpper(named)
		switch {
		case named == "":
		case algorithms[named] == nil, algorithm != "" && algorithm != named:
			return "", false
		default:
			algorithm = named
		}
	}
	return algorithm, true
}

func encode(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// composite is the sum of parts' sums.
func composite(algorithm string, parts []sum) (sum, error) {
	h := algorithms[algorithm]()
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Value)
		if err != nil {
			return sum{}, err
		}
		h.Write(raw)
	}
	return sum{algorithm, encode(h) + "-" + strconv.Itoa(len(parts))}, nil
}
