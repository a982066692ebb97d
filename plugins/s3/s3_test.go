package s3

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weft/plugins"
	"weft/tests/s3server"
)

// A bench is a task's folders and a real S3 server with the buckets acme and other.
type bench struct {
	*testing.T
	server   *s3server.Server
	dir, tmp string
	env      []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	server := s3server.Start(t, "acme", "other")
	return &bench{t, server, t.TempDir(), t.TempDir(), server.Env()}
}

func (b *bench) call(input string) *plugins.Call {
	return &plugins.Call{Input: json.RawMessage(input), Dir: b.dir, TmpDir: b.tmp, Env: b.env}
}

// do runs a plugin that must succeed, and returns its output.
func (b *bench) do(p plugins.Plugin, input string) string {
	b.Helper()
	res, err := p.Run(b.Context(), b.call(input))
	if err != nil {
		b.Fatalf("%s %s: %v", p.Name(), input, err)
	}
	return string(res.Output)
}

// fails runs a plugin that must not.
func (b *bench) fails(p plugins.Plugin, input string, kind plugins.Kind, want string) {
	b.Helper()
	res, err := p.Run(b.Context(), b.call(input))
	if err == nil || err.Error() != want || plugins.KindOf(err) != kind {
		b.Errorf("%s %s: %s\n got %v (%s)\nwant %s (%s)", p.Name(), input, res.Output, err, plugins.KindOf(err), want, kind)
	}
}

// objects lists what a bucket holds.
func (b *bench) objects(bucket string) (keys []string) {
	b.Helper()
	var out listed
	if err := json.Unmarshal([]byte(b.do(List{}, `{"uri": "s3://`+bucket+`"}`)), &out); err != nil {
		b.Fatal(err)
	}
	for _, o := range out.Objects {
		keys = append(keys, strings.TrimPrefix(o.URI, "s3://"+bucket+"/"))
	}
	return keys
}

func (b *bench) file(dir, name, text string) {
	b.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

func TestATextAValueAndAFileGoThereAndBack(t *testing.T) {
	b := newBench(t)
	b.file(b.tmp, "in/data.csv", "a,b\n")
	b.file(b.dir, "beside.sql", "select 1")
	for _, c := range []struct{ put, kind, get, want string }{
		{`"body": "grüße\n"`, "text/plain; charset=utf-8", `"as": "text"`, `"grüße\n"`},
		{`"body": ""`, "text/plain; charset=utf-8", `"as": "text"`, `""`},
		{`"json": {"rows": [1, 2.50, null]}`, "application/json", `"as": "json"`, `{"rows": [1, 2.50, null]}`},
		{`"json": null`, "application/json", `"as": "json"`, `null`},
		{`"body": "plain is text"`, "text/plain; charset=utf-8", `"x-": 1`, `"plain is text"`},
		{`"file": "in/data.csv", "content_type": "text/csv"`, "text/csv", `"as": "text"`, `"a,b\n"`},
		{`"file": "beside.sql"`, "application/octet-stream", `"as": "text"`, `"select 1"`},
	} {
		uri := `"uri": "s3://acme/2026-01-02T00:00:00+00:00/ä %20&?#=.txt"`
		var put written
		if err := json.Unmarshal([]byte(b.do(Put{}, `{`+uri+`, `+c.put+`}`)), &put); err != nil || put.ETag == "" || put.URI != "s3://acme/2026-01-02T00:00:00+00:00/ä %20&?#=.txt" {
			t.Fatalf("%s: %+v, %v", c.put, put, err)
		}
		if got := b.do(Get{}, `{`+uri+`, `+c.get+`}`); got != c.want {
			t.Errorf("%s: %s came back", c.put, got)
		}
		var head seen
		if err := json.Unmarshal([]byte(b.do(Head{}, `{`+uri+`}`)), &head); err != nil || !head.Exists || *head.Size != put.Size || *head.ETag != put.ETag || *head.ContentType != c.kind {
			t.Errorf("%s: %+v, %v", c.put, head, err)
		}
	}
}

func TestAnObjectGoesIntoAFile(t *testing.T) {
	b := newBench(t)
	b.do(Put{}, `{"uri": "s3://acme/k", "body": "content"}`)
	for path, where := range map[string]string{
		"out/k.txt": b.tmp + "/out/k.txt", b.tmp + "/k": b.tmp + "/k", b.dir + "/deep/er/k": b.dir + "/deep/er/k", "a/../k2": b.tmp + "/k2",
	} {
		out := b.do(Get{}, `{"uri": "s3://acme/k", "to": "`+path+`"}`)
		var got fetched
		if err := json.Unmarshal([]byte(out), &got); err != nil || got.Path != where || got.Size != 7 || got.ETag == "" {
			t.Errorf("%s: %s, %v", path, out, err)
		}
		if raw, err := os.ReadFile(where); err != nil || string(raw) != "content" {
			t.Errorf("%s holds %q, %v", where, raw, err)
		}
	}
	b.fails(Get{}, `{"uri": "s3://acme/absent", "to": "left"}`, plugins.Remote, `cannot read s3://acme/absent into left: there is no such object`)
	left, err := os.ReadDir(b.tmp)
	if err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.Contains(e.Name(), "left") }) {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestNoFileOutsideTheTasksFoldersIsTouched(t *testing.T) {
	b := newBench(t)
	b.do(Put{}, `{"uri": "s3://acme/k", "body": "content"}`)
	outside := t.TempDir()
	b.file(outside, "secret", "secret")
	for _, dir := range []string{b.tmp, b.dir} {
		if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{
		"../x", "a/../../x", "/etc/passwd", outside + "/secret", b.tmp + "/../x", "link/secret", b.tmp + "/link/secret", "", ".", "..", "/", "x/", `a\u0000b`, b.tmp,
	} {
		for _, c := range []struct {
			p     plugins.Plugin
			input string
		}{
			{Get{}, `{"uri": "s3://acme/k", "to": "` + path + `"}`},
			{Put{}, `{"uri": "s3://acme/stolen", "file": "` + path + `"}`},
		} {
			if res, err := c.p.Run(t.Context(), b.call(c.input)); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
				t.Errorf("%s %s: %s, %v", c.p.Name(), c.input, res.Output, err)
			}
		}
	}
	b.fails(Put{}, `{"uri": "s3://acme/stolen", "file": "link"}`, plugins.Temporary, "cannot send link: path escapes from parent")
	b.do(Get{}, `{"uri": "s3://acme/k", "to": "link"}`) // the link is replaced, not followed
	names, err := os.ReadDir(outside)
	if raw, bad := os.ReadFile(filepath.Join(outside, "secret")); err != nil || len(names) != 1 || bad != nil || string(raw) != "secret" {
		t.Errorf("outside there is %v, %q, %v", names, raw, bad)
	}
	if keys := b.objects("acme"); !slices.Equal(keys, []string{"k"}) {
		t.Errorf("the bucket holds %q", keys)
	}
}

func TestOnlyTheFirstCreates(t *testing.T) {
	b := newBench(t)
	const lock = `{"uri": "s3://acme/lock", "body": "mine", "if_none_match": "*"}`
	plain := b.env
	b.env = append(slices.Clone(plain), "WEFT_IDEMPOTENCY_KEY=run/task/-/1")
	first := b.do(Put{}, lock)
	if again := b.do(Put{}, lock); again != first { // its answer was lost, or a crash came in between
		t.Errorf("the same task again: %s, not %s", again, first)
	}
	b.env = append(slices.Clone(plain), "WEFT_IDEMPOTENCY_KEY=run/another/-/1")
	b.fails(Put{}, lock, plugins.Remote, "cannot write s3://acme/lock: something is there already")
	b.env = plain
	b.fails(Put{}, lock, plugins.Remote, "cannot write s3://acme/lock: something is there already")
}

func TestWhatIsAbsentIsAnAnswerOfHead(t *testing.T) {
	b := newBench(t)
	const absent = `{"exists":false,"size":null,"etag":null,"modified":null,"content_type":null}`
	if got := b.do(Head{}, `{"uri": "s3://acme/absent/_SUCCESS"}`); got != absent {
		t.Error(got)
	}
	b.fails(Head{}, `{"uri": "s3://absent/x"}`, plugins.Remote, "cannot look at s3://absent/x: there is no such bucket (check its name, the account and the endpoint)")
}

func TestListing(t *testing.T) {
	b := newBench(t)
	for _, key := range []string{"a/1", "a/2", "a/3", "ab", "z +&"} {
		b.do(Put{}, `{"uri": "s3://acme/`+key+`", "body": "`+key+`"}`)
	}
	for input, want := range map[string][]string{
		`{"uri": "s3://acme"}`:               {"a/1", "a/2", "a/3", "ab", "z +&"},
		`{"uri": "s3://acme/a/"}`:            {"a/1", "a/2", "a/3"},
		`{"uri": "s3://acme/a", "max": 2}`:   {"a/1", "a/2"},
		`{"uri": "s3://acme/a/", "max": 3}`:  {"a/1", "a/2", "a/3"},
		`{"uri": "s3://acme/absent/"}`:       nil,
		`{"uri": "s3://acme/z +", "max": 9}`: {"z +&"},
	} {
		var out listed
		if err := json.Unmarshal([]byte(b.do(List{}, input)), &out); err != nil || out.Objects == nil || out.Count != len(out.Objects) {
			t.Fatalf("%s: %+v, %v", input, out, err)
		}
		var got []string
		for _, o := range out.Objects {
			key := strings.TrimPrefix(o.URI, "s3://acme/")
			if got = append(got, key); o.Size != int64(len(key)) || o.Modified == "" {
				t.Errorf("%+v", o)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", input, got, want)
		}
	}
	b.fails(List{}, `{"uri": "s3://absent/x"}`, plugins.Remote, "cannot list s3://absent/x: there is no such bucket (check its name, the account and the endpoint)")
}

func TestCopyingAndDeleting(t *testing.T) {
	b := newBench(t)
	for _, key := range []string{"run1/a", "run1/b/c+d é", "run10/x"} {
		b.do(Put{}, `{"uri": "s3://acme/`+key+`", "body": "`+key+`", "content_type": "text/x"}`)
	}
	holds := func(bucket string, want ...string) {
		t.Helper()
		if got := b.objects(bucket); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", bucket, got, want)
		}
	}
	is := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	is(b.do(Copy{}, `{"from": "s3://acme/run1/", "to": "s3://other/copy/"}`), `{"count":2}`)
	is(b.do(Copy{}, `{"from": "s3://acme/run1/b/c+d é", "to": "s3://other/one"}`), `{"count":1}`)
	is(b.do(Copy{}, `{"from": "s3://acme/run10/x", "to": "s3://other/into/"}`), `{"count":1}`)
	is(b.do(Copy{}, `{"from": "s3://acme/absent/", "to": "s3://other/"}`), `{"count":0}`)
	holds("other", "copy/a", "copy/b/c+d é", "into/x", "one")
	is(b.do(Get{}, `{"uri": "s3://other/copy/b/c+d é"}`), `"run1/b/c+d é"`)

	is(b.do(Delete{}, `{"prefix": "s3://acme/run1/"}`), `{"count":2}`)
	holds("acme", "run10/x")
	is(b.do(Delete{}, `{"prefix": "s3://acme/run1/"}`), `{"count":0}`)
	is(b.do(Delete{}, `{"uri": "s3://acme/run10/x"}`), `{"count":1}`)
	is(b.do(Delete{}, `{"uri": "s3://acme/run10/x"}`), `{"count":0}`)
	holds("acme")

	b.fails(Copy{}, `{"from": "s3://acme/absent", "to": "s3://other/y"}`, plugins.Remote, "cannot copy s3://acme/absent to s3://other/y: there is no such object")
	b.fails(Copy{}, `{"from": "s3://other/", "to": "s3://absent/"}`, plugins.Remote, "cannot copy all of s3://other/ to s3://absent/, 0 are copied: there is no such bucket (check its name, the account and the endpoint)")
	b.fails(Delete{}, `{"uri": "s3://absent/x"}`, plugins.Remote, "cannot delete s3://absent/x: there is no such bucket (check its name, the account and the endpoint)")
}

func TestMoreThanOnePage(t *testing.T) {
	b := newBench(t)
	for i := range 1203 { // the server shows what is in its folder
		b.file(filepath.Join(b.server.Dir, "acme", "many"), "k"+string(rune('a'+i%26))+strings.Repeat("x", i/26), "x")
	}
	if got := b.objects("acme"); len(got) != 1203 {
		t.Errorf("%d are listed", len(got))
	}
	if got := b.do(Copy{}, `{"from": "s3://acme/many/", "to": "s3://other/"}`); got != `{"count":1203}` {
		t.Error(got)
	}
	if got := b.do(Delete{}, `{"prefix": "s3://other/k"}`); got != `{"count":1203}` || len(b.objects("other")) != 0 {
		t.Error(got, b.objects("other"))
	}
}

func TestALargeObjectIsCopiedInParts(t *testing.T) {
	b := newBench(t)
	text := strings.Repeat("0123456789", 1_100_000) // 10.5 MiB; S3 wants 5 MiB of each part but the last
	b.file(b.tmp, "large", text)
	b.do(Put{}, `{"uri": "s3://acme/large", "file": "large", "content_type": "text/digits"}`)
	c := Copy{once: 1 << 20, part: 5 << 20}
	if got := b.do(c, `{"from": "s3://acme/large", "to": "s3://other/large"}`); got != `{"count":1}` {
		t.Error(got)
	}
	b.do(Get{}, `{"uri": "s3://other/large", "to": "back"}`)
	if raw, err := os.ReadFile(filepath.Join(b.tmp, "back")); err != nil || string(raw) != text {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if head := b.do(Head{}, `{"uri": "s3://other/large"}`); !strings.Contains(head, `"text/digits"`) {
		t.Error(head)
	}
}

func TestMistakesAreSaidAtOnce(t *testing.T) {
	b := &bench{T: t, dir: t.TempDir(), tmp: t.TempDir(), env: []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}}
	for _, c := range []struct {
		p           plugins.Plugin
		input, want string
	}{
		{Head{}, `{"uri": "https://acme/x"}`, `cannot use "https://acme/x": it is no URI of S3 (write s3://bucket/key)`},
		{Head{}, `{"uri": "s3://acme"}`, `cannot use "s3://acme": it names a bucket, no object in it`},
		{Head{}, `{"uri": "s3://A/x"}`, `cannot use "s3://A/x": "A" is no bucket's name (3 to 63 of a-z 0-9 . -)`},
		{Head{}, `{"uri": "s3://acme/../other/x"}`, `cannot use "s3://acme/../other/x": its key has the part ".."`},
		{Put{}, `{"uri": "s3://acme/x"}`, `cannot write s3://acme/x: exactly one of body, json and file is needed`},
		{Put{}, `{"uri": "s3://acme/x", "body": "", "json": 1}`, `cannot write s3://acme/x: exactly one of body, json and file is needed`},
		{Put{}, `{"uri": "s3://acme/x", "body": "", "if_none_match": "abc"}`, `cannot write s3://acme/x: if_none_match may only be "*"`},
		{Get{}, `{"uri": "s3://acme/x", "as": "xml"}`, `cannot read s3://acme/x: as may be text or json, not "xml"`},
		{Get{}, `{"uri": "s3://acme/x", "as": "text", "to": "x"}`, `cannot read s3://acme/x: only one of as and to may be given`},
		{List{}, `{"uri": "s3://acme/x", "max": 0}`, `cannot list s3://acme/x: max is a number from 1 to 100000`},
		{Copy{}, `{"from": "s3://acme/x/", "to": "s3://other/x"}`, `cannot copy s3://acme/x/ to s3://other/x: what ends in / is a prefix, so the other must end in / too`},
		{Copy{}, `{"from": "s3://acme/x/", "to": "s3://acme/x/y/"}`, `cannot copy s3://acme/x/ to s3://acme/x/y/: that is inside itself`},
		{Copy{}, `{"from": "s3://acme/x", "to": "s3://acme/"}`, `cannot copy s3://acme/x to itself`},
		{Delete{}, `{}`, `cannot delete: exactly one of uri and prefix is needed`},
		{Delete{}, `{"prefix": "s3://acme/"}`, `cannot delete s3://acme/: a whole bucket is never deleted, the prefix must name some part of it`},
		{Delete{}, `{"uri": "s3://acme/"}`, `cannot use "s3://acme/": it names a bucket, no object in it`},
	} {
		b.fails(c.p, c.input, plugins.BadInput, c.want)
	}
	b.file(b.tmp, "x", "x")
	b.env = append(b.env, "AWS_MAX_ATTEMPTS=1")
	b.fails(Put{}, `{"uri": "s3://acme/x", "file": "x"}`, plugins.Temporary, "cannot write s3://acme/x: cannot reach 127.0.0.1:1: connection refused (check the network and AWS_ENDPOINT_URL)")
	b.fails(Put{}, `{"uri": "s3://acme/x", "file": "absent"}`, plugins.Temporary, "cannot send absent: no such file or directory")
}

func TestWhatIsNoTextAndNoJSON(t *testing.T) {
	b := newBench(t)
	b.file(b.tmp, "latin1", "gr\xfc\xdfe")
	b.do(Put{}, `{"uri": "s3://acme/x", "file": "latin1"}`)
	b.fails(Get{}, `{"uri": "s3://acme/x"}`, plugins.Remote, "cannot read s3://acme/x: it holds no text in UTF-8 (write it into a file, with to)")
	b.fails(Get{}, `{"uri": "s3://acme/x", "as": "json"}`, plugins.Remote, "cannot read s3://acme/x: it holds no JSON: it is not UTF-8")
	if err := os.Truncate(filepath.Join(b.tmp, "latin1"), maxOutput+1); err != nil {
		t.Fatal(err)
	}
	b.do(Put{}, `{"uri": "s3://acme/x", "file": "latin1"}`)
	b.fails(Get{}, `{"uri": "s3://acme/x"}`, plugins.Remote, "cannot read s3://acme/x: it has 67108865 bytes, an output may have 67108864 (write it into a file, with to)")
}

func TestThePluginsKeepTheContract(t *testing.T) {
	for _, p := range Plugins() {
		call := &plugins.Call{Dir: t.TempDir(), TmpDir: t.TempDir()}
		for _, bad := range []string{`[]`, `"text"`, `7`} {
			call.Input = json.RawMessage(bad)
			if _, err := p.Run(t.Context(), call); plugins.KindOf(err) != plugins.BadInput || !strings.HasPrefix(err.Error(), "cannot ") || strings.Contains(err.Error(), "unmarshal") {
				t.Errorf("%s of %s: %v", p.Name(), bad, err)
			}
		}
		ended, end := context.WithCancel(t.Context())
		end()
		call.Input = json.RawMessage(`{}`)
		if _, err := p.Run(ended, call); plugins.KindOf(err) != plugins.Cancelled {
			t.Errorf("%s after the end of its context: %v", p.Name(), err)
		}
		if got := p.(plugins.Hoster).Host(json.RawMessage(`{"uri": "s3://acme/x", "from": "s3://acme/x"}`)); got != "acme.s3" {
			t.Errorf("%s goes to %q", p.Name(), got)
		}
		if s := p.Schema(); s.Title == "" || !json.Valid(s.Input) || s.Output != nil && !json.Valid(s.Output) {
			t.Errorf("%s: schema", p.Name())
		}
	}
}
