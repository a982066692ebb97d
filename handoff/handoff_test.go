package handoff_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"weft/handoff"
	"weft/machine"
)

const key = "orders/manual__2023-01-01T01:23:45+00:00/clean/-/1/output.json"

func place(t *testing.T) (handoff.Backend, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "hand off")
	b, err := handoff.Known().At(handoff.FileURI(dir))
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

func put(t *testing.T, b handoff.Backend, key, text string) machine.Ref {
	t.Helper()
	ref, err := b.Put(t.Context(), key, strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// files lists what lies below a folder, hidden or not.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhatIsPutIsReadBack(t *testing.T) {
	b, dir := place(t)
	ref := put(t, b, key, `{"rows": 12}`)
	if ref.Size != 12 || ref.SHA256 != "746e694111202eaf51e33e346e728df1cfa6e051b975680d825303cca22e3504" {
		t.Errorf("ref is %+v", ref)
	}
	got, err := handoff.Get(t.Context(), b, ref, 12)
	if err != nil || string(got) != `{"rows": 12}` {
		t.Fatalf("got %q, %v", got, err)
	}
	// Any program that reads URIs finds the file.
	u, err := url.Parse(ref.URI)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(u.Path); err != nil || string(raw) != `{"rows": 12}` {
		t.Fatalf("%s holds %q, %v", u.Path, raw, err)
	}
	want := "orders/manual__2023-01-01T01%3A23%3A45%2B00%3A00/clean/-/1/output.json"
	if names := files(t, dir); len(names) != 1 || names[0] != want {
		t.Errorf("the folder holds %q, want %q alone", names, want)
	}
}

func TestAKeyThatExistsIsReplaced(t *testing.T) {
	b, _ := place(t)
	old := put(t, b, key, "old value")
	ref := put(t, b, key, "new")
	if got, err := handoff.Get(t.Context(), b, ref, 100); err != nil || string(got) != "new" {
		t.Fatalf("got %q, %v", got, err)
	}
	if got, err := handoff.Get(t.Context(), b, old, 100); err == nil {
		t.Fatalf("the old ref gave %q: another attempt's value", got)
	}
}

func TestAPutThatFailsLeavesTheOldValueAndNoFile(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("half a value")))
	for _, c := range []struct {
		what string
		ctx  context.Context
		r    io.Reader
		size int64
		want string
	}{
		{"the source breaks", t.Context(), broken, 12, "timeout"},
		{"fewer bytes than announced", t.Context(), strings.NewReader("abc"), 12, "12 bytes were announced, 3 came"},
		{"more bytes than announced", t.Context(), strings.NewReader("abc"), 2, "2 bytes were announced, 3 came"},
		{"cancelled", cancelled, strings.NewReader("abc"), 3, "context canceled"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b, dir := place(t)
			old := put(t, b, key, "old")
			_, err := b.Put(c.ctx, key, c.r, c.size)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cannot put "+key) {
				t.Fatalf("error %v, want one that says %q", err, c.want)
			}
			if got, err := handoff.Get(t.Context(), b, old, 100); err != nil || string(got) != "old" {
				t.Errorf("the old value is %q, %v", got, err)
			}
			if names := files(t, dir); len(names) != 1 {
				t.Errorf("left over: %q", names)
			}
		})
	}
}

func TestWhatACrashLeftIsOverwritten(t *testing.T) {
	b, dir := place(t)
	put(t, b, "d/r/t/-/1/output.json", "x")
	folder := filepath.Join(dir, "d/r/t/-/1")
	if err := os.WriteFile(filepath.Join(folder, ".output.json.part"), []byte("a longer half"), 0o600); err != nil {
		t.Fatal(err)
	}
	ref := put(t, b, "d/r/t/-/1/output.json", "whole")
	if got, err := handoff.Get(t.Context(), b, ref, 5); err != nil || string(got) != "whole" {
		t.Fatalf("got %q, %v", got, err)
	}
	if names := files(t, dir); len(names) != 1 {
		t.Errorf("left over: %q", names)
	}
}

func TestWhatIsNotWhatWasPutIsNeverRead(t *testing.T) {
	for _, c := range []struct{ what, now, want string }{
		{"one bit", "valuf", "SHA-256 differs"},
		{"cut", "valu", "it ends after 4 of 5 bytes"},
		{"empty", "", "it ends after 0 of 5 bytes"},
		{"longer", "value!", "longer than the 5 bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b, dir := place(t)
			ref := put(t, b, "d/value", "value")
			if err := os.WriteFile(filepath.Join(dir, "d/value"), []byte(c.now), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := handoff.Get(t.Context(), b, ref, 100)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %q, %v; want an error that says %q", got, err, c.want)
			}
			rc, err := handoff.Open(t.Context(), b, ref)
			if err != nil {
				t.Fatal(err)
			}
			defer rc.Close()
			if _, err := io.Copy(io.Discard, iotest.OneByteReader(rc)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("streamed without %q: %v", c.want, err)
			}
		})
	}
}

func TestAValueThatIsTooLargeIsNotRead(t *testing.T) {
	b, _ := place(t)
	ref := put(t, b, "d/value", "value")
	if _, err := handoff.Get(t.Context(), b, ref, 4); err == nil || !strings.Contains(err.Error(), "it has 5 bytes, at most 4 are read") {
		t.Fatal(err)
	}
}

func TestNothingOutsideTheFolderIsOpened(t *testing.T) {
	b, dir := place(t)
	put(t, b, "d/value", "value")
	outside := filepath.Join(filepath.Dir(dir), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"link": outside, "up": "../../secret"} {
		if err := os.Symlink(target, filepath.Join(dir, "d", name)); err != nil {
			t.Fatal(err)
		}
	}
	in := handoff.FileURI(dir)
	for _, uri := range []string{
		"file://" + outside, in + "/../secret", in + "/d/%2e%2e/%2e%2e/secret", in + "/d/link", in + "/d/up",
		in, in + "/d", in + "/d/absent", "file:secret", "secret", "s3://bucket/secret", "file://host" + dir + "/d/value",
		in + "/d/value?x", "%", "",
	} {
		rc, err := b.Fetch(t.Context(), uri)
		if err == nil {
			got, _ := io.ReadAll(rc)
			t.Errorf("%q gave %q", uri, got)
		}
	}
	for _, key := range []string{"", "/x", "d//x", "d/"} {
		if _, err := b.Put(t.Context(), key, strings.NewReader("x"), 1); err == nil {
			t.Errorf("the key %q was taken", key)
		}
	}
	for _, key := range []string{"../secret", "d/../../secret", "..", ".", "d/value/\x00", "C:\\x"} {
		// Some get in the way of others, as a file and a folder of one name: that is an error as well.
		_, _ = b.Put(t.Context(), key, strings.NewReader("x"), 1)
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "secret" {
		t.Fatalf("the file outside is %q, %v", got, err)
	}
	if names := files(t, filepath.Dir(dir)); !strings.Contains(strings.Join(names, "\n"), "%2E./secret") {
		t.Errorf("`../secret` is no plain name below the folder: %q", names)
	}
}

func TestAKeyThroughALinkIsRefused(t *testing.T) {
	b, dir := place(t)
	put(t, b, "d/value", "value")
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "out/value", strings.NewReader("x"), 1); err == nil {
		t.Error("a symbolic link led out of the folder")
	}
	if names := files(t, outside); len(names) > 0 {
		t.Errorf("written outside: %q", names)
	}
}

func TestAFullOrForbiddenFolderSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := handoff.Known().At(handoff.FileURI(filepath.Join(dir, "below")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Put(t.Context(), "k", strings.NewReader("x"), 1)
	if want := "cannot put k into " + dir + "/below: not a directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	ref := machine.Ref{URI: handoff.FileURI(filepath.Join(dir, "below", "k")), Size: 1}
	if _, err := handoff.Get(t.Context(), b, ref, 1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestURIs(t *testing.T) {
	for uri, want := range map[string]string{
		"file:///var/weft":         "",
		"file://localhost/var":     "",
		"gs://bucket":              `cannot use "gs://bucket" as handoff: this weft does not know the scheme "gs" (it knows: dynamodb, file, s3)`,
		"/var/weft":                `cannot use "/var/weft" as handoff: it is no URI (write file:///folder, s3://bucket/prefix or dynamodb://table)`,
		"":                         `cannot use "" as handoff: it is no URI (write file:///folder, s3://bucket/prefix or dynamodb://table)`,
		"file://var/weft":          `cannot use "file://var/weft" as handoff: it must name an absolute folder: file:///folder`,
		"file:var":                 `cannot use "file:var" as handoff: it must name an absolute folder: file:///folder`,
		"file:///var?x=1":          `cannot use "file:///var?x=1" as handoff: a file URI has no ? and no #`,
		"s4://me:password@host/b":  `cannot use "s4://me:xxxxx@host/b" as handoff: this weft does not know the scheme "s4" (it knows: dynamodb, file, s3)`,
		"file:///var/%zz":          `cannot use "file:///var/%zz" as handoff: it is no URI (write file:///folder, s3://bucket/prefix or dynamodb://table)`,
		"file:///a/b/../../../etc": "", // a folder like any other: it is the owner who names it
	} {
		_, err := handoff.Known().At(uri)
		if got := text(err); got != want {
			t.Errorf("%s\n got %s\nwant %s", uri, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFileNames(t *testing.T) {
	for s, want := range map[string]string{
		"orders":              "orders",
		"v1.2-a_B":            "v1.2-a_B",
		"manual__10:00+00:00": "manual__10%3A00%2B00%3A00",
		"..":                  "%2E.",
		".":                   "%2E",
		".hidden":             "%2Ehidden",
		"":                    "%",
		"a/b":                 "a%2Fb",
		"100%":                "100%25",
		"é":                   "%C3%A9",
	} {
		if got := handoff.FileName(s); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	}
	a, b := strings.Repeat("a", 300), strings.Repeat("a", 301)
	if na, nb := handoff.FileName(a), handoff.FileName(b); na == nb || len(na) != 200 || len(nb) != 200 {
		t.Errorf("long names: %q and %q", na, nb)
	}
}

// Two texts never share a name, and a name is always one plain file's.
func FuzzFileName(f *testing.F) {
	f.Add("a", "%61")
	f.Add("", "%")
	f.Add(".", "%2E")
	f.Add(strings.Repeat(":", 100), strings.Repeat(":", 101))
	f.Fuzz(func(t *testing.T, a, b string) {
		na, nb := handoff.FileName(a), handoff.FileName(b)
		if (a == b) != (na == nb) {
			t.Errorf("%q and %q became %q and %q", a, b, na, nb)
		}
		if !filepath.IsLocal(na) || filepath.Base(na) != na || na[0] == '.' || len(na) > 200 {
			t.Errorf("%q became %q", a, na)
		}
	})
}
