package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/handoff"
	"weft/s3sync"
)

func TestASetTravelsByTheHandoff(t *testing.T) {
	ctx := context.Background()
	from := t.TempDir()
	for name, body := range map[string]string{"a.yaml": "id: a\n", "sql/empty.sql": "", "sql/x.sql": strings.Repeat("select 1;\n", 50_000), "run.sh": "#!/bin/sh\n"} {
		file := filepath.Join(from, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(from, "run.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	tree, err := s3sync.Scan(ctx, from, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	set := s3sync.SetOf(tree.Files)
	place := handoff.FileURI(t.TempDir())
	b, err := handoff.Known().At(place)
	if err != nil {
		t.Fatal(err)
	}
	to := s3sync.Bundles{Dir: t.TempDir()}
	if err := fetchBundle(ctx, b, place, to, set); err == nil || !strings.Contains(err.Error(), "not in the handoff") {
		t.Fatalf("before it is there: %v", err)
	}
	for range 2 { // the second time there is nothing to do
		if err := keepBundle(ctx, b, place, from, tree.Files); err != nil {
			t.Fatal(err)
		}
	}
	if err := fetchBundle(ctx, b, place, to, set); err != nil {
		t.Fatal(err)
	}
	if !to.Intact(tree.Files) {
		t.Error("the bundle is not what was kept")
	}

	raw, err := handoff.Load(ctx, b, place, bundleKey(set), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(raw, []byte("select 1"), []byte("select 2"), 1)
	other := s3sync.Bundles{Dir: t.TempDir()}
	for name, body := range map[string][]byte{"damaged": damaged, "cut off": raw[:len(raw)-10], "of another set": []byte("[]\n"), "empty": nil} {
		if _, err := b.Put(ctx, bundleKey(set), bytes.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
		if err := fetchBundle(ctx, b, place, other, set); err == nil {
			t.Errorf("a value that is %s is taken for the set", name)
		}
		if left, _ := os.ReadDir(other.Dir); len(left) != 0 {
			t.Errorf("a value that is %s left %d folders", name, len(left))
		}
	}
}
