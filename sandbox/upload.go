package sandbox

import (
	"cmp"
	"crypto/md5" //nolint:gosec // S3's ETag
	"encoding/hex"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	mostParts = 10_000
	leastPart = 5 << 20 // but for the last
)

// ofUpload serves uploads in parts: nothing of one is seen before it is complete.
func (e *endpoint) ofUpload(w http.ResponseWriter, r *request) error {
	id := r.get("uploadId")
	switch {
	case r.Method == http.MethodPost && r.has("uploads"):
		return e.begin(w, r)
	case r.Method == http.MethodPut:
		return e.putPart(w, r)
	case r.Method == http.MethodPost:
		return e.complete(w, r)
	case r.Method == http.MethodDelete:
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, err := e.upload(r, id); err != nil {
			return err
		}
		e.forget(id)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return errNotThere
}

// upload returns what a request's uploadId names. The caller holds mu.
func (v *vault) upload(r *request, id string) (*upload, error) {
	if _, err := v.bucket(r.bucket); err != nil {
		return nil, err
	}
	u := v.uploads[id]
	if u == nil || u.bucket != r.bucket || u.key != r.key {
		return nil, errNoUpload
	}
	return u, nil
}

// forget removes an upload and its parts. The caller holds mu.
func (v *vault) forget(id string) {
	for _, p := range v.uploads[id].parts {
		p.blob.drop()
	}
	delete(v.uploads, id)
}

func (e *endpoint) begin(w http.ResponseWriter, r *request) error {
	algorithm, ok := asked(r.Header)
	if !ok {
		return invalid("The checksum's algorithm is not known, or there are two.")
	}
	kind := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Type"))
	switch {
	case kind == "" && (algorithm == "" || algorithm == usual):
		kind = "FULL_OBJECT"
	case kind == "":
		kind = "COMPOSITE"
	case kind != "FULL_OBJECT" && kind != "COMPOSITE":
		return invalid("The checksum's type is FULL_OBJECT or COMPOSITE.")
	}
	u := &upload{r.bucket, r.key, e.now().UTC(), headerOf(r.Header), sum{cmp.Or(algorithm, usual), kind}, map[int]*object{}}
	id := random(16)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := e.bucket(r.bucket); err != nil {
		return err
	}
	e.uploads[id] = u
	w.Header().Set("X-Amz-Checksum-Algorithm", u.sum.Algorithm)
	w.Header().Set("X-Amz-Checksum-Type", kind)
	answer(w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: r.bucket, Key: r.key, UploadID: id})
	return nil
}

func (e *endpoint) putPart(w http.ResponseWriter, r *request) error {
	id := r.get("uploadId")
	number, err := strconv.Atoi(r.get("partNumber"))
	if err != nil || number < 1 || number > mostParts {
		return invalid("The number of a part is from 1 to 10000.")
	}
	e.mu.Lock()
	u, err := e.upload(r, id)
	e.mu.Unlock()
	if err != nil {
		return err
	}
	copying := r.Header.Get("X-Amz-Copy-Source") != ""
	var b blob
	var t taken
	if copying {
		b, t, err = e.copyPart(r, u.sum.Algorithm)
	} else {
		b, t, err = e.store(r, u.sum.Algorithm)
	}
	if err != nil {
		return err
	}
	p := &object{meta{Size: t.size, ETag: hex.EncodeToString(t.md5), Modified: e.now().UTC(), Sum: t.sum}, b}
	if err := e.addPart(r, id, number, p); err != nil {
		b.drop()
		return err
	}
	if copying {
		answer(w, http.StatusOK, copied{xml.Name{Local: "CopyPartResult"}, `"` + p.ETag + `"`, p.Modified.Format(isoTime), p.Sum})
		return nil
	}
	w.Header().Set("Etag", `"`+p.ETag+`"`)
	p.Sum.tell(w.Header())
	w.WriteHeader(http.StatusOK)
	return nil
}

func (e *endpoint) addPart(r *request, id string, number int, p *object) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.upload(r, id) // it may have been aborted meanwhile
	if err != nil {
		return err
	}
	if p.Sum.Algorithm != u.sum.Algorithm {
		return invalid("The part's checksum is of another algorithm than the upload's.")
	}
	if old := u.parts[number]; old != nil {
		old.blob.drop()
	}
	u.parts[number] = p
	return nil
}

func (e *endpoint) copyPart(r *request, algorithm string) (blob, taken, error) {
	from, c, err := e.source(r)
	if err != nil {
		return nil, taken{}, err
	}
	defer c.Close()
	text := r.Header.Get("X-Amz-Copy-Source-Range")
	first, n, part, err := within(text, from.Size)
	if err != nil || text != "" && !part {
		return nil, taken{}, errRange
	}
	return e.assemble(algorithm, io.NewSectionReader(c, first, n))
}

// A named part is one as the last step of an upload names it.
type namedPart struct {
	PartNumber int
	ETag       string
	Rest       []struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	} `xml:",any"`
}

// is tells whether it names a part.
func (n namedPart) is(p *object) bool {
	if p == nil || strings.Trim(n.ETag, `"`) != p.ETag {
		return false
	}
	for _, s := range n.Rest {
		if s.XMLName.Local == "Checksum"+p.Sum.Algorithm && s.Value != p.Sum.Value {
			return false
		}
	}
	return true
}

func (e *endpoint) complete(w http.ResponseWriter, r *request) error {
	cond, err := conditionOf(r.Header)
	if err != nil {
		return err
	}
	// The checksum in the header is of the object, not of this body.
	want := r.Header.Clone()
	for name := range algorithms {
		r.Header.Del(sumHeader(name))
	}
	var in struct{ Part []namedPart }
	if err := e.decode(r, &in); err != nil {
		return err
	}
	id := r.get("uploadId")
	u, parts, err := e.chosen(r, id, in.Part)
	if err != nil {
		return err
	}
	o, err := e.join(u, parts)
	if err != nil {
		return err
	}
	o.Modified = e.now().UTC()
	if err := proveWhole(want, o); err != nil {
		o.blob.drop()
		return err
	}
	if err := e.finish(r, id, o, cond); err != nil {
		return err
	}
	answer(w, http.StatusOK, struct {
		XMLName                     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location, Bucket, Key, ETag string
		Sum                         sum
		ChecksumType                string
	}{
		Location: "http://" + r.Host + escape(r.URL.Path, true), Bucket: r.bucket, Key: r.key, ETag: `"` + o.ETag + `"`,
		Sum: o.Sum, ChecksumType: o.Sum.kind(),
	})
	return nil
}

// chosen returns the parts of an upload that are to make the object.
func (e *endpoint) chosen(r *request, id string, named []namedPart) (*upload, []*object, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, err := e.upload(r, id)
	if err != nil {
		return nil, nil, err
	}
	if len(named) == 0 {
		return nil, nil, errMalformed
	}
	if !slices.IsSortedFunc(named, func(a, b namedPart) int { return cmp.Compare(a.PartNumber, b.PartNumber) }) {
		return nil, nil, errPartOrder
	}
	parts := make([]*object, len(named))
	for i, n := range named {
		p := u.parts[n.PartNumber]
		switch {
		case i > 0 && n.PartNumber == named[i-1].PartNumber:
			return nil, nil, errPartOrder
		case !n.is(p):
			return nil, nil, errPart
		case i < len(named)-1 && p.Size < leastPart:
			return nil, nil, errTooSmall
		}
		parts[i] = p
	}
	return u, parts, nil
}

// join makes one object of parts.
func (e *endpoint) join(u *upload, parts []*object) (*object, error) {
	from := &joined{rest: parts}
	defer from.close()
	b, t, err := e.assemble(u.sum.Algorithm, from)
	if err != nil {
		return nil, err
	}
	tags, sums := md5.New(), make([]sum, len(parts))
	for i, p := range parts {
		raw, _ := hex.DecodeString(p.ETag) // made here
		tags.Write(raw)
		sums[i] = p.Sum
	}
	if u.sum.Value == "COMPOSITE" {
		if t.sum, err = composite(u.sum.Algorithm, sums); err != nil {
			b.drop()
			return nil, err
		}
	}
	tag := hex.EncodeToString(tags.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	return &object{meta{Key: u.key, Size: t.size, ETag: tag, Header: u.header, Sum: t.sum}, b}, nil
}

// proveWhole compares an object with what the last step of its upload says of it.
func proveWhole(h http.Header, o *object) error {
	if size := h.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.FormatInt(o.Size, 10) {
		return invalid("The object is not as large as was announced.")
	}
	if want := h.Get(sumHeader(o.Sum.Algorithm)); want != "" && want != o.Sum.Value {
		return errDigest
	}
	return nil
}

// finish lets the object be seen and ends the upload. If a condition fails the upload stays.
func (e *endpoint) finish(r *request, id string, o *object, c condition) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err := e.upload(r, id)
	if err == nil {
		err = e.putLocked(r.bucket, o, c)
	}
	if err != nil {
		o.blob.drop()
		return err
	}
	e.forget(id)
	return nil
}

func (e *endpoint) listUploads(w http.ResponseWriter, r *request) error {
	type one struct {
		Key       string
		UploadID  string `xml:"UploadId"`
		Initiated string
	}
	out := struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket      string
		IsTruncated bool
		Upload      []one
	}{Bucket: r.bucket}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(e.uploads)) {
		if u := e.uploads[id]; u.bucket == r.bucket && strings.HasPrefix(u.key, r.get("prefix")) {
			out.Upload = append(out.Upload, one{u.key, id, u.began.Format(isoTime)})
		}
	}
	slices.SortStableFunc(out.Upload, func(a, b one) int { return strings.Compare(a.Key, b.Key) })
	answer(w, http.StatusOK, out)
	return nil
}
