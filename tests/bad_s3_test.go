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
	{"secret", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: weft-test-access, AWS_SECRET_ACCESS_KEY: wrong}}`, "remote", "cannot read s3://acme/k: the signature is wrong (check AWS_SECRET_ACCESS_KEY)"},
	{"key", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: nobody, AWS_SECRET_ACCESS_KEY: wrong}}`, "remote", "cannot read s3://acme/k: the access key is not known (check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint)"},
	{"half", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ACCESS_KEY_ID: nobody}}`, "remote", "cannot reach AWS: half a pair of AWS credentials is set (set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"},
	{"profile", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_PROFILE: nobody}}`, "remote", `cannot reach AWS: there is no AWS profile "nobody" (write it into ~/.aws/config, or set AWS_PROFILE to one that is there)`},
	{"none", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_PROFILE: bare, AWS_CONFIG_FILE: $DIR/aws}}`, "remote", "cannot read s3://acme/k: no AWS credentials were found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; without an account, run it with --sandbox)"},
	{"endpoint", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "127.0.0.1:9000"}}`, "bad_input", `cannot reach AWS: AWS_ENDPOINT_URL_S3 is no URL: "127.0.0.1:9000" (write it like http://host:9000)`},
	{"endpoint_word", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: minio}}`, "bad_input", `cannot reach AWS: AWS_ENDPOINT_URL_S3 is no URL: "minio" (write it like http://host:9000)`},
	{"endpoint_scheme", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "s3://minio"}}`, "bad_input", `cannot reach AWS: AWS_ENDPOINT_URL_S3 is no URL: "s3://minio" (write it like http://host:9000)`},
	{"endpoint_percent", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://%zz"}}`, "bad_input", `cannot reach AWS: AWS_ENDPOINT_URL_S3 is no URL: "http://%zz" (write it like http://host:9000)`},
	{"region", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_REGION: "not a region"}}`, "bad_input", "cannot read s3://acme/k: the AWS region is not valid (check AWS_REGION)"},
	{"bucket", `{uses: s3.get, with: {uri: "s3://absent/k"}}`, "remote", "cannot read s3://absent/k: there is no such bucket (check its name, the account and the endpoint)"},
	{"bucket_put", `{uses: s3.put, with: {uri: "s3://absent/k", body: x}}`, "remote", "cannot write s3://absent/k: there is no such bucket (check its name, the account and the endpoint)"},
	{"bucket_list", `{uses: s3.list, with: {uri: "s3://absent/k"}}`, "remote", "cannot list s3://absent/k: there is no such bucket (check its name, the account and the endpoint)"},
	{"bucket_delete", `{uses: s3.delete, with: {prefix: "s3://absent/k"}}`, "remote", "cannot delete all of s3://absent/k, 0 are gone: there is no such bucket (check its name, the account and the endpoint)"},
	{"bucket_name", `{uses: s3.get, with: {uri: "${{ 's3://Acme_Data/k' }}"}}`, "bad_input", `cannot use "s3://Acme_Data/k": "Acme_Data" is no bucket's name (3 to 63 of a-z 0-9 . -)`},
	{"no_uri", `{uses: s3.get, with: {uri: "${{ 'https://acme/k' }}"}}`, "bad_input", `misuses.yaml:18:39: cannot use s3.get: with.uri must begin with "s3://", not "https://acme/k"`},
	{"no_key", `{uses: s3.get, with: {uri: "${{ 's3://acme' }}"}}`, "bad_input", `cannot use "s3://acme": it names a bucket, no object in it`},
	{"empty", `{uses: s3.get, with: {uri: "s3://acme/${{ '' }}"}}`, "bad_input", `cannot use "s3://acme/": it names a bucket, no object in it`},
	{"absent", `{uses: s3.get, with: {uri: "s3://acme/absent"}}`, "remote", "cannot read s3://acme/absent: there is no such object"},
	{"absent_to", `{uses: s3.get, with: {uri: "s3://acme/absent", to: $DIR/left}}`, "remote", "cannot read s3://acme/absent into $DIR/left: there is no such object"},
	{"copy", `{uses: s3.copy, with: {from: "s3://acme/absent", to: "s3://acme/other"}}`, "remote", "cannot copy s3://acme/absent to s3://acme/other: there is no such object"},
	{"copy_bucket", `{uses: s3.copy, with: {from: "s3://acme/text", to: "s3://absent/other"}}`, "remote", "cannot copy s3://acme/text to s3://absent/other: there is no such bucket (check its name, the account and the endpoint)"},
	{"delete_absent", `{uses: s3.delete, with: {uri: "s3://acme/absent"}}`, "success", `{"count":0}`},
	{"first", `{uses: s3.put, with: {uri: "s3://acme/once", body: "1"}}`, "success", `{"uri":"s3://acme/once","etag":"c4ca4238a0b923820dcc509a6f75849b","size":1}`},
	{"exists", `{needs: first, uses: s3.put, with: {uri: "s3://acme/once", body: "2", if_none_match: "*"}}`, "remote", "cannot write s3://acme/once: something is there already"},
	{"put_absent", `{uses: s3.put, with: {uri: "s3://acme/put", file: absent.csv}}`, "temporary", "cannot send absent.csv: no such file or directory"},
	{"put_folder", `{uses: s3.put, with: {uri: "s3://acme/put", file: folder}}`, "bad_input", "cannot send folder: it is no regular file"},
	{"put_outside", `{uses: s3.put, with: {uri: "s3://acme/put", file: /etc/hostname}}`, "bad_input", `cannot use the path "/etc/hostname": it is no file below the task's scratch folder or working directory (workdir sets the working directory)`},
	{"to_below_file", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/text/x}}`, "bad_input", "cannot read s3://acme/text into $DIR/text/x: a part of its path is a file, not a folder"},
	{"to_new_folder", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/new/er/x}}`, "success", `{"path":"$DIR/new/er/x","size":5,"etag":""}`},
	{"to_folder", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/folder}}`, "bad_input", "cannot read s3://acme/text into $DIR/folder: it is a folder (name the file in it)"},
	{"to_slash", `{uses: s3.get, with: {uri: "s3://acme/text", to: $DIR/folder/}}`, "bad_input", `cannot use the path "$DIR/folder/": it is no file below the task's scratch folder or working directory (workdir sets the working directory)`},
	{"to_proc", `{uses: s3.get, with: {uri: "s3://acme/text", to: /proc/x}, workdir: /proc}`, "temporary", "cannot read s3://acme/text into /proc/x: no such file or directory"},
	{"to_outside", `{uses: s3.get, with: {uri: "s3://acme/text", to: ../x}}`, "bad_input", `cannot use the path "../x": it is no file below the task's scratch folder or working directory (workdir sets the working directory)`},
	{"json", `{uses: s3.get, with: {uri: "s3://acme/text", as: json}}`, "remote", "cannot read s3://acme/text: it holds no JSON: invalid character 'e' in literal true (expecting 'r') (byte 2)"},
	{"nan", `{uses: s3.get, with: {uri: "s3://acme/nan", as: json}}`, "remote", "cannot read s3://acme/nan: it holds no JSON: invalid character 'N' looking for beginning of value (byte 2)"},
	{"utf8", `{uses: s3.get, with: {uri: "s3://acme/latin"}}`, "remote", "cannot read s3://acme/latin: it holds no text in UTF-8 (write it into a file, with to)"},
	{"large", `{uses: s3.get, with: {uri: "s3://acme/large"}}`, "remote", "cannot read s3://acme/large: it has 67108865 bytes, an output may have 67108864 (write it into a file, with to)"},
	{"list", `{uses: s3.list, with: {uri: "s3://full/list/", max: 9999}}`, "success", "null"},
	{"listed", `{uses: noop, with: {output: "${{ tasks.list.output.count }}"}}`, "success", "9999"},
	{"delete_all", `{uses: s3.delete, with: {prefix: "s3://full/delete/"}}`, "success", `{"count":2500}`},
	{"delete_bucket", `{uses: s3.delete, with: {prefix: "s3://full/${{ '' }}"}}`, "bad_input", "cannot delete s3://full/: a whole bucket is never deleted, the prefix must name some part of it"},
	{"nobody", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1"}}`, "temporary", "cannot read s3://acme/k: cannot reach 127.0.0.1:1: connection refused (check the network and AWS_ENDPOINT_URL)"},
	{"nowhere", `{uses: s3.get, with: {uri: "s3://acme/k"}, env: {AWS_ENDPOINT_URL_S3: "http://no-such-host.invalid"}}`, "temporary", "cannot read s3://acme/k: cannot reach no-such-host.invalid: there is no such host (check the network and AWS_ENDPOINT_URL)"},
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
	w.make("id: s3", badS3)
	for _, path := range []string{"left", "folder/x.part", "../x"} {
		if _, err := os.Stat(filepath.Join(w.dir, path)); err == nil {
			t.Errorf("%s is there", path)
		}
	}
}

// breaks sends the beginning of an object of ten bytes and breaks the connection; the rest, when it
// is asked for, comes from rest.
func breaks(rest http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			rest(w, r)
			return
		}
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "012")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// answers sends a status, headers and a body.
func answers(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
}

// fault sends an error in S3's form.
func fault(status int, code string, headers ...string) http.HandlerFunc {
	return answers(status, "<Error><Code>"+code+"</Code><Message>So it is.</Message></Error>", headers...)
}

// silence says nothing until the other side has had enough.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// liars are an S3 that does not tell the truth; the bucket says how.
var liars = map[string]http.HandlerFunc{
	"denied":       fault(403, "AccessDenied"),
	"moved":        fault(301, "PermanentRedirect", "X-Amz-Bucket-Region", "eu-central-1"),
	"skewed":       fault(403, "RequestTimeTooSkewed"),
	"expired":      fault(400, "ExpiredToken"),
	"slow":         fault(503, "SlowDown"),
	"html":         answers(200, "<!DOCTYPE html><html><title>Sign in</title></html>", "Content-Type", "text/html"),
	"html404":      answers(404, "<!DOCTYPE html><html><title>Not here</title></html>", "Content-Type", "text/html"),
	"html502":      answers(502, "<!DOCTYPE html><html><title>Bad gateway</title></html>", "Content-Type", "text/html"),
	"garbage":      answers(200, "<ListBucketResult><Contents><Key>x"),
	"checksum":     answers(200, "0123456789", "ETag", `"tag"`, "X-Amz-Checksum-Crc32", "AAAAAA=="),
	"cut":          breaks(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	"changed":      breaks(fault(412, "PreconditionFailed")),
	"othertag":     breaks(answers(206, "3456789", "ETag", `"another"`)),
	"otherpart":    breaks(answers(206, "0123456", "ETag", `"tag"`, "Content-Range", "bytes 0-6/10")),
	"ignoresrange": breaks(answers(200, "0123456789", "ETag", `"tag"`)),
	"nolength": func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "0123456789")
	},
	"silent": silence,
	"stalls": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_ = http.NewResponseController(w).Flush()
		silence(w, r)
	},
}

func liar(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	bucket, _, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if !strings.HasPrefix(bucket, "html") {
		w.Header().Set("ETag", `"tag"`)
	}
	liars[bucket](w, r)
}

var lies = []misuse{
	{"denied", `{uses: s3.get, with: {uri: "s3://denied/k"}}`, "remote", "cannot read s3://denied/k: access denied (the credentials lack a permission for it)"},
	{"denied_put", `{uses: s3.put, with: {uri: "s3://denied/k", body: x}}`, "remote", "cannot write s3://denied/k: access denied (the credentials lack a permission for it)"},
	{"denied_head", `{uses: s3.head, with: {uri: "s3://denied/k"}}`, "remote", "cannot look at s3://denied/k: access denied (the credentials lack a permission for it; without s3:ListBucket that is also the answer for what is not there)"},
	{"denied_delete", `{uses: s3.delete, with: {uri: "s3://denied/k"}}`, "remote", "cannot delete s3://denied/k: access denied (the credentials lack a permission for it)"},
	{"denied_copy", `{uses: s3.copy, with: {from: "s3://denied/k", to: "s3://denied/l"}}`, "remote", "cannot copy s3://denied/k to s3://denied/l: access denied (the credentials lack a permission for it; without s3:ListBucket that is also the answer for what is not there)"},
	{"denied_list", `{uses: s3.list, with: {uri: "s3://denied/k"}}`, "remote", "cannot list s3://denied/k: access denied (the credentials lack a permission for it)"},
	{"moved", `{uses: s3.get, with: {uri: "s3://moved/k"}}`, "remote", "cannot read s3://moved/k: the bucket is in another region (set AWS_REGION to eu-central-1)"},
	{"moved_head", `{uses: s3.head, with: {uri: "s3://moved/k"}}`, "remote", "cannot look at s3://moved/k: the bucket is in another region (set AWS_REGION to eu-central-1)"},
	{"moved_put", `{uses: s3.put, with: {uri: "s3://moved/k", body: x}}`, "remote", "cannot write s3://moved/k: the bucket is in another region (set AWS_REGION to eu-central-1)"},
	{"moved_delete", `{uses: s3.delete, with: {uri: "s3://moved/k"}}`, "remote", "cannot delete s3://moved/k: the bucket is in another region (set AWS_REGION to eu-central-1)"},
	{"skewed", `{uses: s3.get, with: {uri: "s3://skewed/k"}}`, "temporary", "cannot read s3://skewed/k: the clock of this machine is wrong (set it, by NTP)"},
	{"expired", `{uses: s3.get, with: {uri: "s3://expired/k"}}`, "temporary", "cannot read s3://expired/k: the credentials have expired (renew them; a session token does not last)"},
	{"slow", `{uses: s3.get, with: {uri: "s3://slow/k"}}`, "temporary", "cannot read s3://slow/k: the service asks to slow down"},
	{"html", `{uses: s3.get, with: {uri: "s3://html/k", as: json}}`, "remote", "cannot read s3://html/k: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html_head", `{uses: s3.head, with: {uri: "s3://html/k"}}`, "remote", "cannot look at s3://html/k: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html_put", `{uses: s3.put, with: {uri: "s3://html/k", body: x}}`, "remote", "cannot write s3://html/k: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html_list", `{uses: s3.list, with: {uri: "s3://html/k"}}`, "remote", "cannot list s3://html/k: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html_delete", `{uses: s3.delete, with: {prefix: "s3://html/k"}}`, "remote", "cannot delete all of s3://html/k, 0 are gone: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html_copy", `{uses: s3.copy, with: {from: "s3://html/", to: "s3://denied/"}}`, "remote", "cannot copy all of s3://html/ to s3://denied/, 0 are copied: what answers there is no S3 (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	{"html404", `{uses: s3.get, with: {uri: "s3://html404/k"}}`, "remote", "cannot read s3://html404/k: there is no such object"},
	{"html404_list", `{uses: s3.list, with: {uri: "s3://html404/k"}}`, "remote", "cannot list s3://html404/k: there is no such bucket (check its name, the account and the endpoint)"},
	{"html502", `{uses: s3.get, with: {uri: "s3://html502/k"}}`, "temporary", "cannot read s3://html502/k: the service failed: 502 BadGateway"},
	{"garbage_list", `{uses: s3.list, with: {uri: "s3://garbage/k"}}`, "temporary", "cannot list s3://garbage/k: the service's answer cannot be read: XML syntax error on line 1: unexpected EOF"},
	{"cut", `{uses: s3.get, with: {uri: "s3://cut/k", to: $DIR/cut}}`, "temporary", "cannot read s3://cut/k into $DIR/cut: the connection to $HOST broke: EOF"},
	{"checksum", `{uses: s3.get, with: {uri: "s3://checksum/k", to: $DIR/checksum}}`, "temporary", "cannot read s3://checksum/k into $DIR/checksum: the bytes that came do not fit their checksum"},
	{"changed", `{uses: s3.get, with: {uri: "s3://changed/k", to: $DIR/changed}}`, "temporary", "cannot read s3://changed/k into $DIR/changed: it changed while it was read"},
	{"othertag", `{uses: s3.get, with: {uri: "s3://othertag/k", to: $DIR/othertag}}`, "temporary", "cannot read s3://othertag/k into $DIR/othertag: it changed while it was read"},
	{"otherpart", `{uses: s3.get, with: {uri: "s3://otherpart/k", to: $DIR/otherpart}}`, "temporary", "cannot read s3://otherpart/k into $DIR/otherpart: another part of it came than was asked for"},
	{"ignoresrange", `{uses: s3.get, with: {uri: "s3://ignoresrange/k", to: $DIR/ignoresrange}}`, "temporary", "cannot read s3://ignoresrange/k into $DIR/ignoresrange: more than its 10 bytes came"},
	{"nolength", `{uses: s3.get, with: {uri: "s3://nolength/k", to: $DIR/nolength}}`, "remote", "cannot read s3://nolength/k into $DIR/nolength: the answer does not say how long the object is"},
	{"silent", `{uses: s3.get, with: {uri: "s3://silent/k", to: $DIR/silent}, timeout: 700ms}`, "timeout", "timed out after 700ms"},
	{"stalls", `{uses: s3.get, with: {uri: "s3://stalls/k", to: $DIR/stalls}, timeout: 700ms}`, "timeout", "timed out after 700ms"},
}

// liesLong are for the long tier: how long weft waits where no timeout is set, a minute for each of
// AWS_MAX_ATTEMPTS.
var liesLong = []misuse{
	{"silent_for_long", `{uses: s3.get, with: {uri: "s3://silent/k"}}`, "temporary", "cannot read s3://silent/k: cannot reach $HOST: it does not answer (check the network and AWS_ENDPOINT_URL)"},
}

func TestS3ThatLies(t *testing.T) {
	withS3(t)
	server := httptest.NewServer(http.HandlerFunc(liar))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w := newWorld(t)
	w.make("id: lies", inTier(lies, liesLong), "$HOST", strings.TrimPrefix(server.URL, "http://"))
	for _, m := range lies {
		if _, err := os.Stat(filepath.Join(w.dir, m.id)); err == nil {
			t.Errorf("%s: half of a file is there", m.id)
		}
	}
}
