package handoff_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"weft/awsconf"
	"weft/handoff"
	"weft/tests/s3server"
)

// inBucket is a place in a real S3 server, which keeps objects as files of the folder returned.
func inBucket(t *testing.T) (handoff.Backend, string) {
	t.Helper()
	server := s3server.Start(t, "acme", "other")
	for _, kv := range server.Env() {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	b, err := handoff.Known().At("s3://acme/weft/handoff")
	if err != nil {
		t.Fatal(err)
	}
	return b, filepath.Join(server.Dir, "acme")
}

func TestInS3WhatIsPutIsReadBackUnderItsPlainKey(t *testing.T) {
	b, dir := inBucket(t)
	large := strings.Repeat("0123456789abcdef", awsconf.PartSize/16+3)
	for _, value := range []string{`{"rows": 12}`, "", large} {
		for what, r := range map[string]io.Reader{
			"a file": strings.NewReader(value), "a stream": iotest.DataErrReader(io.MultiReader(strings.NewReader(value))),
		} {
			for _, size := range []int64{int64(len(value)), -1} {
				if s, ok := r.(io.Seeker); ok {
					if _, err := s.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
				} else {
					r = io.MultiReader(strings.NewReader(value))
				}
				ref, err := b.Put(t.Context(), key, r, size)
				if err != nil || ref.URI != "s3://acme/weft/handoff/"+key || ref.Size != int64(len(value)) {
					t.Fatalf("%s of %d bytes, %d announced: %+v, %v", what, len(value), size, ref, err)
				}
				got, err := handoff.Get(t.Context(), b, ref, int64(len(value)))
				if err != nil || string(got) != value {
					t.Fatalf("%s of %d bytes: %d came back, %v", what, len(value), len(got), err)
				}
			}
		}
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "weft/handoff", key)); err != nil || string(raw) != large {
		t.Errorf("the bucket holds %d bytes under the plain key, %v", len(raw), err)
	}
}

func TestInS3AValueSaysItsSum(t *testing.T) {
	b, _ := inBucket(t)
	ref := put(t, b, "d/value", "value")
	s, err := awsconf.For(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	info, found, err := s.Head(t.Context(), awsconf.Object{Bucket: "acme", Key: "weft/handoff/d/value"}, true)
	if err != nil || !found || info.SHA256 != ref.SHA256 {
		t.Errorf("%+v, %v, %v; want %s", info, found, err, ref.SHA256)
	}
}

func TestInS3APutThatFailsLeavesTheOldValue(t *testing.T) {
	b, _ := inBucket(t)
	old, large := put(t, b, key, "old"), strings.Repeat("x", awsconf.PartSize)
	for what, c := range map[string]struct {
		r    io.Reader
		size int64
		want string
	}{
		"the source breaks":         {iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("half"))), 4, "timeout"},
		"fewer than announced":      {strings.NewReader("abc"), 12, "12 bytes were announced, 3 came"},
		"more than announced":       {strings.NewReader("abc"), 2, "2 bytes were announced, 3 came"},
		"a stream with fewer":       {io.MultiReader(strings.NewReader("abc")), 12, "12 bytes were announced, 3 came"},
		"a stream with more":        {io.MultiReader(strings.NewReader("abc")), 2, "2 bytes were announced, 3 came"},
		"a file that changes":       {&changing{strings.NewReader("abc"), "xyz"}, 3, "the file changed while it was read"},
		"a large one that changes":  {&changing{strings.NewReader(large + "a"), large + "b"}, awsconf.PartSize + 1, "the file changed while it was read"},
		"a large one that is short": {io.MultiReader(bytes.NewReader(make([]byte, awsconf.PartSize+1))), awsconf.PartSize + 2, "were announced"},
	} {
		_, err := b.Put(t.Context(), key, c.r, c.size)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot put "+key+" into s3://acme/weft/handoff/: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", what, err, c.want)
		}
		if got, err := handoff.Get(t.Context(), b, old, 100); err != nil || string(got) != "old" {
			t.Errorf("%s: the old value is %q, %v", what, got, err)
		}
	}
}

// changing is a file to which someone writes between two readings.
type changing struct {
	*strings.Reader
	then string
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		c.Reader = strings.NewReader(c.then)
	}
	return c.Reader.Seek(offset, whence)
}

func TestInS3WhatIsNotWhatWasPutIsNeverRead(t *testing.T) {
	b, dir := inBucket(t)
	for what, c := range map[string]struct{ now, want string }{
		"other bytes": {"valuf", "do not fit their checksum"}, "cut": {"valu", "4 of 5 bytes"}, "longer": {"value!", "longer than the 5 bytes"},
	} {
		t.Run(what, func(t *testing.T) {
			ref := put(t, b, "d/value", "value")
			if c.now == "valuf" {
				if err := os.WriteFile(filepath.Join(dir, "weft/handoff/d/value"), []byte(c.now), 0o600); err != nil {
					t.Fatal(err)
				}
			} else { // someone has put another
				put(t, b, "d/value", c.now)
			}
			got, err := handoff.Get(t.Context(), b, ref, 100)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cannot read s3://acme/") {
				t.Fatalf("got %q, %v; want an error that says %q", got, err, c.want)
			}
		})
	}
}

func TestInS3NothingOutsideThePrefixIsOpened(t *testing.T) {
	b, dir := inBucket(t)
	ref := put(t, b, "d/value", "value")
	for _, secret := range []string{"secret", "weft/secret", "weft/handoff-2/secret", "../other/secret"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(secret)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, secret), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, uri := range []string{
		"s3://acme/secret", "s3://acme/weft/secret", "s3://acme/weft/handoff-2/secret", "s3://other/secret",
		ref.URI + "/../../../secret", "s3://acme/weft/handoff/../secret", "s3://acme/weft/handoff/", "s3://acme", "file:///etc/passwd", "",
	} {
		rc, err := b.Fetch(t.Context(), uri)
		if err == nil {
			got, _ := io.ReadAll(rc)
			t.Errorf("%q gave %q", uri, got)
		}
	}
	for _, key := range []string{"", "/x", "d//x", "d/", "../secret", "d/../../secret", "..", ".", "d/\x00", "d/\n", "d/" + strings.Repeat("k", 1024)} {
		if _, err := b.Put(t.Context(), key, strings.NewReader("x"), 1); err == nil {
			t.Errorf("the key %q was taken", key)
		}
	}
	for _, uri := range []string{"s3://acme/absent", "s3://acme/weft/handoff/absent"} {
		if _, err := b.Fetch(t.Context(), uri); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: error %v", uri, err)
		}
	}
}

func TestS3URIs(t *testing.T) {
	const plain = ": its prefix may only have letters, digits and _ . = @ : + , ! - between single slashes"
	for uri, want := range map[string]string{
		"s3://acme": "", "s3://acme/": "", "s3://acme/a/b=c/": "",
		"s3:acme":         `cannot use "s3:acme" as handoff: it must name a bucket: s3://bucket/prefix`,
		"s3:///acme":      `cannot use "s3:///acme" as handoff: it must name a bucket: s3://bucket/prefix`,
		"s3://acme/a%20b": `cannot use "s3://acme/a%20b" as handoff` + plain,
		"s3://acme/a//b":  `cannot use "s3://acme/a//b" as handoff` + plain,
		"s3://acme/a?x=1": `cannot use "s3://acme/a?x=1" as handoff` + plain,
		"s3://Acme_1/a":   `cannot use "s3://Acme_1/a" as handoff: "Acme_1" is no bucket's name (3 to 63 of a-z 0-9 . -)`,
		"s3://acme/../a":  `cannot use "s3://acme/../a" as handoff: its key has the part ".."`,
	} {
		_, err := handoff.Known().At(uri)
		if got := text(err); got != want {
			t.Errorf("%s\n got %s\nwant %s", uri, got, want)
		}
	}
}

func TestInS3AFolderArrivesAsItWas(t *testing.T) {
	b, dir := inBucket(t)
	src := root(t, map[string]string{
		"large": strings.Repeat("w", awsconf.PartSize+5), "run.sh": "#!/bin/sh\n", "deep/er/a b%2F+ü": "odd", "deep/latest": "-> ../run.sh", "hollow/": "",
	})
	a, err := handoff.Keep(t.Context(), b, "orders/run:1/train/-/1", "model", handoff.Source{Root: src, Path: "."})
	if err != nil || a.URI != "s3://acme/weft/handoff/orders/run:1/train/-/1/artifacts/model/" || a.Files != 3 {
		t.Fatalf("%+v, %v", a, err)
	}
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), b, a, to, "."); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), tree(t, src))
	if err := os.Remove(filepath.Join(dir, "weft/handoff/orders/run:1/train/-/1/artifacts/model/run.sh")); err != nil {
		t.Fatal(err)
	}
	if err := handoff.Lay(t.Context(), b, a, root(t, nil), "."); err == nil || !strings.Contains(err.Error(), "model/run.sh: ") {
		t.Errorf("a file is gone: %v", err)
	}
}
