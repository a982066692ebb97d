package awsconf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"weft/tests/s3server"
)

// TestLeanWrites: a real server takes the request, its signature and both its sums, for any key; and what
// it keeps is what the SDK would have written.
func TestLeanWrites(t *testing.T) {
	server := s3server.Start(t, "acme")
	var lean, sdk atomic.Int64
	proxy := server.Proxy(t, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodPut {
			if r.Header.Get("User-Agent") == "weft" {
				lean.Add(1)
			} else {
				sdk.Add(1)
			}
		}
		forward.ServeHTTP(w, r)
	})
	s, err := For(t.Context(), proxy.Env())
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{"plain", "a b/ü+%2F&=#?;,:@'()!*~.yaml", "deep/er/$x[0]{1}", "日本/語"}
	for i, key := range keys {
		body := []byte(fmt.Sprintf("text %d", i))
		sum := sha256.Sum256(body)
		w, err := s.Upload(t.Context(), Upload{To: Object{"acme", key}, Body: bytes.NewReader(body), Size: int64(len(body)), SHA256: sum[:]})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		d, err := s.Open(t.Context(), Object{"acme", key})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		got, err := io.ReadAll(d)
		if err != nil || !bytes.Equal(got, body) || d.ETag != w.ETag || d.SHA256 != fmt.Sprintf("%x", sum) {
			t.Errorf("%s: %q, %+v, %v", key, got, d.Info, err)
		}
	}
	if lean.Load() != 4 || sdk.Load() != 0 {
		t.Errorf("%d writes were lean, %d the SDK's", lean.Load(), sdk.Load())
	}
	// A sum that is not the body's is refused, as the SDK's words say.
	wrong := sha256.Sum256([]byte("other"))
	_, err = s.Upload(t.Context(), Upload{To: Object{"acme", "wrong"}, Body: strings.NewReader("text"), Size: 4, SHA256: wrong[:]})
	if err == nil {
		t.Error("a body was taken that is not what its sum says")
	}
}

// TestLeanWritesThatFail: whatever goes wrong, the SDK's call says what became of it; and after a few
// times nothing lean is tried.
func TestLeanWritesThatFail(t *testing.T) {
	var lean, sdk atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if owner := r.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "111122223333" {
			t.Errorf("%s: the owner is %q", r.UserAgent(), owner)
		}
		if r.UserAgent() != "weft" {
			sdk.Add(1)
			w.Header().Set("ETag", `"tag"`)
			return
		}
		switch lean.Add(1) {
		case 1:
			http.Error(w, "<Error><Code>SlowDown</Code></Error>", http.StatusServiceUnavailable)
		case 2: // a portal's page
			w.Header().Set("ETag", `"tag"`)
			_, _ = io.WriteString(w, "<html>")
		case 3: // no S3
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	defer web.Close()
	s, err := For(t.Context(), []string{"AWS_ENDPOINT_URL=" + web.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	s = s.OwnedBy("111122223333")
	sum := sha256.Sum256([]byte("text"))
	for range 7 {
		if _, err := s.Upload(t.Context(), Upload{To: Object{"acme", "k"}, Body: strings.NewReader("text"), Size: 4, SHA256: sum[:]}); err != nil {
			t.Error(err)
		}
	}
	if lean.Load() != mostFailed || sdk.Load() != 7 {
		t.Errorf("%d writes were tried lean, %d made by the SDK", lean.Load(), sdk.Load())
	}
}

// TestLeanGoesWhereTheSDKGoes: the host of a bucket of AWS's own, by the SDK's rules.
func TestLeanGoesWhereTheSDKGoes(t *testing.T) {
	for vars, want := range map[string]string{
		"AWS_REGION=eu-west-1":                                             "https://acme-data.s3.eu-west-1.amazonaws.com/",
		"AWS_REGION=cn-north-1":                                            "https://acme-data.s3.cn-north-1.amazonaws.com.cn/",
		"AWS_REGION=eu-west-1 AWS_USE_DUALSTACK_ENDPOINT=true":             "https://acme-data.s3.dualstack.eu-west-1.amazonaws.com/",
		"AWS_REGION=us-east-1 AWS_ENDPOINT_URL_S3=http://127.0.0.1:9/base": "http://127.0.0.1:9/base/acme-data/",
	} {
		s, err := For(t.Context(), append(strings.Fields(vars), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL="))
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.leanBase(t.Context(), "acme-data")
		if err != nil || at.String() != want {
			t.Errorf("%s: %v, %v, want %s", vars, at, err, want)
		}
	}
}
