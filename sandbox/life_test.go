package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"weft/awsconf"
	"weft/sandbox"
)

func TestABucketIsMadeWhenItIsNamedIfThatIsWanted(t *testing.T) {
	_, s := start(t, sandbox.Options{})
	if _, err := s.Open(t.Context(), at("k")); awsconf.FaultOf(err) != awsconf.NoBucket {
		t.Error(err)
	}
	_, s = start(t, sandbox.Options{CreateBuckets: true})
	if _, err := s.Open(t.Context(), at("k")); awsconf.FaultOf(err) != awsconf.NoObject {
		t.Error(err)
	}
	if _, err := sandbox.Start(t.Context(), sandbox.Options{Buckets: []string{"../up"}}); err == nil || !strings.HasPrefix(err.Error(), `cannot start the sandbox: cannot make the bucket "../up"`) {
		t.Error(err)
	}
}

func TestAFolderOutlastsTheSandbox(t *testing.T) {
	dir := t.TempDir()
	box, s := start(t, sandbox.Options{Dir: dir, Buckets: []string{"acme"}})
	put(t, s, "a/../k", "old")
	put(t, s, "a/../k", "content")
	put(t, s, "gone", "x")
	if _, err := s.S3().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("acme"), Key: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.S3().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("acme"), Key: aws.String("half")}); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Start(t.Context(), sandbox.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "is in use by another sandbox") {
		t.Errorf("two in one folder: %v", err)
	}
	box.Close()
	var files []string
	if err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, d.Name())
		}
		return err
	}); err != nil || len(files) != 2 {
		t.Errorf("left are %q, %v; want the lock and one object", files, err)
	}
	_, s = start(t, sandbox.Options{Dir: dir, Buckets: []string{"acme"}})
	if got := read(t, s, "a/../k"); got != "content" {
		t.Errorf("%q came back", got)
	}
}

func TestAFolderOfOtherThingsIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "photos", "me.jpg")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, noise(100), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Start(t.Context(), sandbox.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "name an empty folder") {
		t.Error(err)
	}
	if raw, err := os.ReadFile(file); err != nil || !bytes.Equal(raw, noise(100)) {
		t.Errorf("it was changed: %v", err)
	}
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	box, err := sandbox.Start(ctx, sandbox.Options{Buckets: []string{"acme"}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, open(t, box.Env()...), "k", "x")
	cancel()
	box.Close() // waits for the one that ctx has begun
	box.Close()
	u, err := url.Parse(strings.TrimPrefix(box.Env()[0], "AWS_ENDPOINT_URL_S3="))
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatal(u, err)
	}
	if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host); err == nil {
		_ = c.Close()
		t.Error("it still answers")
	}
}
