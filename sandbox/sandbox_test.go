package sandbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"weft/awsconf"
	"weft/handoff"
	"weft/plugins"
	plugin "weft/plugins/s3"
	"weft/sandbox"
)

func start(t *testing.T, o sandbox.Options) (*sandbox.Sandbox, *awsconf.Session) {
	t.Helper()
	box, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	return box, open(t, box.Env()...)
}

func open(t *testing.T, env ...string) *awsconf.Session {
	t.Helper()
	s, err := awsconf.For(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// both runs a story with objects in memory and below a folder.
func both(t *testing.T, story func(t *testing.T, box *sandbox.Sandbox, s *awsconf.Session)) {
	t.Helper()
	for what, dir := range map[string]string{"in memory": "", "below a folder": t.TempDir()} {
		t.Run(what, func(t *testing.T) {
			box, s := start(t, sandbox.Options{Dir: dir, Buckets: []string{"acme", "other"}})
			story(t, box, s)
		})
	}
}

func at(key string) awsconf.Object { return awsconf.Object{Bucket: "acme", Key: key} }

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b) // never fails
	return b
}

func put(t *testing.T, s *awsconf.Session, key, text string) {
	t.Helper()
	if _, err := s.Upload(t.Context(), awsconf.Upload{To: at(key), Body: strings.NewReader(text), Size: int64(len(text))}); err != nil {
		t.Fatalf("%q: %v", key, err)
	}
}

func read(t *testing.T, s *awsconf.Session, key string) string {
	t.Helper()
	d, err := s.Open(t.Context(), at(key))
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	defer d.Close()
	raw, err := io.ReadAll(d)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	return string(raw)
}

func TestWhatIsUploadedIsReadBack(t *testing.T) {
	both(t, func(t *testing.T, _ *sandbox.Sandbox, s *awsconf.Session) {
		for _, size := range []int{0, 1, 1000, awsconf.PartSize, awsconf.PartSize + 1, 20 << 20} {
			body := noise(size)
			sum := sha256.Sum256(body)
			for _, announced := range []int64{int64(size), -1} {
				written, err := s.Upload(t.Context(), awsconf.Upload{
					To: at("in/some thing+é:1"), Body: iotest.HalfReader(bytes.NewReader(body)), Size: announced, SHA256: sum[:],
					ContentType: "text/x-noise", Metadata: map[string]string{"who": "me"},
				})
				if err != nil || written.Size != int64(size) {
					t.Fatalf("%d bytes: %+v, %v", size, written, err)
				}
				if got := read(t, s, "in/some thing+é:1"); got != string(body) {
					t.Fatalf("%d bytes became %d", size, len(got))
				}
				info, found, err := s.Head(t.Context(), at("in/some thing+é:1"), true)
				if err != nil || !found || info.ContentType != "text/x-noise" || info.ETag != written.ETag || len(info.SHA256) != 64 || info.Metadata["who"] != "me" {
					t.Errorf("%+v, %v, %v", info, found, err)
				}
			}
		}
	})
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, _ *sandbox.Sandbox, s *awsconf.Session) {
		boom := errors.New("the disk is gone")
		body := io.MultiReader(bytes.NewReader(noise(2*awsconf.PartSize+5)), iotest.ErrReader(boom))
		if _, err := s.Upload(t.Context(), awsconf.Upload{To: at("k"), Body: body, Size: -1}); !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if _, found, err := s.Head(t.Context(), at("k"), true); found || err != nil {
			t.Errorf("something is there: %v, %v", found, err)
		}
		left, err := s.S3().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("acme")})
		if err != nil || len(left.Uploads) > 0 {
			t.Errorf("%d uploads are left open, %v", len(left.Uploads), err)
		}
	})
}

func TestOfManyWhoMayOnlyCreateOneDoes(t *testing.T) {
	both(t, func(t *testing.T, _ *sandbox.Sandbox, s *awsconf.Session) {
		var all sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			all.Go(func() {
				_, errs[i] = s.Upload(t.Context(), awsconf.Upload{To: at("once"), Body: strings.NewReader("x"), Size: 1, OnlyNew: true})
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if awsconf.FaultOf(err) != awsconf.Exists {
				t.Errorf("a loser is told: %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d of %d created it", won, len(errs))
		}
		_, err := s.Upload(t.Context(), awsconf.Upload{To: at("once"), Body: bytes.NewReader(noise(awsconf.PartSize + 1)), Size: -1, OnlyNew: true})
		if awsconf.FaultOf(err) != awsconf.Exists || read(t, s, "once") != "x" {
			t.Errorf("in parts: %v", err)
		}
	})
}

// TestKeysLeadNowhere writes keys that would be other files, or none, were they names of files.
func TestKeysLeadNowhere(t *testing.T) {
	parent := t.TempDir()
	for _, dir := range []string{"", filepath.Join(parent, "box")} {
		_, s := start(t, sandbox.Options{Dir: dir, Buckets: []string{"acme", "other"}})
		keys := []string{
			"../other/x", "../../x", "a/../x", "/etc/passwd", "a//b", "a/", "a", "a/b", ".", "..", "./.lock", "%2e%2e/x", `..\x`, "x?y#z",
			"ä %20+&=", strings.Repeat("k", 1024), "a/" + strings.Repeat("é", 300),
		}
		for _, key := range keys {
			put(t, s, key, "of "+key)
		}
		for _, key := range keys {
			if got := read(t, s, key); got != "of "+key {
				t.Errorf("%q holds %q", key, got)
			}
		}
		if out, err := s.S3().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("other")}); err != nil || len(out.Contents) > 0 {
			t.Errorf("the other bucket holds %v, %v", out.Contents, err)
		}
	}
	if names, err := os.ReadDir(parent); err != nil || len(names) != 1 {
		t.Errorf("beside the folder there is %v, %v", names, err)
	}
}

func TestOnlyItsOwnKeyOpensIt(t *testing.T) {
	box, s := start(t, sandbox.Options{Buckets: []string{"acme"}})
	other, _ := start(t, sandbox.Options{Buckets: []string{"acme"}})
	put(t, s, "k", "secret")
	endpoint := box.Env()[0]
	host := strings.TrimPrefix(endpoint, "AWS_ENDPOINT_URL_S3=")
	for _, path := range []string{"/", "/acme", "/acme/k"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST"} {
			req, err := http.NewRequestWithContext(t.Context(), method, host+path, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != 403 || !bytes.Contains(raw, []byte("<Code>AccessDenied</Code>")) {
				t.Errorf("unsigned %s %s: %d %s, %v", method, path, resp.StatusCode, raw, err)
			}
		}
	}
	for what, c := range map[string]struct {
		env  []string
		want string
	}{
		"another sandbox's key": {append(other.Env(), endpoint), "the access key is not known (check AWS_ACCESS_KEY_ID, AWS_PROFILE and the endpoint)"},
		"a guessed secret":      {append(box.Env(), "AWS_SECRET_ACCESS_KEY=guess"), "the signature is wrong (check AWS_SECRET_ACCESS_KEY)"},
	} {
		_, err := open(t, c.env...).Open(t.Context(), at("k"))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	if read(t, s, "k") != "secret" {
		t.Error("it was changed")
	}
}

func TestAnAddressSignedBeforehandOpensOneObject(t *testing.T) {
	_, s := start(t, sandbox.Options{Buckets: []string{"acme"}})
	put(t, s, "a b+é", "content")
	signed, err := s3.NewPresignClient(s.S3()).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme"), Key: aws.String("a b+é")})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]int{signed.URL: 200, strings.Replace(signed.URL, "a%20b", "other", 1): 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d, want %d", resp.StatusCode, want)
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	both(t, func(t *testing.T, _ *sandbox.Sandbox, s *awsconf.Session) {
		put(t, s, "k", "0123456789")
		for r, want := range map[string]string{
			"bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789", "bytes=8-99": "89", "bytes=5-2": "0123456789", "lines=1": "0123456789", "bytes=10-": "InvalidRange",
		} {
			out, err := s.S3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme"), Key: aws.String("k"), Range: &r})
			if err != nil {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", r, err)
				}
				continue
			}
			if raw, err := io.ReadAll(out.Body); err != nil || string(raw) != want {
				t.Errorf("%s: %q, %v; want %q", r, raw, err, want)
			}
		}
		_, err := s.S3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme"), Key: aws.String("k"), IfMatch: aws.String(`"other"`)})
		if awsconf.FaultOf(awsconf.Explain(err)) != awsconf.Exists {
			t.Errorf("another tag: %v", err)
		}
		_, err = s.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("acme"), Key: aws.String("k"), IfMatch: aws.String(`"other"`)})
		if awsconf.FaultOf(awsconf.Explain(err)) != awsconf.Exists || read(t, s, "k") != "0123456789" {
			t.Errorf("a write over another tag: %v", err)
		}
	})
}

func TestEveryChecksumIsProvenAndGivenBack(t *testing.T) {
	_, s := start(t, sandbox.Options{Buckets: []string{"acme"}})
	in := func() *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: aws.String("acme"), Key: aws.String("k"), Body: strings.NewReader("content")}
	}
	for _, a := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		put := in()
		put.ChecksumAlgorithm = a
		if _, err := s.S3().PutObject(t.Context(), put); err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		out, err := s.S3().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("acme"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(err)
		}
		sums := []*string{out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256}
		if raw, err := io.ReadAll(out.Body); err != nil || string(raw) != "content" || len(slices.DeleteFunc(sums, func(s *string) bool { return s == nil })) != 1 {
			t.Errorf("%s: %q, %v", a, raw, err)
		}
	}
	wrong := in()
	wrong.ChecksumCRC32 = aws.String("AAAAAA==")
	if _, err := s.S3().PutObject(t.Context(), wrong); awsconf.FaultOf(awsconf.Explain(err)) != awsconf.Damaged {
		t.Errorf("a wrong one: %v", err)
	}
}

func TestListing(t *testing.T) {
	both(t, func(t *testing.T, _ *sandbox.Sandbox, s *awsconf.Session) {
		keys := []string{"a/1", "a/2", "a/b/3", "ab", "b/1", "z +&<"}
		for _, key := range keys {
			put(t, s, key, key)
		}
		var seen []string
		pages := s3.NewListObjectsV2Paginator(s.S3(), &s3.ListObjectsV2Input{Bucket: aws.String("acme"), MaxKeys: aws.Int32(1)})
		for pages.HasMorePages() {
			p, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range p.Contents {
				seen = append(seen, *o.Key)
			}
		}
		if !slices.Equal(seen, keys) {
			t.Errorf("in pages of one: %q", seen)
		}
		seen = nil
		pages = s3.NewListObjectsV2Paginator(s.S3(), &s3.ListObjectsV2Input{
			Bucket: aws.String("acme"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1), EncodingType: types.EncodingTypeUrl,
		})
		for pages.HasMorePages() {
			p, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range p.Contents {
				seen = append(seen, *o.Key)
			}
			for _, c := range p.CommonPrefixes {
				seen = append(seen, *c.Prefix)
			}
		}
		if want := []string{"a/", "ab", "b/", "z%20%2B%26%3C"}; !slices.Equal(seen, want) {
			t.Errorf("by folder: %q, want %q", seen, want)
		}
	})
}

// TestThePluginsWorkWithIt runs what a DAG does.
func TestThePluginsWorkWithIt(t *testing.T) {
	both(t, func(t *testing.T, box *sandbox.Sandbox, s *awsconf.Session) {
		tmp := t.TempDir()
		do := func(p plugins.Plugin, input string) string {
			t.Helper()
			res, err := p.Run(t.Context(), &plugins.Call{Input: json.RawMessage(input), Dir: t.TempDir(), TmpDir: tmp, Env: box.Env()})
			if err != nil {
				t.Fatalf("%s %s: %v", p.Name(), input, err)
			}
			return string(res.Output)
		}
		for _, key := range []string{"run1/a", "run1/b/c+d é", "run10/x"} {
			do(plugin.Put{}, `{"uri": "s3://acme/`+key+`", "body": "`+key+`", "content_type": "text/x"}`)
		}
		for _, c := range []struct {
			p           plugins.Plugin
			input, want string
		}{
			{plugin.Copy{}, `{"from": "s3://acme/run1/", "to": "s3://other/copy/"}`, `{"count":2}`},
			{plugin.Get{}, `{"uri": "s3://other/copy/b/c+d é"}`, `"run1/b/c+d é"`},
			{plugin.Delete{}, `{"prefix": "s3://acme/run1/"}`, `{"count":2}`},
			{plugin.Delete{}, `{"uri": "s3://acme/run10/x"}`, `{"count":1}`},
			{plugin.List{}, `{"uri": "s3://acme"}`, `{"count":0,"objects":[]}`},
			{plugin.Head{}, `{"uri": "s3://acme/run1/a"}`, `{"exists":false,"size":null,"etag":null,"modified":null,"content_type":null}`},
		} {
			if got := do(c.p, c.input); got != c.want {
				t.Errorf("%s %s: %s, want %s", c.p.Name(), c.input, got, c.want)
			}
		}
		if got := do(plugin.Head{}, `{"uri": "s3://other/copy/a"}`); !strings.Contains(got, `"content_type":"text/x"`) {
			t.Errorf("the copy is another: %s", got)
		}
		copyInParts(t, s)
	})
}

func copyInParts(t *testing.T, s *awsconf.Session) {
	t.Helper()
	body, bucket := noise(11<<20), aws.String("acme")
	put(t, s, "large", string(body))
	made, err := s.S3().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("copy")})
	if err != nil {
		t.Fatal(err)
	}
	var done []types.CompletedPart
	for i, r := range []string{"bytes=0-5242879", "bytes=5242880-11534335"} {
		out, err := s.S3().UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
			Bucket: bucket, Key: aws.String("copy"), UploadId: made.UploadId, PartNumber: aws.Int32(int32(i + 1)), CopySource: aws.String("acme/large"), CopySourceRange: &r,
		})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: out.CopyPartResult.ETag, ChecksumCRC32: out.CopyPartResult.ChecksumCRC32})
	}
	complete := func(parts ...types.CompletedPart) error {
		_, err := s.S3().CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: aws.String("copy"), UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	}
	if err := complete(done[1], done[0]); err == nil || !strings.Contains(err.Error(), "InvalidPartOrder") {
		t.Errorf("in the wrong order: %v", err)
	}
	if err := complete(done...); err != nil {
		t.Fatal(err)
	}
	if read(t, s, "copy") != string(body) {
		t.Error("the copy is another")
	}
}

func TestValuesAreHandedOnThroughIt(t *testing.T) {
	box, _ := start(t, sandbox.Options{CreateBuckets: true})
	for _, kv := range box.Env() {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	b, err := handoff.Known().At("s3://acme/weft/handoff")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", `{"rows": 12}`, strings.Repeat("0123456789abcdef", awsconf.PartSize/16+3)} {
		ref, err := b.Put(t.Context(), "d/value", strings.NewReader(value), int64(len(value)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := handoff.Get(t.Context(), b, ref, int64(len(value))); err != nil || string(got) != value {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(value), err)
		}
	}
}
