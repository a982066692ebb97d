package handoff_test

import (
	"context"
	"strings"
	"testing"

	"weft/handoff"
)

func TestWhatIsPutIsFoundByItsKey(t *testing.T) {
	ctx := context.Background()
	for _, place := range []string{handoff.FileURI(t.TempDir()), handoff.FileURI(t.TempDir() + "/a b/ü")} {
		b, err := handoff.Known().At(place)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"plans/0123", "etl/scheduled__2026-01-01T00:00:00+00:00/a task/-/1/log/1/whole", "x"} {
			if _, err := handoff.Load(ctx, b, place, key, 10); !handoff.Absent(err) {
				t.Errorf("%s: before it is put: %v; want an error that it is absent", key, err)
			}
			ref, err := b.Put(ctx, key, strings.NewReader("value"), 5)
			if err != nil {
				t.Fatal(err)
			}
			if uri, err := handoff.URIOf(place, key); err != nil || uri != ref.URI {
				t.Errorf("%s lies at %s, not at %s (%v)", key, ref.URI, uri, err)
			}
			if got, err := handoff.Load(ctx, b, place, key, 5); err != nil || string(got) != "value" {
				t.Errorf("%s: %q, %v", key, got, err)
			}
			if _, err := handoff.Load(ctx, b, place, key, 4); err == nil || handoff.Absent(err) {
				t.Errorf("%s: a value longer than what is read gave %v", key, err)
			}
		}
	}
}

func TestURIsOfKeysElsewhere(t *testing.T) {
	for _, row := range [][3]string{
		{"s3://bucket", "a/b", "s3://bucket/a/b"},
		{"s3://bucket/", "a/b", "s3://bucket/a/b"},
		{"s3://bucket/pre/fix", "a b/c", "s3://bucket/pre/fix/a b/c"},
		{"dynamodb://table", "a/b/c", "dynamodb://table/a/b/c"},
	} {
		if got, err := handoff.URIOf(row[0], row[1]); err != nil || got != row[2] {
			t.Errorf("key %s in %s: %s, %v; want %s", row[1], row[0], got, err, row[2])
		}
	}
	for _, row := range [][2]string{{"nowhere", "a"}, {"file:///x", "a//b"}, {"file://host/x", "a"}} {
		if got, err := handoff.URIOf(row[0], row[1]); err == nil {
			t.Errorf("key %s in %s: %s; want an error", row[1], row[0], got)
		}
	}
}
