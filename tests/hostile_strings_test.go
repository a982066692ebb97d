package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ours are strings of our own, each of which would do or break something if anything on its way
// parsed it, cut it off, trimmed it or gave it another encoding.
var ours = []string{
	"$(touch canary)", "`touch canary`", "; touch canary;", "&& touch canary", "| touch canary", "\n touch canary\n", "\"; touch canary; \"",
	"'; touch canary; '", "\\\"; touch canary #", "x]; touch canary", "a[$(touch canary)]", "$((a[$(touch canary)]))", "<(touch canary)", "E\ntouch canary\nE",
	"\");open('canary','w');(\"", "'''\nopen('canary','w')\n'''", "${WEFT_X1}", "${HOME}", "$HOME", "~", "~root", "!!", "%s%n%d", "%00", "-n", "-rf /", "--help", "-", "--",
	"*", "?", "[a-z]*", "{a,b}", "/*", " leading", "trailing ", "trailing\n", "\n\n\n", "\r", "a\r\nb", "\t", "a\x00b", "\x1b[31mred\x1b]0;title\a", "\x7f\u0085\u009b31m",
	"${{ params.all }}", "${{ '${{' }}", "${{", "}}", "{{ x }}", "${{ 1 +", "\\", "\\\\", "a\\", "\\n", "\\x41", "null", "true", "1e3", "007", "", "\ufeff", "\ufffd", "\u2028", "\uffff",
	"\U0010ffff", "é", "e\u0301", "\u202egnp", "a=b", "a<<E", "=", "#", " #", "key: value", "&amp;", "+", "a+b c%20d", "?a=b&c=d#e", "http://user:pass@h/", "../../etc/passwd", `C:\x`,
}

// hostiles are all of them and the list of naughty strings, without repetition.
func hostiles(t *testing.T) []string {
	t.Helper()
	list := slices.Clone(ours)
	raw, err := os.ReadFile("../../shared/data/naughty-strings/blns.json")
	if err != nil {
		t.Log("the naughty strings are not there (../shared/data of the project's root): only our own are sent")
	} else {
		var more []string
		if err := json.Unmarshal(raw, &more); err != nil || len(more) < 500 {
			t.Fatalf("%d strings, error %v", len(more), err)
		}
		list = append(list, more...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// split sorts strings by whether they pass somewhere.
func split(list []string, passes func(string) bool) (legal, illegal []string) {
	for _, s := range list {
		if passes(s) {
			legal = append(legal, s)
		} else {
			illegal = append(illegal, s)
		}
	}
	return legal, illegal
}

func noNUL(s string) bool { return !strings.ContainsRune(s, 0) }

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// places are where a script may have an expression; each ends with the value in $v. The values of one
// instance are all in one script, so that a shell serves many.
var places = []string{
	`v=@`,
	`v="@"`,
	`f() { v=$1; }; f @`,
	`f() { v=$1; }; f "@"`,
	`v="pre-@-post"; v=${v#pre-}; v=${v%-post}`,
	"IFS= read -r -d '' v <<E || true\n@\nE\nv=${v%$'\\n'}",
	"IFS= read -r -d '' v <<< @ || true\nv=${v%$'\\n'}",
	`a=(x @); v=${a[1]}`,
	`v=${unset:-@}`,
	`v="${unset:-@}"`,
	`v=x@; v=${v#x}`,
	`case @ in @) v=@ ;; esac`,
	`[[ @ == @ ]] && v=@`,
	`for v in @; do :; done`,
	`v=$(printf '%sX' @); v=${v%X}`,
	"v=`printf '%sX' @`; v=${v%X}",
	`x=axa; v="${x/x/x@}"; v=${v#ax}; v=${v%a}`,
	`v=$FROM_ENV`,
}

// scriptFor writes a script that puts each of n values, from each place, into the file of its
// instance, NUL after each.
func scriptFor(n int) string {
	var b strings.Builder
	b.WriteString("exec > \"got-$WEFT_INDEX\"\n")
	for i := range n {
		for _, p := range places {
			p = strings.ReplaceAll(p, "@", fmt.Sprintf("${{ item[%d] }}", i))
			p = strings.ReplaceAll(p, "FROM_ENV", fmt.Sprintf("V%d", i))
			b.WriteString(p + "\nprintf '%s\\0' \"$v\"\n")
		}
	}
	return b.String()
}

// chunks cuts a list into pieces of n; the last is filled up.
func chunks(list []string, n int) [][]string {
	var out [][]string
	for part := range slices.Chunk(list, n) {
		part = slices.Clone(part)
		for len(part) < n {
			part = append(part, "filler")
		}
		out = append(out, part)
	}
	return out
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by) + "\n"
}

// untouched fails if anything that was sent has been carried out.
func (w *world) untouched() {
	w.t.Helper()
	_ = filepath.WalkDir(w.dir, func(path string, _ os.DirEntry, _ error) error {
		if filepath.Base(path) == "canary" {
			w.t.Errorf("%s was made: a value was carried out", path)
		}
		return nil
	})
}

// TestHostileStringsInScripts: through each place of a script, the environment and a `run` list, what
// is received is what was sent, byte for byte.
func TestHostileStringsInScripts(t *testing.T) {
	w := newWorld(t)
	all, _ := split(hostiles(t), noNUL)
	const n = 20
	parts := chunks(all, n)
	var env, words strings.Builder
	for i := range n {
		fmt.Fprintf(&env, "      V%d: ${{ item[%d] }}\n", i, i)
		fmt.Fprintf(&words, `, "${{ item[%d] }}"`, i)
	}
	file := w.write("dag/scripts.yaml", `
id: scripts
params: {parts: {type: array}}
tasks:
  bash:
    for_each: ${{ params.parts }}
    env:
`+env.String()+`    run: |
`+indented(scriptFor(n), "      ")+`
  list:
    for_each: ${{ params.parts }}
    run: [bash, -c, 'printf "%s\0" "$@" > "list-$WEFT_INDEX"', x`+words.String()+`]
  posix:
    for_each: ${{ params.parts }}
    shell: sh
    run: |
      printf '%s\0' ${{ item[0] }} "${{ item[1] }}" "$(printf %sX ${{ item[2] }})" > "posix-$WEFT_INDEX"
      cat <<E >> "posix-$WEFT_INDEX"
      ${{ item[3] }}
      E
`)
	sum, res := w.runJSON(file, "-p", "parts:="+asJSON(t, parts))
	if sum.State != "success" {
		t.Fatalf("%s %s\n%.3000s", sum.State, sum.Reason, res.stderr)
	}
	got := func(name string, i int) []string {
		b := mustRead(t, filepath.Join(w.dir, "dag", fmt.Sprintf("%s-%d", name, i)))
		return strings.Split(b, "\x00")
	}
	received := 0
	for i, part := range parts {
		list := got("list", i)
		if !slices.Equal(list[:len(list)-1], part) {
			t.Errorf("run list %d: sent %q\nreceived %q", i, part, list)
		}
		came := got("got", i)
		if len(came) != n*len(places)+1 {
			t.Fatalf("%d values came of %d", len(came)-1, n*len(places))
		}
		for j, sent := range part {
			for k, place := range places {
				if v := came[j*len(places)+k]; v != sent {
					t.Errorf("%s: sent %q, received %q", place, sent, v)
				}
				received++
			}
		}
		sh := got("posix", i)
		if want := []string{part[0], part[1], part[2] + "X", part[3] + "\n"}; !slices.Equal(sh, want) {
			t.Errorf("sh: sent %q, received %q", want, sh)
		}
	}
	t.Logf("%d strings, %d times received", len(all), received)
	w.untouched()
}

// A receiver is a server that keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	came map[string]received // by path
}

type received struct {
	query  url.Values
	header http.Header
	body   string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{came: map[string]received{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.came[req.URL.Path] = received{req.URL.Query(), req.Header, string(body)}
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // so that it comes back as the task's output
	}))
	t.Cleanup(r.Close)
	return r
}

// control tells whether a string holds what no header can; white space around one is allowed, and no
// part of it (RFC 9110, section 5.5).
func control(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// TestHostileStringsInPythonAndHTTP: by arguments, in requests, and from task to task.
func TestHostileStringsInPythonAndHTTP(t *testing.T) {
	w := newWorld(t)
	server := newReceiver(t)
	all := hostiles(t)
	legal, _ := split(all, func(s string) bool { return !control(s) && s == strings.Trim(s, " \t") })
	_, broken := split(all, func(s string) bool { return !control(s) })
	w.write("dag/given.py", "def same(*strings, **named):\n    return list(strings) + [named[k] for k in sorted(named)]\n")
	file := w.write("dag/sent.yaml", `
id: sent
params: {all: {type: array}, legal: {type: array}, broken: {type: array}, url: {type: string}}
tasks:
  args: {uses: python, with: {code: "def main(strings):\n    return strings", args: ["${{ params.all }}"]}}
  argv:
    uses: python
    with:
      code: |
        import json, sys
        def main(**named):
            with open("named.json", "w") as f: json.dump(named, f)
            return [len(s.encode()) for s in named["strings"]]
      args: {strings: "${{ params.all }}", first: "${{ params.all[0] }}"}
  callable: {uses: python, with: {callable: "given:same", args: "${{ tasks.args.output }}"}}
  shell:
    outputs: {strings: array}
    run: |
      printf '{"strings": %s}' ${{ toJSON(tasks.callable.output) }} > "$WEFT_OUTPUT"
  json: {uses: http, with: {url: "${{ params.url }}/json", method: POST, json: "${{ tasks.shell.output.strings }}"}}
  query: {uses: http, with: {url: "${{ params.url }}/query", query: {v: "${{ params.all }}"}}}
  form: {uses: http, with: {url: "${{ params.url }}/form", method: POST, form: {v: "${{ tasks.json.output.body }}"}}}
  body: {uses: http, with: {url: "${{ params.url }}/body", method: POST, body: "${{ join(params.all, '\u0001') }}"}}
  header: {uses: http, with: {url: "${{ params.url }}/header", headers: {X-V: "${{ params.legal }}"}}}
  broken:
    for_each: ${{ params.broken }}
    uses: http
    with: {url: "${{ params.url }}/broken", headers: {X-V: "${{ item }}"}}
`)
	sum, res := w.runJSON(file, "-p", "all:="+asJSON(t, all), "-p", "legal:="+asJSON(t, legal), "-p", "broken:="+asJSON(t, broken), "-p", "url="+server.URL)
	ids := []string{"args", "argv", "callable", "shell", "json", "query", "form", "body", "header"}
	for _, id := range ids {
		if task := sum.Tasks[id]; task.State != "success" {
			t.Errorf("%s is %s: %s", id, task.State, task.Reason)
		}
	}
	if t.Failed() {
		t.Fatalf("%.3000s", res.stderr)
	}
	var back []string
	for _, id := range []string{"args", "callable"} {
		if err := json.Unmarshal(sum.Tasks[id].Output, &back); err != nil || !slices.Equal(back, all) {
			t.Errorf("%s: %v, other strings came back", id, err)
		}
	}
	var named struct {
		Strings []string
		First   string
	}
	if err := json.Unmarshal([]byte(mustRead(t, filepath.Join(w.dir, "dag", "named.json"))), &named); err != nil || !slices.Equal(named.Strings, all) || named.First != all[0] {
		t.Errorf("argv: %v, other strings came", err)
	}
	if err := json.Unmarshal([]byte(server.came["/json"].body), &back); err != nil || !slices.Equal(back, all) {
		t.Errorf("json: %v, other strings came", err)
	}
	form, err := url.ParseQuery(server.came["/form"].body)
	if err != nil || !slices.Equal(form["v"], all) {
		t.Errorf("form: %v, other strings came", err)
	}
	if got := server.came["/query"].query["v"]; !slices.Equal(got, all) {
		t.Errorf("query: other strings came: %d of %d", len(got), len(all))
	}
	if got := server.came["/body"].body; got != strings.Join(all, "\x01") {
		t.Error("body: another text came")
	}
	if got := server.came["/header"].header["X-V"]; !reflect.DeepEqual(got, legal) {
		t.Error("header: other values came")
	}
	if _, sent := server.came["/broken"]; sent {
		t.Errorf("a header with a control character was sent: %q", server.came["/broken"].header["X-V"])
	}
	for _, in := range sum.Tasks["broken"].Instances {
		if in.State != "failed" {
			t.Errorf("header %q: %s", broken[in.Index], in.State)
		}
	}
	t.Logf("%d strings; %d in headers, %d refused there", len(all), len(legal), len(broken))
	w.untouched()
}

// TestHostileParams: by -p name=value and -p name:=JSON, each as a param of its own.
func TestHostileParams(t *testing.T) {
	w := newWorld(t)
	all := hostiles(t)
	var params, output strings.Builder
	args := []string{}
	want := map[string]string{}
	for i, s := range all {
		name := fmt.Sprintf("p%d", i)
		fmt.Fprintf(&params, "  %s: {type: string}\n", name)
		fmt.Fprintf(&output, "        %s: ${{ params.%s }}\n", name, name)
		if want[name] = s; noNUL(s) && i%2 == 0 {
			args = append(args, "-p", name+"="+s)
		} else {
			args = append(args, "-p", name+":="+asJSON(t, s))
		}
	}
	file := w.write("params.yaml", "id: params\nparams:\n"+params.String()+"tasks:\n  same:\n    uses: noop\n    with:\n      output:\n"+output.String())
	sum, res := w.runJSON(append([]string{file}, args...)...)
	var got map[string]string
	if err := json.Unmarshal(sum.Tasks["same"].Output, &got); err != nil {
		t.Fatalf("%v\n%s", err, res.stderr)
	}
	for name, s := range want {
		if got[name] != s {
			t.Errorf("sent %q, received %q", s, got[name])
		}
	}
}

// TestWhatCannotPassIsSaid: a value that its way cannot carry is a clear error, never another value.
func TestWhatCannotPassIsSaid(t *testing.T) {
	w := newWorld(t)
	file := w.write("ways.yaml", `
id: ways
params: {x: {type: string}}
tasks:
  run: {run: 'test ${{ params.x }} = y'}
  env: {env: {X: "${{ params.x }}"}, run: 'true'}
  list: {run: ['true', "${{ params.x }}"]}
  workdir: {workdir: "${{ params.x }}", run: 'true'}
  header: {uses: http, with: {url: "http://127.0.0.1:1/", headers: {X-V: "${{ params.x }}"}}}
  url: {uses: http, with: {url: "${{ params.x }}"}}
  head: {uses: file.head, with: {path: "${{ params.x }}"}}
`)
	long := strings.Repeat("x", 120<<10)
	for _, c := range []struct{ param, task, says string }{
		{`x:="a\u0000b"`, "run", "ways.yaml:5:|cannot pass an expression in run to a process|NUL"},
		{`x:="a\u0000b"`, "env", "cannot pass env X to a process|NUL"},
		{`x:="a\u0000b"`, "list", "cannot pass run.1 to a process|NUL"},
		{`x:="a\u0000b"`, "workdir", "cannot use the path|NUL"},
		{`x:="a\u0000b"`, "header", "header"},
		{`x:="a\u0000b"`, "url", "cannot"},
		{`x:="a\u0000b"`, "head", "cannot use the path|NUL"},
		{`x:="a\r\nX-Other: b"`, "header", "header"},
		{`x:="a\nb"`, "url", "cannot"},
		{"x=" + long + "y", "run", "122881 bytes, at most 122880 fit"},
		{"x=" + long + "y", "env", "122881 bytes, at most 122880 fit"},
		{"x=" + long + "y", "list", "122881 bytes, at most 122880 fit"},
	} {
		sum, _ := w.runJSON(file, "-p", c.param)
		task := sum.Tasks[c.task]
		if task.State != "failed" || task.Attempts != 1 {
			t.Errorf("%.30s in %s: %s after %d attempts", c.param, c.task, task.State, task.Attempts)
		}
		for _, want := range strings.Split(c.says, "|") {
			if !strings.Contains(task.Reason, want) {
				t.Errorf("%.30s in %s: %.300s\nwant %q", c.param, c.task, task.Reason, want)
			}
		}
	}
	if sum, _ := w.runJSON(file, "-p", "x="+long); sum.states("env", "list") != "env=success list=success" {
		t.Errorf("120 KiB do not pass: %s %s %s", sum.states("env", "list"), sum.Tasks["env"].Reason, sum.Tasks["list"].Reason)
	}
	for _, c := range []struct{ param, says string }{
		{`x:="a\ud800b"`, "half of a surrogate pair"},
		{`x:=["\udc00\ud800"]`, "half of a surrogate pair"},
		{"x=a\xffb", "not UTF-8"},
		{"x:=\"a\xffb\"", "not UTF-8"},
		{"\xff=a", "not UTF-8"},
	} {
		if res := w.run("run", file, "-p", c.param); res.code != 2 || !strings.Contains(res.stderr, c.says) {
			t.Errorf("-p %q: exit %d\n%s", c.param, res.code, res.stderr)
		}
	}
}
