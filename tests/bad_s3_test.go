package tests

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/tests/s3server"
)

// badS3 is what people get wrong about S3, against a real server with the buckets acme and full.
var badS3 = []misuse{
	{"secret", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: weft-test-access, AWS_SECRET_ACCESS_KEY: wrong}}`, "remote", ""},
	{"key", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: nobody, AWS_SECRET_ACCESS_KEY: wrong}}`, "remote", ""},
	{"head_key", `{uses: s3.head, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: nobody, AWS_SECRET_ACCESS_KEY: wrong}}`, "remote", ""},
	{"half", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: nobody}}`, "remote", ""},
	{"profile", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_PROFILE: nobody}}`, "remote", ""},
	{"none", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_PROFILE: bare, AWS_CONFIG_FILE: $DIR/aws}}`, "remote", ""},
	{"endpoint", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "127.0.0.1:9000"}}`, "bad_input", ""},
	{"endpoint_word", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: minio}}`, "bad_input", ""},
	{"endpoint_scheme", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "s3://minio"}}`, "bad_input", ""},
	{"endpoint_percent", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://%zz"}}`, "bad_input", ""},
	{"region", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_REGION: "not a region"}}`, "remote", ""},
	{"bucket", `{uses: s3.get, with: {uri: "s3://absent/k"}}`, "remote", ""},
	{"bucket_put", `{uses: s3.put, with: {uri: "s3://absent/k", body: x}}`, "remote", ""},
	{"bucket_list", `{uses: s3.list, with: {uri: "s3://absent/k"}}`, "remote", ""},
	{"bucket_delete", `{uses: s3.delete, with: {prefix: "s3://absent/k"}}`, "remote", ""},
	{"bucket_name", `{uses: s3.get, with: {uri: "s3://Acme_Data/k"}}`, "bad_input", ""},
	{"no_uri", `{uses: s3.get, with: {uri: "${{ 'https://acme/k' }}"}}`, "bad_input", ""},
	{"no_key", `{uses: s3.get, with: {uri: "s3://acme"}}`, "bad_input", ""},
	{"empty", `{uses: s3.get, with: {uri: "s3://acme/${{ '' }}"}}`, "bad_input", ""},
	{"absent", `{uses: s3.get, with: {uri: "s3://acme/absent"}}`, "remote", ""},
	{"absent_to", `{uses: s3.get, with: {uri: "s3://acme/absent", to: $DIR/left}}`, "remote", ""},
	{"copy", `{uses: s3.copy, with: {from: "s3://acme/absent", to: "s3://acme/other"}}`, "remote", ""},
	{"copy_bucket", `{uses: s3.copy, with: {from: "s3://acme/text", to: "s3://absent/other"}}`, "remote", ""},
	{"delete_absent", `{uses: s3.delete, with: {uri: "s3://acme/absent"}}`, "success", ""},
	{"exists", `{uses: s3.put, with: {uri: "s3://acme/text", body: mine, if_none_match: "*"}}`, "remote", ""},
	{"put_absent", `{uses: s3.put, with: {uri: "s3://acme/put", file: absent.csv}}`, "temporary", ""},
	{"put_folder", `{uses: s3.put, with: {uri: "s3://acme/put", file: folder}}`, "bad_input", ""},
	{"put_outside", `{uses: s3.put, with: {uri: "s3://acme/put", file: /etc/hostname}}`, "bad_input", ""},
	{"put_below", `{uses: s3.put, with: {uri: "s3://acme/put", file: text/x}}`, "bad_input", ""},
	{"to_below_file", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/text/x}}`, "bad_input", ""},
	{"to_new_folder", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/new/er/x}}`, "success", ""},
	{"to_folder", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/folder}}`, "bad_input", ""},
	{"to_slash", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/folder/}}`, "bad_input", ""},
	{"to_proc", `{uses: s3.get, with: {uri: "s3://acme/text", to: /proc/x}, workdir: /proc}`, "temporary", ""},
	{"to_outside", `{uses: s3.get, with: {uri: "s3://acme/text", to: ../x}}`, "bad_input", ""},
	{"json", `{uses: s3.get, with: {uri: "s3://acme/text", as: json}}`, "remote", ""},
	{"nan", `{uses: s3.get, with: {uri: "s3://acme/nan", as: json}}`, "remote", ""},
	{"utf8", `{uses: s3.get, with: {uri: "s3://acme/latin"}}`, "remote", ""},
	{"large", `{uses: s3.get, with: {uri: "s3://acme/large"}}`, "remote", ""},
	{"list", `{uses: s3.list, with: {uri: "s3://full/list/", max: 9999}}`, "success", ""},
	{"delete_all", `{uses: s3.delete, with: {prefix: "s3://full/delete/"}}`, "success", ""},
	{"delete_bucket", `{uses: s3.delete, with: {prefix: "s3://full/"}}`, "bad_input", ""},
	{"nobody", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1"}}`, "temporary", ""},
	{"nowhere", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://no-such-host.invalid"}}`, "temporary", ""},
}

func TestBadS3(t *testing.T) {
	withS3(t)
	server := s3server.Start(t, "acme", "full")
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	w := newWorld(t)
	w.write("aws", "[profile bare]\nregion = eu-west-1\n")
	w.write("text", "text\n")
	w.write("folder/x", "x")
	for name, text := range map[string]string{"text": "text\n", "latin": "gr\xfc\xdfe", "nan": "[NaN]", "large": ""} {
		if err := os.WriteFile(filepath.Join(server.Dir, "acme", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(server.Dir, "acme", "large"), 64<<20+1); err != nil {
		t.Fatal(err)
	}
	for folder, n := range map[string]int{"list": 10_000, "delete": 2_500} {
		dir := filepath.Join(server.Dir, "full", folder)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, res := w.make("id: mistakes", badS3, "$PORT", strings.TrimPrefix(server.URL, "http://"))
	t.Log(res.stderr)
}

// liar is an S3 that does not tell the truth; the bucket says how.
func liar(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	says := func(status int, code string) {
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>So it is.</Message></Error>", code)
		}
	}
	bucket, _, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	h := w.Header()
	h.Set("ETag", `"tag"`)
	switch bucket {
	case "denied":
		says(403, "AccessDenied")
	case "moved":
		h.Set("X-Amz-Bucket-Region", "eu-central-1")
		says(301, "PermanentRedirect")
	case "skewed":
		says(403, "RequestTimeTooSkewed")
	case "expired":
		says(400, "ExpiredToken")
	case "html":
		h.Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Sign in</title></html>")
	case "html404":
		w.WriteHeader(404)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Not here</title></html>")
	case "html500":
		w.WriteHeader(502)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Bad gateway</title></html>")
	case "cut":
		h.Set("Content-Length", "10")
		if r.Header.Get("Range") == "" {
			_, _ = io.WriteString(w, "012")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	case "checksum":
		h.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		_, _ = io.WriteString(w, "0123456789")
	case "other":
		if r.Header.Get("Range") != "" {
			says(412, "PreconditionFailed")
			return
		}
		h.Set("Content-Length", "10")
		_, _ = io.WriteString(w, "012")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "othertag":
		h.Set("Content-Length", "10")
		if r.Header.Get("Range") != "" {
			h.Set("ETag", `"another"`)
			h.Set("Content-Length", "7")
			w.WriteHeader(206)
			_, _ = io.WriteString(w, "3456789")
			return
		}
		_, _ = io.WriteString(w, "012")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "ignoresrange":
		h.Set("Content-Length", "10")
		if r.Header.Get("Range") != "" {
			_, _ = io.WriteString(w, "0123456789")
			return
		}
		_, _ = io.WriteString(w, "012")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "nolength":
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "0123456789")
	case "silent":
		<-r.Context().Done()
	case "stalls":
		h.Set("Content-Length", "10")
		_, _ = io.WriteString(w, "012")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "slow":
		says(503, "SlowDown")
	case "garbage":
		h.Set("Content-Type", "application/xml")
		_, _ = io.WriteString(w, "<ListBucketResult><Contents><Key>x")
	}
}

var lies = []misuse{
	{"denied", `{uses: s3.get, with: {uri: "s3://denied/k"}}`, "remote", ""},
	{"denied_put", `{uses: s3.put, with: {uri: "s3://denied/k", body: x}}`, "remote", ""},
	{"denied_head", `{uses: s3.head, with: {uri: "s3://denied/k"}}`, "remote", ""},
	{"denied_delete", `{uses: s3.delete, with: {uri: "s3://denied/k"}}`, "remote", ""},
	{"denied_copy", `{uses: s3.copy, with: {from: "s3://denied/k", to: "s3://denied/l"}}`, "remote", ""},
	{"denied_list", `{uses: s3.list, with: {uri: "s3://denied/k"}}`, "remote", ""},
	{"moved", `{uses: s3.get, with: {uri: "s3://moved/k"}}`, "remote", ""},
	{"moved_head", `{uses: s3.head, with: {uri: "s3://moved/k"}}`, "remote", ""},
	{"moved_put", `{uses: s3.put, with: {uri: "s3://moved/k", body: x}}`, "remote", ""},
	{"moved_delete", `{uses: s3.delete, with: {uri: "s3://moved/k"}}`, "remote", ""},
	{"skewed", `{uses: s3.get, with: {uri: "s3://skewed/k"}}`, "temporary", ""},
	{"expired", `{uses: s3.get, with: {uri: "s3://expired/k"}}`, "temporary", ""},
	{"slow", `{uses: s3.get, with: {uri: "s3://slow/k"}}`, "temporary", ""},
	{"html", `{uses: s3.get, with: {uri: "s3://html/k", as: json}}`, "remote", ""},
	{"html_list", `{uses: s3.list, with: {uri: "s3://html/k"}}`, "remote", ""},
	{"html_delete", `{uses: s3.delete, with: {prefix: "s3://html/k"}}`, "remote", ""},
	{"html_copy", `{uses: s3.copy, with: {from: "s3://html/k", to: "s3://html/l"}}`, "remote", ""},
	{"html404", `{uses: s3.get, with: {uri: "s3://html404/k"}}`, "remote", ""},
	{"html404_list", `{uses: s3.list, with: {uri: "s3://html404/k"}}`, "remote", ""},
	{"html500", `{uses: s3.get, with: {uri: "s3://html500/k"}}`, "temporary", ""},
	{"garbage_list", `{uses: s3.list, with: {uri: "s3://garbage/k"}}`, "remote", ""},
	{"cut", `{uses: s3.get, with: {uri: "s3://cut/k", to: $DIR/cut}}`, "temporary", ""},
	{"checksum", `{uses: s3.get, with: {uri: "s3://checksum/k", to: $DIR/checksum}}`, "temporary", ""},
	{"other", `{uses: s3.get, with: {uri: "s3://other/k", to: $DIR/other}}`, "temporary", ""},
	{"othertag", `{uses: s3.get, with: {uri: "s3://othertag/k", to: $DIR/othertag}}`, "temporary", ""},
	{"ignoresrange", `{uses: s3.get, with: {uri: "s3://ignoresrange/k", to: $DIR/ignoresrange}}`, "temporary", ""},
	{"nolength", `{uses: s3.get, with: {uri: "s3://nolength/k", to: $DIR/nolength}}`, "temporary", ""},
	{"silent", `{uses: s3.get, with: {uri: "s3://silent/k", to: $DIR/silent}, timeout: 700ms}`, "timeout", ""},
	{"stalls", `{uses: s3.get, with: {uri: "s3://stalls/k", to: $DIR/stalls}, timeout: 700ms}`, "timeout", ""},
}

func TestS3ThatLies(t *testing.T) {
	withS3(t)
	server := httptest.NewServer(http.HandlerFunc(liar))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w := newWorld(t)
	w.make("id: lies", lies, "$PORT", strings.TrimPrefix(server.URL, "http://"))
}
