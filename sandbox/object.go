package sandbox

import (
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// kept are the headers that come back with an object as they were sent, beside x-amz-meta-*.
var kept = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

const metaPrefix = "x-amz-meta-"

func headerOf(h http.Header) map[string]string {
	out := map[string]string{}
	for name := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, metaPrefix) {
			out[lower] = strings.Join(h.Values(name), ",")
		}
	}
	for _, name := range kept {
		v := h.Get(name)
		if name == "Content-Encoding" { // aws-chunked is how it was sent, not what it is
			var rest []string
			for one := range strings.SplitSeq(v, ",") {
				if one = strings.TrimSpace(one); one != "" && one != "aws-chunked" {
					rest = append(rest, one)
				}
			}
			v = strings.Join(rest, ",")
		}
		if v != "" {
			out[name] = v
		}
	}
	if out["Content-Type"] == "" {
		out["Content-Type"] = "binary/octet-stream"
	}
	return out
}

func (e *endpoint) putObject(w http.ResponseWriter, r *request) error {
	c, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	if err := e.exists(r.bucket); err != nil {
		return err
	}
	b, t, err := e.store(r, "")
	if err != nil {
		return err
	}
	o := &object{meta{r.key, t.size, hex.EncodeToString(t.md5), e.now().UTC(), headerOf(r.Header), t.sum}, b}
	if err := e.put(r.bucket, o, c); err != nil {
		return err
	}
	w.Header().Set("Etag", `"`+o.ETag+`"`)
	o.Sum.tell(w.Header())
	w.Header().Set("X-Amz-Checksum-Type", o.Sum.kind())
	w.WriteHeader(http.StatusOK)
	return nil
}

func (e *endpoint) get(w http.ResponseWriter, r *request) error {
	o, c, err := e.read(r.bucket, r.key)
	if err != nil {
		return err
	}
	defer c.Close()
	h := w.Header()
	h.Set("Etag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	if want := r.Header.Get("If-Match"); want != "" && !matches(want, o.ETag) {
		return errPrecondition
	}
	if not := r.Header.Get("If-None-Match"); not != "" && matches(not, o.ETag) {
		return errUnchanged
	}
	first, n, part, err := within(r.Header.Get("Range"), o.Size)
	if err != nil {
		return err
	}
	for name, v := range o.Header {
		h[name] = []string{v} // metadata in lower case: some clients tell a from A
	}
	for _, name := range kept {
		if v := r.get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(n, 10))
	status := http.StatusOK
	if part {
		status = http.StatusPartialContent
		h.Set("Content-Range", rangeText(first, n, o.Size))
	} else if strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		o.Sum.tell(h)
		h.Set("X-Amz-Checksum-Type", o.Sum.kind())
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, io.NewSectionReader(c, first, n)) // the client sees that bytes are missing
	}
	return nil
}

// matches tells whether a tag is in a list of them, as conditions name them.
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.Trim(one, `"`) == tag {
			return true
		}
	}
	return false
}

func rangeText(first, n, size int64) string {
	return "bytes " + strconv.FormatInt(first, 10) + "-" + strconv.FormatInt(first+n-1, 10) + "/" + strconv.FormatInt(size, 10)
}

// within reads a range: bytes=a-b, bytes=a- or bytes=-n. Any other text is no range, as in S3, and
// means the whole.
func within(text string, size int64) (first, n int64, part bool, err error) {
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	if !ok || !strings.HasPrefix(text, "bytes=") {
		return 0, size, false, nil
	}
	a, badA := strconv.ParseUint(from, 10, 63)
	b, badB := strconv.ParseUint(to, 10, 63)
	first, last := int64(a), int64(b)
	switch {
	case from == "" && badB == nil: // the last b bytes
		first, last = max(0, size-last), size-1
	case badA == nil && to == "":
		last = size - 1
	case badA != nil || badB != nil || first > last:
		return 0, size, false, nil
	}
	last = min(last, size-1)
	if first > last {
		return 0, 0, false, errRange
	}
	return first, last - first + 1, true, nil
}

// copy copies an object within the sandbox, as a new one with its own time and sum.
func (e *endpoint) copy(w http.ResponseWriter, r *request) error {
	cond, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	from, c, err := e.source(r)
	if err != nil {
		return err
	}
	defer c.Close()
	replace := strings.EqualFold(r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE")
	algorithm, ok := asked(r.Header)
	if !ok {
		return invalid("The checksum's algorithm is not known, or there are two.")
	}
	if algorithm == "" {
		algorithm = from.Sum.Algorithm
	}
	b, t, err := e.assemble(algorithm, io.NewSectionReader(c, 0, from.Size))
	if err != nil {
		return err
	}
	o := &object{meta{r.key, t.size, hex.EncodeToString(t.md5), e.now().UTC(), from.Header, t.sum}, b}
	if replace {
		o.Header = headerOf(r.Header)
	}
	if err := e.put(r.bucket, o, cond); err != nil {
		return err
	}
	answer(w, http.StatusOK, copied{xml.Name{Local: "CopyObjectResult"}, `"` + o.ETag + `"`, o.Modified.Format(isoTime), o.Sum})
	return nil
}

type copied struct {
	XMLName      xml.Name
	ETag         string
	LastModified string
	Sum          sum
}
