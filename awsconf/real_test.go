package awsconf_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"weft/awsconf"
	"weft/tests/s3server"
)

// session starts a server with the bucket acme and gives a way to it.
func session(t *testing.T) (*awsconf.Session, *s3server.Server) {
	t.Helper()
	server := s3server.Start(t, "acme")
	return open(t, server.Env()), server
}

func open(t *testing.T, env []string) *awsconf.Session {
	t.Helper()
	s, err := awsconf.For(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(key string) awsconf.Object { return awsconf.Object{Bucket: "acme", Key: key} }

// noise is bytes that no two places have alike.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b) // never fails
	return b
}

func TestWhatIsUploadedIsReadBack(t *testing.T) {
	s, _ := session(t)
	const part = awsconf.PartSize
	for _, size := range []int{0, 1, 1000, part - 1, part, part + 1, 2*part + 17} {
		body := noise(size)
		sum := sha256.Sum256(body)
		for _, announced := range []int64{int64(size), -1} {
			written, err := s.Upload(t.Context(), awsconf.Upload{
				To: at("in/some thing+é:1"), Body: iotest.HalfReader(bytes.NewReader(body)), Size: announced, SHA256: sum[:], ContentType: "text/x-noise",
			})
			if err != nil || written.Size != int64(size) || written.ETag == "" || strings.Contains(written.ETag, `"`) {
				t.Fatalf("%d bytes, %d announced: %+v, %v", size, announced, written, err)
			}
			d, err := s.Open(t.Context(), at("in/some thing+é:1"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(d)
			if err != nil || !bytes.Equal(got, body) {
				t.Fatalf("%d bytes became %d, %v", size, len(got), err)
			}
			if d.ContentType != "text/x-noise" || d.ETag != written.ETag || d.Size != int64(size) || len(d.SHA256) != 64 {
				t.Errorf("%+v", d.Info)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	s, _ := session(t)
	const part = awsconf.PartSize
	boom := errors.New("the disk is gone")
	for _, c := range []struct {
		what string
		body io.Reader
		size int64
		want string
	}{
		{"the source breaks at once", iotest.ErrReader(boom), -1, "the disk is gone"},
		{"the source breaks later", io.MultiReader(bytes.NewReader(noise(2*part+5)), iotest.ErrReader(boom)), -1, "the disk is gone"},
		{"the source is cut", io.MultiReader(bytes.NewReader(noise(part+5)), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, "unexpected EOF"},
		{"a small source is cut", iotest.ErrReader(io.ErrUnexpectedEOF), -1, "unexpected EOF"},
		{"fewer bytes", strings.NewReader("abc"), 4, "4 bytes were announced, 3 came"},
		{"more bytes", strings.NewReader("abc"), 2, "2 bytes were announced, 3 came"},
		{"fewer bytes in parts", bytes.NewReader(noise(2 * part)), 2*part + 1, "announced"},
		{"more bytes in parts", bytes.NewReader(noise(2*part + 2)), 2*part + 1, "announced"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := s.Upload(t.Context(), awsconf.Upload{To: at("k"), Body: c.body, Size: c.size})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one that says %q", err, c.want)
			}
			if _, found, err := s.Head(t.Context(), at("k"), true); found || err != nil {
				t.Errorf("something is there: %v, %v", found, err)
			}
			bucket := "acme"
			open, err := s.S3().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
			if err != nil || len(open.Uploads) > 0 {
				t.Errorf("%d uploads are left open, %v", len(open.Uploads), err)
			}
		})
	}
}

func TestACancelledUploadLeavesNothing(t *testing.T) {
	s, _ := session(t)
	ctx, cancel := context.WithCancel(t.Context())
	body := io.MultiReader(bytes.NewReader(noise(awsconf.PartSize+9)), readFunc(func([]byte) (int, error) {
		cancel()
		return 0, ctx.Err()
	}))
	if _, err := s.Upload(ctx, awsconf.Upload{To: at("k"), Body: body, Size: -1}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	bucket := "acme"
	open, err := s.S3().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil || len(open.Uploads) > 0 {
		t.Errorf("%d uploads are left open, %v", len(open.Uploads), err)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestOfManyWhoMayOnlyCreateOneDoes(t *testing.T) {
	s, _ := session(t)
	const writers = 16
	var all sync.WaitGroup
	errs := make([]error, writers)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = s.Upload(t.Context(), awsconf.Upload{To: at("once"), Body: strings.NewReader("x"), Size: 1, OnlyNew: true})
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case awsconf.FaultOf(err) != awsconf.Exists && awsconf.FaultOf(err) != awsconf.Changed:
			t.Errorf("a loser is told: %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d created it", won, writers)
	}
	_, err := s.Upload(t.Context(), awsconf.Upload{To: at("once"), Body: bytes.NewReader(noise(awsconf.PartSize + 1)), Size: -1, OnlyNew: true})
	if awsconf.FaultOf(err) != awsconf.Exists {
		t.Errorf("in parts: %v", err)
	}
}

func TestFailuresInWordsForPeople(t *testing.T) {
	s, server := session(t)
	with := func(more ...string) []string { return append(server.Env(), more...) }
	head := func(env []string, o awsconf.Object) error {
		_, _, err := open(t, env).Head(t.Context(), o, true)
		return err
	}
	read := func(env []string, o awsconf.Object) error {
		_, err := open(t, env).Open(t.Context(), o)
		return err
	}
	for _, c := range []struct {
		what string
		err  error
		is   awsconf.Fault
		want string
	}{
		{"no such bucket", head(server.Env(), awsconf.Object{Bucket: "absent", Key: "k"}), awsconf.NoBucket, "there is no such bucket (check its name, the account and the endpoint)"},
		{"no such bucket, reading", read(server.Env(), awsconf.Object{Bucket: "absent", Key: "k"}), awsconf.NoBucket, "there is no such bucket (check its name, the account and the endpoint)"},
		{"no such object", read(server.Env(), at("absent")), awsconf.NoObject, "there is no such object"},
		{"wrong secret", read(with("AWS_SECRET_ACCESS_KEY=guess"), at("k")), awsconf.Denied, "the signature is wrong (check AWS_SECRET_ACCESS_KEY)"},
		{"nobody there", read(with("AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"), at("k")), awsconf.Unreached, "cannot reach 127.0.0.1:1: connection refused (check the network and AWS_ENDPOINT_URL)"},
		{"no such host", read(with("AWS_ENDPOINT_URL=http://no.invalid", "AWS_MAX_ATTEMPTS=1"), at("k")), awsconf.Unreached, "cannot reach no.invalid: there is no such host (check the network and AWS_ENDPOINT_URL)"},
	} {
		if c.err == nil || c.err.Error() != c.want || awsconf.FaultOf(c.err) != c.is {
			t.Errorf("%s:\n got %v (%d)\nwant %s (%d)", c.what, c.err, awsconf.FaultOf(c.err), c.want, c.is)
		}
	}
	if _, found, err := s.Head(t.Context(), at("absent"), true); found || err != nil {
		t.Errorf("absent: %v, %v", found, err)
	}
}
