package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
)

const mostListed = 1000

type listedObject struct {
	Key               string
	LastModified      string
	ETag              string
	Size              int64
	StorageClass      string
	ChecksumAlgorithm string
	ChecksumType      string
}

type commonPrefix struct{ Prefix string }

// A page is the answer to ListObjectsV2 and, with markers, to the old ListObjects.
type page struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	IsTruncated           bool
	KeyCount              *int
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	Marker                *string // of ListObjects alone
	NextMarker            string  `xml:",omitempty"`
	Contents              []listedObject
	CommonPrefixes        []commonPrefix
}

func (e *endpoint) list(w http.ResponseWriter, r *request) error {
	most := mostListed
	if text := r.get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return invalid("max-keys is not a number.")
		}
		most = min(n, mostListed)
	}
	v2, token := r.get("list-type") == "2", r.get("continuation-token")
	after := r.get("marker")
	if v2 {
		raw, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return invalid("The continuation token is not one of the sandbox's.")
		}
		after = cmp.Or(string(raw), r.get("start-after"))
	}
	all, err := e.sorted(r.bucket, r.get("prefix"), after)
	if err != nil {
		return err
	}
	p := page{Name: r.bucket, Prefix: r.get("prefix"), Delimiter: r.get("delimiter"), MaxKeys: most}
	last := p.fill(all, after)
	switch {
	case v2:
		count := len(p.Contents) + len(p.CommonPrefixes)
		p.KeyCount, p.StartAfter, p.ContinuationToken = &count, r.get("start-after"), token
		if p.IsTruncated {
			p.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
		}
	default:
		marker := r.get("marker")
		if p.Marker = &marker; p.IsTruncated {
			p.NextMarker = last
		}
	}
	if r.get("encoding-type") == "url" {
		p.escape()
	}
	answer(w, http.StatusOK, p)
	return nil
}

// fill takes as many as fit and returns the key or common prefix after which the next page begins.
func (p *page) fill(all []meta, after string) (last string) {
	group := ""
	for _, m := range all {
		common := ""
		if p.Delimiter != "" {
			if i := strings.Index(m.Key[len(p.Prefix):], p.Delimiter); i >= 0 {
				common = m.Key[:len(p.Prefix)+i+len(p.Delimiter)]
			}
		}
		if common != "" && (common == group || common == after) {
			continue // said already, by this page or the one before
		}
		if len(p.Contents)+len(p.CommonPrefixes) == p.MaxKeys {
			p.IsTruncated = p.MaxKeys > 0
			return last
		}
		if common != "" {
			group, last = common, common
			p.CommonPrefixes = append(p.CommonPrefixes, commonPrefix{common})
			continue
		}
		last = m.Key
		p.Contents = append(p.Contents, listedObject{
			m.Key, m.Modified.Format(isoTime), `"` + m.ETag + `"`, m.Size, "STANDARD", m.Sum.Algorithm, m.Sum.kind(),
		})
	}
	return last
}

// escape writes names so that XML can carry any of them.
func (p *page) escape() {
	p.EncodingType = "url"
	for _, s := range []*string{&p.Prefix, &p.Delimiter, &p.StartAfter, p.Marker, &p.NextMarker} {
		if s != nil {
			*s = escape(*s, true)
		}
	}
	for i := range p.Contents {
		p.Contents[i].Key = escape(p.Contents[i].Key, true)
	}
	for i := range p.CommonPrefixes {
		p.CommonPrefixes[i].Prefix = escape(p.CommonPrefixes[i].Prefix, true)
	}
}
