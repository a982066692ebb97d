package handoff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"weft/awsconf"
	"weft/handoff"
	"weft/sandbox"
	"weft/tests/awsserver"
)

// makeTable makes a table as docs/aws.md says.
func makeTable(t *testing.T, name string) {
	t.Helper()
	s, err := awsconf.For(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	kind := func(name, as string) map[string]string { return map[string]string{"AttributeName": name, as: "S"} }
	role := func(name, as string) map[string]string {
		return map[string]string{"AttributeName": name, "KeyType": as}
	}
	err = awsconf.DynamoDB.Ask(t.Context(), s, "CreateTable", map[string]any{
		"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{kind("run", "AttributeType"), kind("key", "AttributeType")},
		"KeySchema":            []any{role("run", "HASH"), role("key", "RANGE")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	untilActive(t, s, name)
}

// untilActive waits for a table: dynalite makes one in a moment, but not at once.
func untilActive(t *testing.T, s *awsconf.Session, name string) {
	t.Helper()
	var out struct{ Table struct{ TableStatus string } }
	for out.Table.TableStatus != "ACTIVE" {
		if err := awsconf.DynamoDB.Ask(t.Context(), s, "DescribeTable", map[string]string{"TableName": name}, &out); err != nil {
			t.Fatal(err)
		}
	}
}

func setenv(t *testing.T, env []string) {
	t.Helper()
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
}

// inTables runs a story in a table of each server: two that are other people's, and weft's sandbox, which
// has the table once it is named.
func inTables(t *testing.T, story func(t *testing.T, b handoff.Backend)) {
	t.Helper()
	for _, c := range []struct {
		name string
		env  func(t *testing.T) []string
		make bool
	}{
		{"dynalite", func(t *testing.T) []string { return awsserver.Env(awsserver.Dynalite(t)) }, true},
		{"moto", func(t *testing.T) []string { return awsserver.Env(awsserver.Moto(t)) }, true},
		{"the sandbox", func(t *testing.T) []string {
			box, err := sandbox.Start(t.Context(), sandbox.Options{Dir: t.TempDir(), CreateTables: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(box.Close)
			return box.Env()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, c.env(t))
			if c.make {
				makeTable(t, "handoff")
			}
			b, err := handoff.Known().At("dynamodb://handoff")
			if err != nil {
				t.Fatal(err)
			}
			story(t, b)
		})
	}
}

// TestInATable is what a handoff must do, and what a table alone does. One server serves it all: it takes
// seconds to start.
func TestInATable(t *testing.T) {
	inTables(t, func(t *testing.T, b handoff.Backend) {
		for _, c := range []struct {
			what  string
			story func(*testing.T, handoff.Backend)
		}{
			{"what is put is read back under its plain key", tableReadsBack},
			{"a key that exists is replaced", tableReplaces},
			{"a put that fails leaves the old value", tableKeepsTheOld},
			{"above 400,000 bytes nothing is taken", tableIsSmall},
			{"of many that write at once each is told the truth", tableRaces},
			{"what is not what was put is never read", tableIsChecked},
			{"nothing outside the table is opened", tableHasBounds},
			{"a folder arrives as it was", tableTakesFolders},
			{"what is below a prefix goes, and nothing else", tableRemoves},
		} {
			t.Run(c.what, func(t *testing.T) { c.story(t, b) })
		}
	})
}

func tableReadsBack(t *testing.T, b handoff.Backend) {
	for _, value := range []string{`{"rows": 12}`, "", "\x00\xff\xfe", strings.Repeat("v", 400_000)} {
		for what, r := range map[string]io.Reader{
			"a file": strings.NewReader(value), "a stream": iotest.DataErrReader(io.MultiReader(strings.NewReader(value))),
		} {
			ref, err := b.Put(t.Context(), key, r, -1)
			if err != nil || ref.URI != "dynamodb://handoff/"+key || ref.Size != int64(len(value)) {
				t.Fatalf("%s of %d bytes: %+v, %v", what, len(value), ref, err)
			}
			got, err := handoff.Get(t.Context(), b, ref, int64(len(value)))
			if err != nil || string(got) != value {
				t.Fatalf("%s of %d bytes: %d came back, %v", what, len(value), len(got), err)
			}
			if place, ok := handoff.PlaceOf(ref.URI, "orders", "manual__2023-01-01T01:23:45+00:00"); !ok || place != "dynamodb://handoff" {
				t.Errorf("its place is %q, %v", place, ok)
			}
		}
	}
}

func tableReplaces(t *testing.T, b handoff.Backend) {
	old := put(t, b, key, "old value")
	same := put(t, b, key, "old value")
	ref := put(t, b, key, "new")
	if got, err := handoff.Get(t.Context(), b, ref, 100); err != nil || string(got) != "new" || same != old {
		t.Fatalf("got %q, %v; %v and %v", got, err, old, same)
	}
	if got, err := handoff.Get(t.Context(), b, old, 100); err == nil {
		t.Fatalf("the old ref gave %q: another attempt's value", got)
	}
}

func tableKeepsTheOld(t *testing.T, b handoff.Backend) {
	old := put(t, b, key, "old")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		what string
		ctx  context.Context
		r    io.Reader
		size int64
		want string
	}{
		{"the source breaks", t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("half"))), 4, "timeout"},
		{"fewer than announced", t.Context(), strings.NewReader("abc"), 12, "12 bytes were announced, 3 came"},
		{"more than announced", t.Context(), strings.NewReader("abc"), 2, "2 bytes were announced, 3 came"},
		{"cancelled", cancelled, strings.NewReader("abc"), 3, "context canceled"},
	} {
		_, err := b.Put(c.ctx, key, c.r, c.size)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot put "+key+" into dynamodb://handoff: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.what, err, c.want)
		}
		if got, err := handoff.Get(t.Context(), b, old, 100); err != nil || string(got) != "old" {
			t.Errorf("%s: the old value is %q, %v", c.what, got, err)
		}
	}
}

func tableIsSmall(t *testing.T, b handoff.Backend) {
	const k = "d/r/t/-/1/output.json"
	for size, want := range map[int64]string{
		400_001: "it has 400001 bytes, and an item of DynamoDB takes 400000", -1: "it has more than 400000 bytes",
	} {
		_, err := b.Put(t.Context(), k, strings.NewReader(strings.Repeat("v", 400_001)), size)
		full := "cannot put " + k + " into dynamodb://handoff: it is too large for its handoff: " + want + " (let `handoff` be s3://bucket/prefix or file:///folder)"
		if fmt.Sprint(err) != full || !errors.Is(err, handoff.ErrTooLarge) {
			t.Errorf("got  %v\nwant %s", err, full)
		}
	}
	if n := amount(t, b, "d/r"); n != (handoff.Amount{}) {
		t.Errorf("%+v were written", n)
	}
	long := "dag/" + strings.Repeat("r", 200) + "/" + strings.Repeat("k", 1024)
	ref := put(t, b, long, strings.Repeat("v", 400_000))
	if got, err := handoff.Get(t.Context(), b, ref, ref.Size); err != nil || int64(len(got)) != ref.Size {
		t.Errorf("the longest key with the largest value: %v", err)
	}
}

// tableRaces: whoever is told that its value is there finds it, or another that was written after it.
func tableRaces(t *testing.T, b handoff.Backend) {
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() {
			_, errs[i] = b.Put(t.Context(), "race/r/t/-/1/output.json", strings.NewReader(fmt.Sprint(i)), 1)
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !strings.Contains(err.Error(), "another writer was at it in the same moment") {
			t.Error(err)
		}
	}
	if n := amount(t, b, "race/r"); won == 0 || n != (handoff.Amount{Count: 1, Bytes: 1}) {
		t.Errorf("%d won, and there are %+v", won, n)
	}
}

func tableIsChecked(t *testing.T, b handoff.Backend) {
	ref := put(t, b, "d/r/value", "value")
	for now, want := range map[string]string{"valuf": "SHA-256 differs", "valu": "4 of 5 bytes", "value!": "longer than the 5 bytes", "": "0 of 5 bytes"} {
		put(t, b, "d/r/value", now)
		got, err := handoff.Get(t.Context(), b, ref, 100)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cannot read dynamodb://handoff/d/r/value: ") {
			t.Errorf("got %q, %v; want an error that says %q", got, err, want)
		}
	}
}

func tableHasBounds(t *testing.T, b handoff.Backend) {
	put(t, b, "d/value", "value")
	for _, uri := range []string{
		"dynamodb://other/d/value", "dynamodb://handoff", "dynamodb://handoff/", "dynamodb://handoff/d", "dynamodb://handoff/d//value", "dynamodb://handoff2/d/value",
		"s3://handoff/d/value", "file:///etc/passwd", "", "dynamodb://handoff/d/absent",
	} {
		if rc, err := b.Fetch(t.Context(), uri); err == nil {
			got, _ := io.ReadAll(rc)
			t.Errorf("%q gave %q", uri, got)
		}
	}
	for _, k := range []string{"", "/x", "d//x", "d/", "d", "d/r/" + strings.Repeat("k", 1025)} {
		if _, err := b.Put(t.Context(), k, strings.NewReader("x"), 1); err == nil {
			t.Errorf("the key %q was taken", k)
		}
	}
	for _, k := range []string{"../x", "d/../../x", "./.", "d/\x01", "d/r/ä +%20"} { // names like any other
		ref := put(t, b, k, "mine")
		if got, err := handoff.Get(t.Context(), b, ref, 4); err != nil || string(got) != "mine" {
			t.Errorf("%q: %q, %v", k, got, err)
		}
	}
}

func tableTakesFolders(t *testing.T, b handoff.Backend) {
	src := root(t, map[string]string{
		"run.sh": "#!/bin/sh\n", "deep/er/a b%2F+ü": "odd", "deep/latest": "-> ../run.sh", "hollow/": "", "full": strings.Repeat("x", 100_000),
	})
	a, err := handoff.Keep(t.Context(), b, "folders/run:1/train/-/1", "model", handoff.Source{Root: src, Path: "."})
	if err != nil || a.URI != "dynamodb://handoff/folders/run:1/train/-/1/artifacts/model/" || a.Files != 3 {
		t.Fatalf("%+v, %v", a, err)
	}
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), b, a, to, "."); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), tree(t, src))
}

func tableRemoves(t *testing.T, b handoff.Backend) {
	const run = "gone/manual__2023-01-01T01:23:45+00:00"
	for i := range 60 { // more than two batches
		put(t, b, fmt.Sprintf("%s/part/%d/1/output.json", run, i), "xx")
	}
	others := []string{run + "1/a/-/1/output.json", "gone2/x/a/-/1/output.json", "gone/other/a/-/1/output.json"}
	for _, k := range others {
		put(t, b, k, "kept")
	}
	want := handoff.Amount{Count: 60, Bytes: 120}
	if got := amount(t, b, run); got != want {
		t.Errorf("there are %+v, want %+v", got, want)
	}
	if got := amount(t, b, run+"/part/7"); got != (handoff.Amount{Count: 1, Bytes: 2}) {
		t.Errorf("of one instance there are %+v", got)
	}
	if got := amount(t, b, "gone"); got != (handoff.Amount{Count: 62, Bytes: 128}) {
		t.Errorf("of the DAG there are %+v", got)
	}
	if got, err := b.Remove(t.Context(), run); got != want || err != nil {
		t.Errorf("%+v were removed (%v), want %+v", got, err, want)
	}
	if got, err := b.Remove(t.Context(), run); got != (handoff.Amount{}) || err != nil {
		t.Errorf("the second time %+v were removed (%v)", got, err)
	}
	if got := amount(t, b, "gone"); got != (handoff.Amount{Count: 2, Bytes: 8}) {
		t.Errorf("left are %+v", got)
	}
	for _, prefix := range []string{"", "/", "gone/", "..", "gone/../other"} {
		if got, err := b.Remove(t.Context(), prefix); err == nil {
			t.Errorf("%q: %+v were removed", prefix, got)
		}
	}
}

func TestTableURIs(t *testing.T) {
	const only = ": it must name a table, and no more: dynamodb://table"
	for uri, want := range map[string]string{
		"dynamodb://handoff": "", "dynamodb://weft.hand-off_1/": "",
		"dynamodb:handoff":       `cannot use "dynamodb:handoff" as handoff` + only,
		"dynamodb://handoff/a":   `cannot use "dynamodb://handoff/a" as handoff` + only,
		"dynamodb://handoff?x=1": `cannot use "dynamodb://handoff?x=1" as handoff` + only,
		"dynamodb://ab":          `cannot use "dynamodb://ab" as handoff: "ab" is no table's name (3 to 255 of a-z A-Z 0-9 _ . -)`,
		"dynamodb:///handoff":    `cannot use "dynamodb:///handoff" as handoff` + only,
	} {
		_, err := handoff.Known().At(uri)
		if got := text(err); got != want {
			t.Errorf("%s\n got %s\nwant %s", uri, got, want)
		}
	}
}

// TestATableThatIsNoneOrOfAnotherKindSaysSo: with what to do about it.
func TestATableThatIsNoneOrOfAnotherKindSaysSo(t *testing.T) {
	setenv(t, awsserver.Env(awsserver.Dynalite(t)))
	s, err := awsconf.For(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := awsconf.DynamoDB.Ask(t.Context(), s, "CreateTable", map[string]any{
		"TableName": "plain", "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{map[string]string{"AttributeName": "id", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]string{"AttributeName": "id", "KeyType": "HASH"}},
	}, nil); err != nil {
		t.Fatal(err)
	}
	untilActive(t, s, "plain")
	for uri, want := range map[string]string{
		"dynamodb://absent": "there is no such table (check its name, AWS_REGION and the account)",
		"dynamodb://plain":  "(the table needs the partition key `run` and the sort key `key`, both of type String)",
	} {
		b, err := handoff.Known().At(uri)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Put(t.Context(), key, strings.NewReader("x"), 1)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot put "+key+" into "+uri+": ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", uri, err)
		}
		if _, err := b.Measure(t.Context(), "d/r"); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
