package tests

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weft/tests/s3server"
)

// withS3At has weft talk to a server, or to what stands before it.
func withS3At(t *testing.T, s *s3server.Server) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	for _, kv := range s.Env() {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
}

// must calls weft, which has to end with a code and, in one of its streams, say something.
func (w *world) must(code int, says string, args ...string) result {
	w.t.Helper()
	res := w.run(args...)
	if res.code != code || !strings.Contains(res.out+res.stderr, says) {
		w.t.Errorf("weft %s: exit %d, want %d and %q\n%s%s", strings.Join(args, " "), res.code, code, says, res.out, res.stderr)
	}
	return res
}

// tree is what a folder shows: "path=text" of each file that is not hidden, .weftignore among them.
func (w *world) tree(dir string) string {
	w.t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || path == dir:
			return err
		case strings.HasPrefix(d.Name(), ".") && d.Name() != ".weftignore" && d.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(d.Name(), ".") && d.Name() != ".weftignore" || d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		lines = append(lines, rel+"="+strings.ReplaceAll(mustRead(w.t, path), "\n", "\\n"))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

const helloDAG = "id: hello\ntasks:\n  a: {run: ./say.sh}\n"

// TestADayOfDeploying: edit, publish, run from what is published; break it, mend it; fetch it elsewhere.
func TestADayOfDeploying(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	w.write("dags/hello.yaml", helloDAG)
	w.write("dags/say.sh", "#!/bin/sh\necho one\n")
	w.write("dags/team/other.yaml", "id: other\ntasks: {a: {run: echo other}}\n")
	w.write("dags/notes.tmp", "not for others")
	w.write("dags/.weftignore", "*.tmp\n")
	w.write("dags/.env", "PASSWORD=x")
	if err := os.Chmod(filepath.Join(w.dir, "dags/say.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	const at = "s3://acme/team/dags"
	w.must(0, "4 added, 0 changed, 0 removed (would be; nothing was done)", "sync", "dags", at, "--plan")
	w.must(1, "4 added, 0 changed, 0 removed would make s3://acme/team/dags show dags", "sync", "--status", "dags", at)
	w.must(0, "4 added, 0 changed, 0 removed, 4 files in all: generation 1 of s3://acme/team/dags", "sync", "dags", at)
	w.must(0, "nothing to do: generation 1", "sync", "dags", at)
	w.must(0, "both show the same: generation 1", "sync", "--status", "dags", at)
	w.must(0, "2 files checked, no problems", "validate", at)
	said := func() string {
		t.Helper()
		sum, res := w.runJSON("hello", "--dags", at)
		if sum.State != "success" {
			t.Fatalf("the run is %s\n%s", sum.State, res.stderr)
		}
		return strings.Trim(string(sum.Tasks["a"].Output), `"`)
	}
	if got := said(); got != "one" {
		t.Errorf("the script beside the file says %q", got)
	}
	// A new version; what runs keeps its own.
	w.write("dags/say.sh", "#!/bin/sh\necho two\n")
	if got := said(); got != "one" {
		t.Errorf("before it is published the script says %q", got)
	}
	w.must(0, "~ say.sh\n0 added, 1 changed, 0 removed, 4 files in all: generation 2", "sync", "dags", at)
	if got := said(); got != "two" {
		t.Errorf("the new script says %q", got)
	}
	// What is broken is not published, and says where.
	w.write("dags/hello.yaml", "id: hello\ntasks: {a: {runs: echo}}\n")
	w.must(1, "dags/hello.yaml:2:13", "sync", "dags", at)
	w.must(1, "1 error in 1 file (1 fixable with weft validate --fix); nothing is published", "sync", "dags", at)
	if got := said(); got != "two" {
		t.Errorf("after a broken one was refused the script says %q", got)
	}
	w.write("dags/hello.yaml", helloDAG)
	// Another folder follows, and goes back into the bucket as it came.
	w.must(0, "4 added, 0 changed, 0 removed: generation 2", "sync", at, "copy")
	if got, want := w.tree(filepath.Join(w.dir, "copy")), strings.Replace(w.tree(filepath.Join(w.dir, "dags")), "notes.tmp=not for others\n", "", 1); got != want {
		t.Errorf("the copy shows\n%s\nnot\n%s", got, want)
	}
	w.must(0, "nothing to do: generation 2", "sync", "copy", at)
	// Most of it goes: that is asked about.
	for _, gone := range []string{"team/other.yaml", "say.sh"} {
		if err := os.Remove(filepath.Join(w.dir, "copy", gone)); err != nil {
			t.Fatal(err)
		}
	}
	w.write("copy/hello.yaml", "id: hello\ntasks: {a: {run: echo three}}\n")
	res := w.must(3, "error: cannot sync without being asked to: 2 of the 4 files of s3://acme/team/dags would go\nhint: --plan shows it; --yes does it; --delete=false removes nothing\n", "sync", "copy", at)
	if res.out != "" {
		t.Errorf("it says %s", res.out)
	}
	w.must(0, "generation 3", "sync", "copy", at, "--yes")
	if got := said(); got != "three" {
		t.Errorf("the third version says %q", got)
	}
	if got, want := w.tree(filepath.Join(server.Dir, "acme/team/dags")), w.tree(filepath.Join(w.dir, "copy")); got != want {
		t.Errorf("other tools see\n%s\nnot\n%s", got, want)
	}
	w.must(3, "cannot find DAG \"other\": nothing in s3://acme/team/dags has that id\nhint: there are hello", "run", "other", "--dags", at)
	w.must(3, "hint: did you mean hello?", "run", "helo", "--dags", at)
}

// TestARunKeepsItsBundle: whatever is published later; a retry takes the version in force, and says so
// where it does not know where that is.
func TestARunKeepsItsBundle(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	publish := func(text string) {
		t.Helper()
		w.write("dags/hello.yaml", helloDAG)
		if err := os.Chmod(w.write("dags/say.sh", "#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		w.must(0, "generation", "sync", "dags", "s3://acme/dags", "--yes")
	}
	publish("echo one; exit 1")
	if sum, _ := w.runJSON("hello", "--dags", "s3://acme/dags", "--run-id", "r"); sum.State != "failed" {
		t.Fatalf("the run is %s", sum.State)
	}
	publish("echo two")
	w.must(3, "its files came from a bucket, and neither WEFT_DAGS nor weft.yaml names one\nhint: --same-version", "retry", "r")
	w.must(1, "", "retry", "r", "--same-version")
	if got := w.run("logs", "r", "a").out; !strings.Contains(got, "one") || strings.Contains(got, "two") {
		t.Errorf("the same version says %s", got)
	}
	t.Setenv("WEFT_DAGS", "s3://acme/dags")
	w.must(0, "", "retry", "r")
	w.must(0, "two", "logs", "r", "a")
	w.must(0, "success", "run", "hello")
	w.must(0, "1 file checked", "validate")
}

// TestSyncInTheSandbox: it can be tried without an account; runs in the same sandbox find it.
func TestSyncInTheSandbox(t *testing.T) {
	w := newWorld(t)
	w.write("dags/hello.yaml", helloDAG)
	w.write("dags/say.sh", "#!/bin/sh\necho hi\n")
	if err := os.Chmod(filepath.Join(w.dir, "dags/say.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.must(0, "generation 1 of s3://acme/dags", "sync", "dags", "s3://acme/dags", "--sandbox")
	w.write("dags/hello.yaml", helloDAG+"  b: {run: echo more}\n")
	w.must(0, "generation 2 of s3://acme/dags", "sync", "dags", "s3://acme/dags", "--sandbox")
	w.must(0, "success", "run", "hello", "--dags", "s3://acme/dags", "--sandbox")
}

// TestOneBrokenFileStopsNobody: others have put broken files beside good ones. The good ones run; the
// broken one runs as it last was good; each is listed with its place.
func TestOneBrokenFileStopsNobody(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(server.Dir, "acme", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("dags/good.yaml", "id: good\ntasks: {a: {run: echo good}}\n")
	put("dags/worse.yaml", "id: worse\ntasks: {a: {run: echo before}}\n")
	const doubt = "s3://acme/dags was not published by weft sync: two equal listings do not exclude that these are halves of two sets"
	w.must(0, doubt, "run", "worse", "--dags", "s3://acme/dags")
	put("dags/worse.yaml", "id: worse\ntasks: {a: {runs: echo after}}\n")
	put("dags/never.yaml", "id: never\ntasks: [\n")
	w.must(0, "success  good", "run", "good", "--dags", "s3://acme/dags")
	w.must(0, "s3://acme/dags/worse.yaml is broken now; its last good version runs (weft validate s3://acme/dags shows what is wrong)", "run", "worse", "--dags", "s3://acme/dags")
	w.must(3, "error: cannot run DAG \"never\": s3://acme/dags/never.yaml has errors, and no good version of it is known", "run", "never", "--dags", "s3://acme/dags")
	res := w.must(1, "2 errors in 2 files", "validate", "s3://acme/dags")
	for _, place := range []string{"s3://acme/dags/worse.yaml:2:13", "s3://acme/dags/never.yaml:2"} {
		if !strings.Contains(res.out, place) {
			t.Errorf("%s is not listed:\n%s", place, res.out)
		}
	}
	// While S3 cannot be reached, what was read stays in force.
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w.must(0, "connection refused (check the network and AWS_ENDPOINT_URL); what was read ", "run", "good", "--dags", "s3://acme/dags")
	w.must(3, "connection refused", "run", "good", "--dags", "s3://acme/other")
}

// TestWatch: who watches publishes each change; what is broken is said, and the watch goes on.
func TestWatch(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	w.write("dags/hello.yaml", "id: hello\ntasks: {a: {run: echo 1}}\n")
	c := w.command("sync", "dags", "s3://acme/dags", "--watch", "--json")
	var files [2]string
	for i, stream := range []*io.Writer{&c.Stdout, &c.Stderr} {
		f, err := os.CreateTemp(w.dir, "stream-")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		*stream, files[i] = f, f.Name()
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended, unless the test failed
	generation := func() int {
		var last struct {
			Generation int `json:"generation"`
		}
		lines := strings.Split(strings.TrimSpace(mustRead(t, files[0])), "\n")
		if json.Unmarshal([]byte(lines[len(lines)-1]), &last) != nil {
			return 0
		}
		return last.Generation
	}
	eventually(t, "the first set is published", func() bool { return generation() == 1 })
	w.write("dags/hello.yaml", "id: hello\ntasks: {a: {runs: echo 2}}\n")
	eventually(t, "the broken file is told of", func() bool { return strings.Contains(mustRead(t, files[1]), "nothing is published") })
	w.write("dags/hello.yaml", "id: hello\ntasks: {a: {run: echo 2}}\n")
	eventually(t, "the second set is published", func() bool { return generation() == 2 })
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("it ends with %v", err)
	}
}

// TestTwoPublishersAtOnce: both have compared with the same generation, and both send their manifest
// in the same moment.
func TestTwoPublishersAtOnce(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	w := newWorld(t)
	meet := newBarrier(2)
	proxy := server.Proxy(t, meet.spoil)
	t.Setenv("AWS_ENDPOINT_URL", proxy.URL)
	var ends [2]chan result
	names := []string{"one", "two"}
	for i, name := range names {
		w.write(name+"/a.yaml", "id: a\ntasks: {a: {run: echo "+name+"}}\n")
		ends[i] = make(chan result, 1)
		go func() { ends[i] <- w.run("sync", name, "s3://acme/dags") }()
	}
	var won, lost []result
	loser := ""
	for i := range ends {
		select {
		case res := <-ends[i]:
			if res.code == 0 {
				won = append(won, res)
			} else {
				lost, loser = append(lost, res), names[i]
			}
		case <-time.After(time.Minute):
			t.Fatal("a publisher does not end")
		}
	}
	if len(won) != 1 || len(lost) != 1 {
		t.Fatalf("%d have won\n%+v\n%+v", len(won), won, lost)
	}
	const want = "error: cannot publish to s3://acme/dags: <…> published there in the same moment, and nothing of this was\n" +
		"hint: the same command again compares with what is there now; --plan shows it first\n"
	if lost[0].code != 3 || !fits(lost[0].stderr, want) || lost[0].out != "" {
		t.Errorf("the other: exit %d\n%s%s", lost[0].code, lost[0].out, lost[0].stderr)
	}
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	w.must(0, "generation 2", "sync", loser, "s3://acme/dags", "--yes")
	w.must(0, "both show the same: generation 2", "sync", "--status", loser, "s3://acme/dags")
}
