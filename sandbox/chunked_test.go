package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestAChunkedBodyIsReadToItsEnd(t *testing.T) {
	for _, c := range []struct {
		what, sent, body, trailer string
		ok                        bool
	}{
		{"one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc", "", true},
		{"with signatures", "3;chunk-signature=00\r\nabc\r\n2;chunk-signature=11\r\nde\r\n0;chunk-signature=22\r\n\r\n", "abcde", "", true},
		{"with a trailer", "a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n", "0123456789", "AAAA", true},
		{"its end is the trailer's", "1\r\na\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n", "a", "AAAA", true},
		{"empty", "0\r\n\r\n", "", "", true},
		{"line ends are bytes", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", "", true},
		{"nothing", "", "", "", false},
		{"cut in a chunk", "5\r\nabc", "abc", "", false},
		{"cut between chunks", "3\r\nabc\r\n", "abc", "", false},
		{"no size", "x\r\nabc\r\n0\r\n\r\n", "", "", false},
		{"a size below nothing", "-3\r\nabc\r\n0\r\n\r\n", "", "", false},
		{"longer than it says", "2\r\nabc\r\n0\r\n\r\n", "ab", "", false},
		{"a line without end", strings.Repeat("0", 1<<16), "", "", false},
	} {
		for _, from := range []io.Reader{strings.NewReader(c.sent), iotest.OneByteReader(strings.NewReader(c.sent))} {
			r := newChunked(from)
			got, err := io.ReadAll(r)
			if (err == nil) != c.ok || string(got) != c.body || r.trailers.Get("X-Amz-Checksum-Crc32") != c.trailer {
				t.Errorf("%s: %q, %q, %v", c.what, got, r.trailers, err)
			}
		}
	}
}

func FuzzAChunkedBody(f *testing.F) {
	f.Add([]byte("3;x=y\r\nabc\r\n0\r\na:b\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, err := io.ReadAll(newChunked(bytes.NewReader(sent)))
		if len(got) > len(sent) {
			t.Errorf("%d bytes became %d, %v", len(sent), len(got), err)
		}
	})
}

// signedWith signs a request as a client would, at a time.
func signedWith(k key, r *http.Request, payload string, at time.Time) {
	c := claim{scope: at.Format("20060102") + "/" + region + "/s3/aws4_request", stamp: at.Format(stampForm), payload: payload}
	c.headers = []string{"content-length", "host", "x-amz-content-sha256", "x-amz-date"}
	r.Header.Set("X-Amz-Date", c.stamp)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	with := []byte("AWS4" + k.secret)
	for _, s := range append(strings.Split(c.scope, "/"), toSign(c, canonical(r, c))) {
		with = sign(with, s)
	}
	r.Header.Set("Authorization", signing+" Credential="+k.access+"/"+c.scope+", SignedHeaders="+strings.Join(c.headers, ";")+", Signature="+hex.EncodeToString(with))
}

// TestTheSignatureIsAmazons compares with the example of S3's own manual.
func TestTheSignatureIsAmazons(t *testing.T) {
	k := key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", http.NoBody)
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	empty := sha256.Sum256(nil)
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("X-Amz-Date", at.Format(stampForm))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(empty[:]))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"+
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
	if _, err := k.check(r, at); err != nil {
		t.Error(err)
	}
	if _, err := k.check(r, at.Add(time.Hour)); err != errSkewed {
		t.Errorf("an hour later: %v", err)
	}
	r.Header.Set("Range", "bytes=0-10")
	if _, err := k.check(r, at); err != errSignature {
		t.Errorf("another range: %v", err)
	}
}

func TestABodyIsProvenBeforeItIsAnObject(t *testing.T) {
	v, err := newVault(Options{Buckets: []string{"acme"}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e := &endpoint{v, newKey(), func() time.Time { return at }}
	crc := algorithms["CRC32"]()
	_, _ = crc.Write([]byte("abc")) // never fails
	sum := base64.StdEncoding.EncodeToString(crc.Sum(nil))
	plain := sha256.Sum256([]byte("abc"))
	const trailing = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	for _, c := range []struct{ what, payload, body, length, code string }{
		{"as it was signed", hex.EncodeToString(plain[:]), "abc", "", ""},
		{"another than was signed", hex.EncodeToString(plain[:]), "abd", "", "XAmzContentSHA256Mismatch"},
		{"with its sum behind it", trailing, "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n", "3", ""},
		{"with another sum", trailing, "3\r\nabd\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n", "3", "BadDigest"},
		{"without the sum it promised", trailing, "3\r\nabc\r\n0\r\n\r\n", "3", "BadDigest"},
		{"shorter than was announced", trailing, "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n", "4", "IncompleteBody"},
		{"in a form that is not here", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "abc", "3", "NotImplemented"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://127.0.0.1/acme/k", strings.NewReader(c.body))
		if c.length != "" {
			r.Header.Set("X-Amz-Decoded-Content-Length", c.length)
		}
		if c.payload == trailing {
			r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		}
		signedWith(e.key, r, c.payload, at)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		_, err := v.find("acme", "k")
		if c.code == "" && (w.Code != 200 || err != nil) || c.code != "" && (!strings.Contains(w.Body.String(), "<Code>"+c.code+"</Code>") || err != errNoKey) {
			t.Errorf("%s: %d %s, %v", c.what, w.Code, w.Body, err)
		}
		if err := v.delete("acme", "k"); err != nil {
			t.Fatal(err)
		}
	}
}
