package sandbox

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	signing    = "AWS4-HMAC-SHA256"
	stampForm  = "20060102T150405Z"
	mostSkewed = 15 * time.Minute
	unsigned   = "UNSIGNED-PAYLOAD"
)

// A claim is what a request says of its signature (Signature Version 4), in its header or, if it
// was signed beforehand, in its address.
type claim struct {
	access, scope string // scope: date/region/service/aws4_request
	headers       []string
	signature     string
	stamp         string
	payload       string // SHA-256 of the body in hex, or how the body says it itself
	lasts         time.Duration
}

// check proves that a request was signed with the key, and returns what it says of its payload.
func (k key) check(r *http.Request, now time.Time) (payload string, err error) {
	c, err := claimOf(r)
	if err != nil {
		return "", err
	}
	if c.payload == "" {
		return "", errNoSignature
	}
	if c.access != k.access {
		return "", errUnknownKey
	}
	at, err := time.Parse(stampForm, c.stamp)
	scope := strings.Split(c.scope, "/")
	if err != nil || len(scope) != 4 || scope[0] != at.Format("20060102") || scope[3] != "aws4_request" || !slices.Contains(c.headers, "host") {
		return "", errSignature
	}
	with := []byte("AWS4" + k.secret)
	for _, s := range append(scope, toSign(c, canonical(r, c))) {
		with = sign(with, s)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(with)), []byte(c.signature)) {
		return "", errSignature
	}
	switch age := now.Sub(at); {
	case age < -mostSkewed, c.lasts == 0 && age > mostSkewed:
		return "", errSkewed
	case c.lasts > 0 && age > c.lasts:
		return "", errExpired
	}
	return c.payload, nil
}

func claimOf(r *http.Request) (claim, error) {
	var c claim
	var credential, headers string
	if q := r.URL.Query(); q.Get("X-Amz-Algorithm") == signing {
		seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		if err != nil || seconds < 1 || seconds > 7*24*3600 {
			return c, errNoSignature
		}
		c = claim{stamp: q.Get("X-Amz-Date"), signature: q.Get("X-Amz-Signature"), lasts: time.Duration(seconds) * time.Second}
		c.payload = cmp.Or(q.Get("X-Amz-Content-Sha256"), unsigned)
		credential, headers = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders")
	} else {
		rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), signing+" ")
		if !ok {
			return c, errNoSignature
		}
		c = claim{stamp: r.Header.Get("X-Amz-Date"), payload: r.Header.Get("X-Amz-Content-Sha256")}
		for field := range strings.SplitSeq(rest, ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
			case "Credential":
				credential = value
			case "SignedHeaders":
				headers = value
			case "Signature":
				c.signature = value
			}
		}
	}
	var ok bool
	if c.access, c.scope, ok = strings.Cut(credential, "/"); !ok {
		return c, errNoSignature
	}
	c.headers = strings.Split(headers, ";")
	return c, nil
}

func toSign(c claim, request string) string {
	sum := sha256.Sum256([]byte(request))
	return strings.Join([]string{signing, c.stamp, c.scope, hex.EncodeToString(sum[:])}, "\n")
}

func sign(with []byte, text string) []byte {
	h := hmac.New(sha256.New, with)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonical is the request in the one form that both sides sign.
func canonical(r *http.Request, c claim) string {
	var b strings.Builder
	path := r.URL.Path
	if _, rest, _ := strings.Cut(c.scope, "/"); !strings.Contains(rest, "/s3/") { // all others sign what is sent
		path = r.URL.EscapedPath()
	}
	b.WriteString(r.Method + "\n" + escape(path, true) + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range c.headers {
		values := slices.Clone(r.Header.Values(name))
		switch name {
		case "host": // net/http takes it out of the header
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	b.WriteString("\n" + strings.Join(c.headers, ";") + "\n" + c.payload)
	return b.String()
}

func canonicalQuery(q url.Values) string {
	var pairs [][2]string
	for name, values := range q {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, [2]string{escape(name, false), escape(v, false)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p[0] + "=" + p[1]
	}
	return strings.Join(out, "&")
}

// escape writes all but letters, digits and -._~ as %XX, and a slash if it is not to be kept.
func escape(s string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
