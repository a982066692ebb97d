package handoff_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/handoff"
)

// places are the kinds of place that must remove alike.
func places(t *testing.T, each func(t *testing.T, b handoff.Backend)) {
	t.Run("a folder", func(t *testing.T) {
		b, _ := place(t)
		each(t, b)
	})
	t.Run("a bucket", func(t *testing.T) {
		b, _ := inBucket(t)
		each(t, b)
	})
}

func amount(t *testing.T, b handoff.Backend, prefix string) handoff.Amount {
	t.Helper()
	n, err := b.Measure(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRemoveTakesWhatIsBelowThePrefixAndNothingElse(t *testing.T) {
	places(t, func(t *testing.T, b handoff.Backend) {
		const run = "orders/manual__2023-01-01T01:23:45+00:00"
		for i, key := range []string{run + "/a/-/1/output.json", run + "/a/7/2/artifacts/deep/model.bin", run + "/b/-/1/output.json"} {
			put(t, b, key, strings.Repeat("x", i+1))
		}
		others := []string{run + "1/a/-/1/output.json", "orders2/" + strings.TrimPrefix(run, "orders/") + "/a/-/1/output.json", "orders/other/a/-/1/output.json"}
		for _, key := range others {
			put(t, b, key, "kept")
		}
		want := handoff.Amount{Count: 3, Bytes: 6}
		if got := amount(t, b, run); got != want {
			t.Errorf("there are %+v, want %+v", got, want)
		}
		if got, err := b.Remove(t.Context(), run); got != want || err != nil {
			t.Errorf("%+v were removed (%v), want %+v", got, err, want)
		}
		if got, err := b.Remove(t.Context(), run); got != (handoff.Amount{}) || err != nil {
			t.Errorf("the second time %+v were removed (%v)", got, err)
		}
		for _, key := range others {
			if got := amount(t, b, key[:strings.Index(key, "/a/")]); got != (handoff.Amount{Count: 1, Bytes: 4}) {
				t.Errorf("of %s there are %+v", key, got)
			}
		}
		put(t, b, run+"/a/-/1/output.json", "again") // the folders above are there, or are made
	})
}

func TestRemoveRefusesPrefixesThatMeanMore(t *testing.T) {
	places(t, func(t *testing.T, b handoff.Backend) {
		put(t, b, "d/r/a/-/1/output.json", "kept")
		for _, prefix := range []string{"", "/", "d/", "/d", "d//r", "..", "d/..", "d/../d", ".", "d/./r"} {
			if _, err := b.Remove(t.Context(), prefix); err == nil {
				t.Errorf("%q was removed", prefix)
			}
			if _, err := b.Measure(t.Context(), prefix); err == nil {
				t.Errorf("%q was measured", prefix)
			}
		}
		if got := amount(t, b, "d/r"); got.Count != 1 {
			t.Errorf("there are %+v", got)
		}
	})
}

// More keys than one request of S3 may name.
func TestRemoveOfThousands(t *testing.T) {
	b, dir := inBucket(t)
	folder := filepath.Join(dir, "weft/handoff/d/r")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 2500 {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), []byte("xy"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put(t, b, "d/r2/a/-/1/output.json", "kept")
	if got, err := b.Remove(t.Context(), "d/r"); got != (handoff.Amount{Count: 2500, Bytes: 5000}) || err != nil {
		t.Errorf("%+v were removed, %v", got, err)
	}
	if got := amount(t, b, "d/r2"); got.Count != 1 {
		t.Errorf("of the neighbour there are %+v", got)
	}
}

func TestAPlaceThatIsNotThereIsSaid(t *testing.T) {
	b, _ := place(t)
	for what, f := range map[string]func() error{
		"measured": func() error { _, err := b.Measure(t.Context(), "d/r"); return err },
		"removed":  func() error { _, err := b.Remove(t.Context(), "d/r"); return err },
	} {
		if err := f(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	inBucket(t) // for its environment
	b, err := handoff.Known().At("s3://nobody-has-this/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Remove(t.Context(), "d/r"); err == nil || !strings.Contains(err.Error(), "there is no such bucket") {
		t.Errorf("got %v", err)
	}
}

// A link below the prefix goes; what it leads to stays.
func TestRemoveFollowsNoLink(t *testing.T) {
	b, dir := place(t)
	put(t, b, "d/r/a/-/1/output.json", "gone")
	put(t, b, "d/other/a/-/1/output.json", "kept")
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"d/r/file": outside, "d/r/folder": filepath.Dir(outside), "d/r/inner": filepath.Join(dir, "d/other"), "d/out": filepath.Dir(outside)} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Remove(t.Context(), "d/r"); err != nil {
		t.Error(err)
	}
	if _, err := b.Remove(t.Context(), "d/out/outside"); err == nil {
		t.Error("a way out of the folder was taken")
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
	if got := amount(t, b, "d/other"); got.Count != 1 {
		t.Errorf("of the neighbour there are %+v", got)
	}
}

func TestFoldersAreReadBack(t *testing.T) {
	b, dir := place(t)
	long := strings.Repeat("+", 200)
	for _, key := range []string{"a.b/manual__2023-01-01T01:23:45+00:00/t/-/1/output.json", "a.b/x/t/-/1/output.json", "a.b/" + long + "/t/-/1/output.json"} {
		put(t, b, key, "four")
	}
	if err := os.WriteFile(filepath.Join(dir, "a.b", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, b, "a.b/known/t/-/1/output.json", "four")
	known := func(dag, run string) bool { return dag == "a.b" && run == "known" }
	got, err := handoff.Folders(t.Context(), dir, known)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got {
		names = append(names, f.DAG+" "+f.Run)
		if f.Count != 1 || f.Bytes != 4 || time.Since(f.Newest) > time.Hour {
			t.Errorf("%+v", f)
		}
	}
	if want := "a.b manual__2023-01-01T01:23:45+00:00, a.b x"; strings.Join(names, ", ") != want {
		t.Errorf("got %q, want %q: a name that was cut cannot be read back", strings.Join(names, ", "), want)
	}
	if got, err := handoff.Folders(t.Context(), filepath.Join(dir, "none"), known); got != nil || err != nil {
		t.Errorf("of no folder: %v, %v", got, err)
	}
}

func TestPlaceOfARef(t *testing.T) {
	b, dir := place(t)
	const dag, run = "a.b", "manual__2023-01-01T01:23:45+00:00"
	ref := put(t, b, dag+"/"+run+"/t/-/1/output.json", "x")
	for uri, want := range map[string]string{
		ref.URI: handoff.FileURI(dir),
		"s3://bucket/some/prefix/" + dag + "/" + run + "/t/-/1/output.json": "s3://bucket/some/prefix",
		"s3://bucket/" + dag + "/" + run + "/t/3/1/artifacts/m/x":           "s3://bucket",
		"s3://bucket/" + dag + "/other/t/-/1/output.json":                   "",
		"file:///" + dag: "", "no uri": "", "%": "",
	} {
		if got, ok := handoff.PlaceOf(uri, dag, run); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", uri, got, ok, want)
		}
	}
}
