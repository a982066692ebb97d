package tests

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// canaries are the secrets of these tests: one like most, one with all that is awkward, one of several lines, one
// that says itself in two halves.
var canaries = map[string]string{
	"PLAIN": "canary-4f9d1c77e2",
	"ODD":   `"'\$&+/ü canary <%>`,
	"KEY":   "-----BEGIN CANARY-----\nMIIEvQIBADANBgkqhkiG9w0B\nBKcwggSjAgEAAoIBAQC7VJTU\n-----END CANARY-----",
	"HALF":  "first-half.second-half",
}

// traces are what would give a secret away: each way of writing it, by how.
func traces(secret string) map[string]string {
	asJSON, _ := json.Marshal(secret)
	var loose bytes.Buffer
	enc := json.NewEncoder(&loose)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(secret)
	list := map[string]string{
		"raw": secret, "hex": hex.EncodeToString([]byte(secret)),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"JSON": strings.Trim(string(asJSON), `"`), "JSON with <": strings.Trim(strings.TrimSpace(loose.String()), `"`),
		"shell": strings.ReplaceAll(secret, "'", `'\''`),
	}
	for before := range 3 {
		digits := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), secret...))
		core := digits[(8*before+5)/6 : 8*(before+len(secret))/6]
		list[fmt.Sprint("base64 at ", before)] = core
		list[fmt.Sprint("base64 of URLs at ", before)] = strings.NewReplacer("+", "-", "/", "_").Replace(core)
	}
	if lines := strings.Split(secret, "\n"); len(lines) > 1 {
		for i, line := range lines {
			list[fmt.Sprint("line ", i+1)] = line
		}
	}
	return list
}

// shown lists the traces of all canaries in some bytes. Line ends are left out as well: base64 comes in lines.
func shown(b []byte) (found []string) {
	joined := bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\n"), nil), []byte("\r"), nil)
	for name, secret := range canaries {
		for how, text := range traces(secret) {
			if bytes.Contains(b, []byte(text)) || bytes.Contains(joined, []byte(text)) {
				found = append(found, name+" "+how)
			}
		}
	}
	return found
}

// leaks searches every file below a folder.
func leaks(t *testing.T, folder string) (found []string, files int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		for _, hit := range shown(append(b, path...)) {
			found = append(found, path+": "+hit)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, files
}

// TestTheSearchForSecretsFinds plants each trace in a file: a search that finds nothing proves
// nothing unless it can find.
func TestTheSearchForSecretsFinds(t *testing.T) {
	for name, secret := range canaries {
		for how, text := range traces(secret) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "log"), []byte("x "+text+" x"), 0o600); err != nil {
				t.Fatal(err)
			}
			if found, _ := leaks(t, dir); len(found) == 0 {
				t.Errorf("%s %s is not found", name, how)
			}
		}
	}
	if found := shown([]byte("a log with *** in it")); found != nil {
		t.Errorf("found %q in a log without secrets", found)
	}
}

// secretStory reads each canary in each place where one may stand, prints it in each form, and
// leaves what came in a file outside, as hex of another kind: swapped digits.
const secretStory = `
id: story
env: {ALL: "${{ secrets.PLAIN }}"}
tasks:
  shell:
    env: {ODD: "${{ secrets.ODD }}", KEY: "${{ secrets.KEY }}", HALF: "${{ secrets.HALF }}"}
    run: |
      got() { printf %s "$2" | od -An -v -tx1 | tr -d ' \n' | tr 0-9a-f g-v > "$SEEN/shell.$1"; }
      got PLAIN "$ALL"; got ODD "$ODD"; got KEY "$KEY"; got HALF ${{ secrets.HALF }}
      for s in "$ALL" "$ODD" "$KEY" "$HALF"; do
        for to in 1 2; do
          { printf '%s\n' "$s"; printf %s "$s" | base64; printf 'u:%s' "$s" | base64 -w0; printf 'us:%s' "$s" | base64; printf %s "$s" | od -An -v -tx1 | tr -d ' \n'; echo; } >&$to
        done
      done
      printf %s "${HALF%%.*}"; sleep 0.3; printf '%s\n' ".${HALF#*.}"
      set -x; : "$ODD" "$ALL"; set +x
      while [ -e "$SEEN/wait" ]; do sleep 0.02; done
      echo "what was said was masked" | tee "$WEFT_TMPDIR/note"
  python:
    uses: python
    env: {SEEN: "${{ params.seen }}"}
    with:
      code: |
        import base64, json, os, sys, urllib.parse
        def main(values):
            for name, s in values.items():
                with open(os.environ["SEEN"] + "/python." + name, "w") as f:
                    f.write("".join("ghijklmnopqrstuv"[int(c, 16)] for c in s.encode().hex()))
                for to in sys.stdout, sys.stderr:
                    print(s, json.dumps(s), json.dumps(s, ensure_ascii=False), repr(s), urllib.parse.quote(s), urllib.parse.quote_plus(s), file=to)
                    print(base64.b64encode(s.encode()), base64.urlsafe_b64encode(b"abc" + s.encode()), s.encode().hex(), file=to)
            raise ValueError("cannot log in: %r, %s" % (values["ODD"], json.dumps(values)))
      args: {values: {PLAIN: "${{ secrets.PLAIN }}", ODD: "${{ secrets.ODD }}", KEY: "${{ secrets.KEY }}", HALF: "${{ secrets.HALF }}"}}
    on_failure:
      told: {run: 'echo "python failed: ${{ error.message }}"'}
  request:
    uses: http
    with:
      url: ${{ params.url }}/ok
      headers: {X-Token: "${{ secrets.PLAIN }}"}
      query: {odd: "${{ secrets.ODD }}"}
      json: {key: "${{ secrets.KEY }}", half: "${{ secrets.HALF }}"}
  echoed:
    uses: http
    with: {url: "${{ params.url }}/echo", body: "${{ secrets.ODD }}"}
  refused:
    uses: http
    with: {url: "${{ params.url }}/refuse?k=${{ secrets.PLAIN }}", auth: {bearer: "${{ secrets.HALF }}"}}
  output_file: {run: 'printf ''{"token": "%s"}'' "$ALL" > "$WEFT_OUTPUT"'}
  output_line: {run: 'echo "$ALL" | base64'}
  spilled: {run: 'head -c 100000 /dev/zero | tr "\0" x > "$WEFT_TMPDIR/x"; printf "\"%s%s\"" "$ALL" "$(cat "$WEFT_TMPDIR/x")" > "$WEFT_OUTPUT"'}
  told: {uses: fail, with: {message: "no luck with ${{ secrets.ODD }} and ${{ secrets.KEY }}"}}
  wrong: {uses: noop, with: {output: "${{ duration(secrets.ODD) }}"}}
  argv: {run: [echo, '${{ env["A" + "LL"] }}']}
params: {url: {type: string}, seen: {type: string}}
verdict: tasks.shell.state == "success"
`

// A listener is the HTTP server of the story. It notes what was sent, and sends some of it back.
type listener struct {
	mu   sync.Mutex
	seen []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	l.seen = append(l.seen, r.URL.Path, r.Header.Get("X-Token"), r.Header.Get("Authorization"), r.URL.Query().Get("odd"), r.URL.Query().Get("k"), string(body))
	l.mu.Unlock()
	switch r.URL.Path {
	case "/echo":
		_, _ = w.Write(body)
	case "/refuse":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "not with %s as %s", r.URL.Query().Get("k"), r.Header.Get("Authorization"))
	}
}

// TestNoSecretLeaves is S08: secrets are used wherever they may stand and printed in many forms, and
// are afterwards in no file below the state folder, in no output of weft, and meanwhile in no argv.
func TestNoSecretLeaves(t *testing.T) {
	w := newWorld(t)
	seen := filepath.Join(t.TempDir(), "seen")
	if err := os.Mkdir(seen, 0o755); err != nil {
		t.Fatal(err)
	}
	told := new(listener)
	server := httptest.NewServer(told)
	defer server.Close()
	file := w.write("story.yaml", strings.Replace(secretStory, "env: {ODD:", `env: {SEEN: "${{ params.seen }}", ODD:`, 1))
	wait := filepath.Join(seen, "wait")
	if err := os.WriteFile(wait, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := w.command("run", "--json", file, "-p", "url="+server.URL, "-p", "seen="+seen)
	for name, value := range canaries {
		cmd.Env = append(cmd.Env, "WEFT_SECRET_"+name+"="+value)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	eventually(t, "all secrets reached the shell", func() bool {
		_, err := os.Stat(filepath.Join(seen, "shell.HALF"))
		return err == nil
	})
	arguments := argvBelow(t, cmd.Process.Pid)
	if found := shown(arguments); found != nil || !bytes.Contains(arguments, []byte("pipefail")) {
		t.Errorf("the arguments of the processes show %q:\n%q", found, arguments)
	}
	if err := os.Remove(wait); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	sum := w.last(out.String())
	want := "shell=success python=failed request=success echoed=failed refused=failed output_file=failed output_line=failed spilled=failed told=failed wrong=failed argv=failed"
	if got := sum.states("shell", "python", "request", "echoed", "refused", "output_file", "output_line", "spilled", "told", "wrong", "argv"); got != want {
		t.Errorf("got  %s\nwant %s\n%s", got, want, errs.String())
	}
	if got := string(sum.Tasks["shell"].Output); got != `"what was said was masked"` {
		t.Errorf("the last line of stdout is %s", got)
	}
	if got := sum.Tasks["python"].Reason; !strings.Contains(got, "ValueError: cannot log in: ") || !strings.Contains(got, "***") {
		t.Errorf("python failed: %s", got)
	}
	arrived(t, seen, told)
	said := map[string]string{"stdout": out.String(), "stderr": errs.String()}
	for _, args := range [][]string{
		{"logs", "latest"},
		{"logs", "latest", "shell"},
		{"runs", "show", "latest"},
		{"runs", "show", "latest", "--json"},
		{"runs"},
		{"explain", "latest", "python"},
		{"explain", "latest", "output_line"},
		{"run", file, "--run-id", sum.Run, "--json", "-p", "url=" + server.URL, "-p", "seen=" + seen},
	} {
		res := w.run(args...)
		said[strings.Join(args, " ")] = res.out + res.stderr
	}
	for what, text := range said {
		if found := shown([]byte(text)); found != nil {
			t.Errorf("%s shows %q", what, found)
		}
	}
	if log := said["logs latest shell"]; strings.Count(log, "***") < 40 || !strings.Contains(log, "what was said was masked") {
		t.Errorf("the log of shell is\n%s", log)
	}
	found, files := leaks(t, filepath.Join(w.dir, "state"))
	if found != nil || files < 10 {
		t.Errorf("in %d files there are %q", files, found)
	}
}

// received checks that the secrets arrived as they are.
func arrived(t *testing.T, seen string, told *listener) {
	t.Helper()
	for name, secret := range canaries {
		for _, by := range []string{"shell.", "python."} {
			b, err := os.ReadFile(filepath.Join(seen, by+name))
			got, bad := hex.DecodeString(strings.Map(func(r rune) rune { return rune("0123456789abcdef"[(r-'g')&15]) }, string(b)))
			if err != nil || bad != nil || string(got) != secret {
				t.Errorf("%s%s: %q, %v %v, want %q", by, name, got, err, bad, secret)
			}
		}
	}
	body, _ := json.Marshal(map[string]string{"key": canaries["KEY"], "half": canaries["HALF"]})
	told.mu.Lock()
	defer told.mu.Unlock()
	for _, want := range []string{canaries["PLAIN"], canaries["ODD"], "Bearer " + canaries["HALF"]} {
		arrived := false
		for _, s := range told.seen {
			arrived = arrived || s == want
		}
		if !arrived {
			t.Errorf("the server never saw %q, but %q", want, told.seen)
		}
	}
	var a, b any
	_ = json.Unmarshal(body, &a)
	for _, s := range told.seen {
		if json.Unmarshal([]byte(s), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b) {
			return
		}
	}
	t.Errorf("the server never saw the JSON %s", body)
}

// argvBelow returns the command lines of a process and all below it.
func argvBelow(t *testing.T, pid int) []byte {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(all) == 0 {
		t.Skip("there is no /proc here")
	}
	children := map[string][]string{}
	for _, stat := range all {
		b, _ := os.ReadFile(stat) // or it has ended
		if i := bytes.LastIndexByte(b, ')'); i > 0 {
			if fields := strings.Fields(string(b[i+1:])); len(fields) > 1 {
				children[fields[1]] = append(children[fields[1]], filepath.Base(filepath.Dir(stat)))
			}
		}
	}
	var argv []byte
	for todo := []string{fmt.Sprint(pid)}; len(todo) > 0; todo = todo[1:] {
		b, _ := os.ReadFile(filepath.Join("/proc", todo[0], "cmdline"))
		argv = append(append(argv, b...), '\n')
		todo = append(todo, children[todo[0]]...)
	}
	return argv
}

// TestTheExampleOfSecrets runs it with its secret, from each place, and without.
func TestTheExampleOfSecrets(t *testing.T) {
	file, err := filepath.Abs("../dags/secrets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const secret = "correct-horse-battery"
	for _, c := range []struct{ where, config, env string }{
		{"by its variable", "", "WEFT_SECRET_DEMO=" + secret},
		{"by another variable", "secrets: {DEMO: env:DEMO_PASSWORD}", "DEMO_PASSWORD=" + secret},
		{"by a file of its own", "secrets: {DEMO: file:demo}", ""},
		{"by the secrets file", "secrets_file: all.yaml", ""},
	} {
		t.Run(c.where, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.write("weft.yaml", c.config)
			w.write("demo", secret+"\n")
			if err := os.Chmod(w.write("all.yaml", "DEMO: "+secret), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := w.command("run", "--json", file)
			cmd.Env = append(cmd.Env, c.env)
			out, err := cmd.CombinedOutput()
			sum := w.last(string(out))
			if err != nil || sum.state("python") != `{"length":21}` || string(sum.Tasks["env"].Output) != `"it has 21 letters"` || string(sum.Tasks["script"].Output) != `"26"` {
				t.Errorf("%v\n%s", err, out)
			}
			log := w.run("logs", "latest", "env").out
			if !strings.Contains(log, "the password is ***, in base64 ***") || strings.Contains(log+string(out), secret) {
				t.Errorf("the log is %s", log)
			}
		})
	}
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		sum, res := w.runJSON(file)
		const want = "cannot resolve secret DEMO: nobody knows it (looked for the variable WEFT_SECRET_DEMO, for DEMO under secrets in weft.yaml, and in a secrets file (secrets_file is not set))"
		if res.code != 1 || !strings.Contains(sum.Tasks["env"].Reason, "cannot resolve secret DEMO") || !strings.Contains(w.run("logs", "latest", "env").out, want) {
			t.Errorf("exit %d, %s\n%s", res.code, sum.Tasks["env"].Reason, w.run("logs", "latest", "env").out)
		}
	})
}

// state is the output of a task, as text.
func (s summary) state(task string) string { return string(s.Tasks[task].Output) }
