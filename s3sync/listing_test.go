package s3sync

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/tests/s3server"
)

// TestWhatOthersPublish: a prefix without a manifest is read by listings; each object is fetched once.
func TestWhatOthersPublish(t *testing.T) {
	server := s3server.Start(t, "acme")
	proxy := server.Proxy(t, nil)
	bucket := filepath.Join(server.Dir, "acme")
	write(t, bucket, "dags/a.yaml", "a")
	write(t, bucket, "dags/run.sh", "#!/bin/sh\n")
	write(t, bucket, "dags/.git/config", "hidden")
	f := follower(t, at(t, proxy.Server, "dags"))
	if changed, err := f.Next(t.Context()); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if got, want := contentOf(t, f.Dir()), "a.yaml=a\nrun.sh (x)=#!/bin/sh\n"; got != want {
		t.Errorf("it shows %q, not %q", got, want)
	}
	if f.Last().Tag != "" {
		t.Error("a set of listings claims to be of a manifest")
	}
	proxy.Seen()
	if changed, err := f.Next(t.Context()); err != nil || changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	if seen := proxy.Seen(); len(seen) != 2 {
		t.Errorf("nothing has changed, and that took %v", seen)
	}
	write(t, bucket, "dags/b.yaml", "b")
	if changed, err := f.Next(t.Context()); err != nil || !changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	if seen := proxy.Seen(); len(seen) != 5 { // manifest, listing, the new one, listing, manifest
		t.Errorf("one new file took %v", seen)
	}
	// Once weft has published, the manifest counts.
	from := t.TempDir()
	write(t, from, "a.yaml", "by weft")
	mustPublish(t, at(t, server, "dags"), from)
	if changed, err := f.Next(t.Context()); err != nil || !changed || contentOf(t, f.Dir()) != "a.yaml=by weft" {
		t.Errorf("changed %v, %v", changed, err)
	}
	// And never again the listings: what was in force stays.
	if err := os.Remove(filepath.Join(bucket, "dags", manifestPath)); err != nil {
		t.Fatal(err)
	}
	want := "cannot read s3://acme/dags: its manifest is gone (weft sync publishes it anew)"
	if _, err := f.Next(t.Context()); err == nil || err.Error() != want || contentOf(t, f.Dir()) != "a.yaml=by weft" {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestAListingThatMoves: while somebody uploads, nothing is taken; when the prefix stands still, it is.
func TestAListingThatMoves(t *testing.T) {
	server := s3server.Start(t, "acme")
	bucket := filepath.Join(server.Dir, "acme")
	n, most := 0, 3
	proxy := server.Proxy(t, func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		if s3server.Lists(r) && n < most {
			n++
			write(t, bucket, fmt.Sprintf("dags/%d.yaml", n), "x")
		}
		forward.ServeHTTP(w, r)
	})
	write(t, bucket, "dags/0.yaml", "x")
	f := follower(t, at(t, proxy.Server, "dags"))
	if _, err := f.Next(t.Context()); err != nil || len(f.Last().Files) != 4 {
		t.Errorf("%v", err)
	}
	n, most = 100, 200
	if _, err := f.Next(t.Context()); !errors.Is(err, ErrRestless) || len(f.Last().Files) != 4 {
		t.Errorf("%v, want %v", err, ErrRestless)
	}
}

// evil is an S3 whose listing shows these keys below dags/, and gives their names as their content.
func evil(t *testing.T, keys ...string) *s3server.Server {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s3server.Lists(r) {
			var b strings.Builder
			b.WriteString("<ListBucketResult><Name>acme</Name><IsTruncated>false</IsTruncated>")
			for _, k := range keys {
				fmt.Fprintf(&b, `<Contents><Key>%s</Key><Size>4</Size><ETag>"tag"</ETag><LastModified>2026-01-02T03:04:05Z</LastModified></Contents>`, k)
			}
			b.WriteString("</ListBucketResult>")
			_, _ = w.Write([]byte(b.String()))
			return
		}
		if s3server.Writes(r) {
			t.Errorf("%s %s: nothing is to be written", r.Method, r.URL)
		}
		if strings.Contains(r.URL.Path, ownFolder) {
			http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", `"tag"`)
		_, _ = w.Write([]byte("text"))
	}))
	t.Cleanup(web.Close)
	return &s3server.Server{URL: web.URL}
}

// TestKeysThatCannotBeFiles is promise S10: what a bucket may hold and a folder may not. Nothing is
// written outside the folder, nothing follows a link; each key that is left out is named.
func TestKeysThatCannotBeFiles(t *testing.T) {
	server := evil(t, "dags/../x", "dags//x", "dags/", "dags/a/../../x", "dags/.", "dags/sub/", "dags/a.yaml", "dags/twin", "dags/twin/x",
		"dags/Case.yaml", "dags/case.yaml", "dags/link/x", "dags/linked.yaml", "dags/"+strings.Repeat("n", 256), "dags/.ssh/authorized_keys", "dags/ok/b.yaml")
	outer := t.TempDir()
	dir := filepath.Join(outer, "dags")
	write(t, outer, "elsewhere/x", "untouched")
	write(t, outer, "x", "untouched")
	write(t, dir, "ok/b.yaml", "text")
	if err := os.Symlink("../elsewhere/x", filepath.Join(dir, "linked.yaml")); err != nil {
		t.Fatal(err)
	}
	pull, err := at(t, server, "dags").Pull(t.Context(), dir, Options{}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pull.Close()
	var left []string
	for _, n := range pull.LeftOut {
		left = append(left, n.String())
	}
	want := `../x is left out: it has the part ".."
/x is left out: it begins with a slash
a/../../x is left out: it has the part ".."
. is left out: it has the part "."
` + strings.Repeat("n", 256) + ` is left out: a part of it has 256 bytes, at most 255 are allowed
case.yaml is left out: it differs from Case.yaml in case alone, and not every folder can hold both
twin is left out: twin/x needs a folder of that name`
	if got := strings.Join(left, "\n"); got != want {
		t.Errorf("left out:\n%s\nnot\n%s", got, want)
	}
	if err := pull.Carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	want = "Case.yaml=text\na.yaml=text\nlink/x=text\nlinked.yaml=text\nok/b.yaml=text\ntwin/x=text"
	if got := contentOf(t, dir); got != want {
		t.Errorf("the folder shows\n%s\nnot\n%s", got, want)
	}
	if info, err := os.Lstat(filepath.Join(dir, "linked.yaml")); err != nil || !info.Mode().IsRegular() {
		t.Error("the link is still one")
	}
	if got := contentOf(t, filepath.Join(outer, "elsewhere")) + mustRead(t, filepath.Join(outer, "x")); got != "x=untouched"+"untouched" {
		t.Errorf("outside of the folder: %s", got)
	}
}

// TestAFolderThatIsALink: a folder below the one that is written to may be a link that leads out.
func TestAFolderThatIsALink(t *testing.T) {
	server := evil(t, "dags/link/x")
	outer := t.TempDir()
	write(t, outer, "elsewhere/keep", "untouched")
	dir := filepath.Join(outer, "dags")
	write(t, dir, "a.yaml", "x")
	if err := os.Symlink("../elsewhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	pull, err := at(t, server, "dags").Pull(t.Context(), dir, Options{}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pull.Close()
	if err := pull.Carry(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "cannot make the folder link: ") {
		t.Errorf("%v", err)
	}
	if got := contentOf(t, filepath.Join(outer, "elsewhere")); got != "keep=untouched" {
		t.Errorf("outside of the folder: %s", got)
	}
}

// TestListingsThatLie: of an empty listing, one of another prefix or a failed one nothing is removed.
func TestListingsThatLie(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", "x")
	for _, c := range []struct {
		keys []string
		says string
	}{
		{nil, "cannot read s3://acme/dags: there is no file"},
		{[]string{"dags/", "dags/sub/"}, "cannot read s3://acme/dags: there is no file"},
		{[]string{"other/a.yaml"}, "cannot list s3://acme/dags/: other/a.yaml is not below it"},
	} {
		if _, err := at(t, evil(t, c.keys...), "dags").Pull(t.Context(), dir, Options{}, "", 0); err == nil || err.Error() != c.says {
			t.Errorf("%v: %v, want %s", c.keys, err, c.says)
		}
	}
	if got := contentOf(t, dir); got != "a.yaml=x" {
		t.Errorf("the folder shows %s", got)
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
