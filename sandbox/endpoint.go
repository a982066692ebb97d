package sandbox

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	isoTime = "2006-01-02T15:04:05.000Z"
	mostXML = 8 << 20
)

// endpoint answers the requests of S3's REST protocol, path style. It is no http.ServeMux, which
// would tidy keys such as a//b and a/../b away.
type endpoint struct {
	*vault
	key key
	now func() time.Time
}

// openS3 is S3 as a service of the sandbox.
func openS3(s *Sandbox, o Options) (served, error) {
	v, err := newVault(o)
	if err != nil {
		return nil, err
	}
	return &endpoint{vault: v, key: s.key, now: time.Now}, nil
}

// A request is one that was signed, and what it is about.
type request struct {
	*http.Request
	bucket, key string
	query       map[string][]string
	payload     string // what the signature says of the body
}

func (r *request) has(name string) bool { return r.query[name] != nil }

func (r *request) get(name string) string {
	if v := r.query[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	w.Header().Set("X-Amz-Request-Id", random(8))
	w.Header().Set("Server", "weft-sandbox")
	payload, err := e.key.check(hr, e.now())
	if err != nil {
		refuse(w, err)
		return
	}
	r := &request{Request: hr, query: hr.URL.Query(), payload: payload}
	r.bucket, r.key, _ = strings.Cut(strings.TrimPrefix(hr.URL.Path, "/"), "/")
	if err := e.route(w, r); err != nil {
		refuse(w, err)
	}
}

// absent are the parts of S3 that are not here; without this list they would be taken for others.
var absent = []string{
	"acl", "policy", "tagging", "versions", "versioning", "versionId", "lifecycle", "cors", "encryption", "logging", "website",
	"notification", "replication", "object-lock", "legal-hold", "retention", "torrent", "restore", "select", "attributes",
	"accelerate", "requestPayment", "inventory", "metrics", "analytics", "ownershipControls", "publicAccessBlock", "policyStatus",
	"session", "append", "renameObject",
}

func (e *endpoint) route(w http.ResponseWriter, r *request) error {
	for _, name := range absent {
		if r.has(name) {
			return errNotThere
		}
	}
	switch {
	case r.bucket == "":
		return e.service(w, r)
	case r.key == "":
		return e.ofBucket(w, r)
	case len(r.key) > 1024:
		return errKeyTooLong
	case !utf8.ValidString(r.key):
		return invalid("The key is not UTF-8.")
	case r.has("uploadId"), r.has("uploads"):
		return e.ofUpload(w, r)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return e.get(w, r)
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			return e.copy(w, r)
		}
		return e.putObject(w, r)
	case http.MethodDelete:
		if r.Header.Get("If-Match") != "" {
			return errBadConditions
		}
		if err := e.delete(r.bucket, r.key); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return errMethod
}

func (e *endpoint) service(w http.ResponseWriter, r *request) error {
	if r.Method != http.MethodGet {
		return errMethod
	}
	type bucket struct{ Name, CreationDate string }
	var out struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Buckets []bucket `xml:"Buckets>Bucket"`
	}
	for _, name := range e.names() {
		out.Buckets = append(out.Buckets, bucket{name, e.now().UTC().Format(isoTime)})
	}
	answer(w, http.StatusOK, out)
	return nil
}

func (e *endpoint) ofBucket(w http.ResponseWriter, r *request) error {
	switch r.Method {
	case http.MethodPut:
		if err := e.make(r.bucket); err != nil {
			return err
		}
		w.Header().Set("Location", "/"+r.bucket)
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodDelete:
		if err := e.remove(r.bucket); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodPost:
		if r.has("delete") {
			return e.deleteMany(w, r)
		}
		return errMethod
	case http.MethodGet, http.MethodHead:
	default:
		return errMethod
	}
	if err := e.exists(r.bucket); err != nil {
		return err
	}
	switch {
	case r.Method == http.MethodHead:
		w.Header().Set("X-Amz-Bucket-Region", region)
		w.WriteHeader(http.StatusOK)
		return nil
	case r.has("location"):
		answer(w, http.StatusOK, struct {
			XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		}{}) // empty = us-east-1
		return nil
	case r.has("uploads"):
		return e.listUploads(w, r)
	}
	return e.list(w, r)
}

// decode reads a body of XML. It goes through take, so that its checksums are proven too.
func (e *endpoint) decode(r *request, v any) error {
	if r.ContentLength > mostXML {
		return errMalformed
	}
	var d buffer
	if _, err := take(r, &capped{w: &d, left: mostXML}, ""); err != nil {
		return err
	}
	if err := xml.Unmarshal(d.Bytes(), v); err != nil {
		return errMalformed
	}
	return nil
}

// capped is a writer that refuses more than so many bytes.
type capped struct {
	w    io.Writer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		return 0, errMalformed
	}
	return c.w.Write(p)
}

func (e *endpoint) deleteMany(w http.ResponseWriter, r *request) error {
	var in struct {
		Quiet  bool
		Object []struct {
			Key       string
			VersionID string `xml:"VersionId"`
		}
	}
	if err := e.decode(r, &in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > 1000 {
		return errMalformed
	}
	type deleted struct{ Key string }
	var out struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deleted
	}
	for _, o := range in.Object {
		if o.VersionID != "" {
			return errNotThere
		}
		if err := e.delete(r.bucket, o.Key); err != nil {
			return err
		}
		if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{o.Key})
		}
	}
	answer(w, http.StatusOK, out)
	return nil
}
