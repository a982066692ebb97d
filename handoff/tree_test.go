package handoff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"weft/handoff"
	"weft/machine"
)

const attempt = "orders/run:1/train/-/1"

// root opens a new folder that holds these files. A path that ends in / is a folder; "-> x" is a
// link, a leading "#!" makes a file executable.
func root(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	for name, text := range files {
		full := filepath.Join(r.Name(), name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		to, link := strings.CutPrefix(text, "-> ")
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o755)
		case link:
			err = os.Symlink(to, full)
		case strings.HasPrefix(text, "#!"):
			err = os.WriteFile(full, []byte(text), 0o755)
		default:
			err = os.WriteFile(full, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// tree reads a folder back in the words of root.
func tree(t *testing.T, r *os.Root) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(r.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if left, _ := fs.ReadDir(r.FS(), name); len(left) == 0 {
				out[name+"/"] = ""
			}
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := r.Readlink(name)
			out[name] = "-> " + to
			return err
		default:
			b, err := r.ReadFile(name)
			out[name] = string(b)
			if executable := info.Mode()&0o100 != 0; executable != strings.HasPrefix(string(b), "#!") {
				out[name] += fmt.Sprintf(" (executable: %v)", executable)
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

var model = map[string]string{
	"weights.bin": strings.Repeat("w", 3<<20), "run.sh": "#!/bin/sh\n", "deep/er/notes.txt": "notes", "deep/latest": "-> er/notes.txt",
	"here": "-> deep/er", ".hidden": "h", "a b%2F\n+c": "odd", strings.Repeat("n", 250): "long", "empty": "", "hollow/in/": "", "up": "-> deep/../run.sh",
}

func TestAFolderArrivesAsItWas(t *testing.T) {
	b, dir := place(t)
	src := root(t, model)
	a, err := handoff.Keep(t.Context(), b, attempt, "model", handoff.Source{Root: src, Path: "."})
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "model" || a.Files != 7 || a.Size != 3<<20+int64(len("#!/bin/sh\nnoteshoddlong")) || !strings.HasSuffix(a.URI, "/orders/run%253A1/train/-/1/artifacts/model/") {
		t.Errorf("artifact %+v", a)
	}
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), b, a, to, "some/where"); err != nil {
		t.Fatal(err)
	}
	laid, err := to.OpenRoot("some/where")
	if err != nil {
		t.Fatal(err)
	}
	defer laid.Close()
	same(t, tree(t, laid), tree(t, src))
	for _, f := range files(t, dir) {
		if strings.HasSuffix(f, ".part") {
			t.Errorf("left over: %s", f)
		}
	}
	// Again under the same key, as after a crash: what is no longer of it does not come back.
	if err := src.RemoveAll("deep/er/notes.txt"); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"deep/latest", "here"} {
		if err := src.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	again, err := handoff.Keep(t.Context(), b, attempt, "model", handoff.Source{Root: src, Path: "."})
	if err != nil {
		t.Fatal(err)
	}
	if err := handoff.Lay(t.Context(), b, again, to, "again"); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Stat("again/deep/er/notes.txt"); err == nil || again.Files != 6 {
		t.Errorf("what a crash left came back: %v, %d files", err, again.Files)
	}
}

func TestAFileArrivesAsItWas(t *testing.T) {
	b, _ := place(t)
	src := root(t, map[string]string{"out/model.bin": "model", "out/run": "#!/bin/sh", "latest": "-> out/model.bin"})
	for name, want := range map[string]string{"out/model.bin": "model", "latest": "model", "out/run": "#!/bin/sh", "./out//run": "#!/bin/sh"} {
		a, err := handoff.Keep(t.Context(), b, attempt, "model", handoff.Source{Root: src, Path: name})
		if err != nil || a.Folder() || a.Size != int64(len(want)) {
			t.Fatalf("%s: %+v, %v", name, a, err)
		}
		to := root(t, nil)
		if err := handoff.Lay(t.Context(), b, a, to, "in/it"); err != nil {
			t.Fatal(err)
		}
		same(t, tree(t, to), map[string]string{"in/it": want})
		copied := root(t, nil)
		if err := handoff.Copy(t.Context(), handoff.Source{Root: src, Path: name}, copied, "it"); err != nil {
			t.Fatal(err)
		}
		same(t, tree(t, copied), map[string]string{"it": want})
	}
}

func TestAFolderIsCopiedAsItIs(t *testing.T) {
	src, to := root(t, model), root(t, nil)
	if err := handoff.Copy(t.Context(), handoff.Source{Root: src, Path: "deep"}, to, "it"); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), map[string]string{"it/er/notes.txt": "notes", "it/latest": "-> er/notes.txt"})
}

func TestWhatCannotTravel(t *testing.T) {
	b, dir := place(t)
	src := root(t, map[string]string{
		"f": "x", ".weft_output": "42", "abs": "-> /etc/passwd", "out": "-> ../../etc",
		"a/abs": "-> /etc/passwd", "b/up": "-> ../f", "c/gone": "-> nothing", "d/loop": "-> loop",
		// Each of the two stays inside by its text, and together they lead out.
		"e/deep/top": "-> ..", "e/deep/er/esc": "-> ../top/../f",
		"in/ok": "ok",
	})
	for _, dir := range []string{"pipe", "socket", "bad"} {
		if err := src.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(src.Name(), "pipe/p"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(src.Name()) // the path of a socket is short
	l, err := net.Listen("unix", "socket/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.WriteFile(filepath.Join(src.Name(), "bad/\xff"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"gone": "gone is not there", "f/x": "f/x is not there", "abs": "abs leads out of its folder", "out/passwd": "out/passwd leads out of its folder",
		"../x": "../x holds `..`", "in/../f": "in/../f holds `..`", "a\x00b": `"a\x00b" holds a NUL`, ".weft_output": ".weft_output is weft's own",
		"a":      "a/abs is a link to the absolute path /etc/passwd, and only relative links inside the folder travel",
		"b":      "b/up is a link to ../f: it leads out of its folder",
		"c":      "c/gone is a link to nothing: it is not there",
		"d":      "d/loop is a link to loop: it leads in a circle",
		"e":      "e/deep/er/esc is a link to ../top/../f: it leads out of its folder",
		"pipe":   "pipe/p is a pipe, and only files, folders and links travel",
		"pipe/p": "pipe/p is a pipe, and only files and folders travel",
		"socket": "socket/s is a socket, and only files, folders and links travel",
		"bad":    `bad/"\xff" has a name that is not UTF-8`,
	} {
		s := handoff.Source{Root: src, Path: path, Skip: func(name string) bool { return strings.HasPrefix(name, ".weft_") }}
		_, err := handoff.Keep(t.Context(), b, attempt, "x", s)
		var unfit *handoff.UnfitError
		if !errors.As(err, &unfit) || err.Error() != want {
			t.Errorf("%q kept: %v\nwant %s", path, err, want)
		}
		if err := handoff.Copy(t.Context(), s, root(t, nil), "it"); err == nil || err.Error() != want {
			t.Errorf("%q copied: %v\nwant %s", path, err, want)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("something was put there: %v", files(t, dir))
	}
}

func TestWhatIsWeftsOwnIsNoPartOfAFolder(t *testing.T) {
	b, _ := place(t)
	src := root(t, map[string]string{"f": "x", ".weft_output": "42", "sub/.weft_output": "theirs"})
	a, err := handoff.Keep(t.Context(), b, attempt, "all", handoff.Source{Root: src, Path: ".", Skip: func(n string) bool { return n == ".weft_output" }})
	if err != nil {
		t.Fatal(err)
	}
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), b, a, to, "all"); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), map[string]string{"all/f": "x", "all/sub/.weft_output": "theirs"})
}

// Whatever happens to what was put, Lay fails, or gives what was put.
func TestWhatWasTamperedWithIsNotLaidOut(t *testing.T) {
	for what, tamper := range map[string]func(dir string) error{
		"a file is gone":      func(d string) error { return os.Remove(d + "/artifacts/m/a") },
		"other bytes":         func(d string) error { return os.WriteFile(d+"/artifacts/m/a", []byte("B"), 0o600) },
		"more bytes":          func(d string) error { return os.WriteFile(d+"/artifacts/m/a", []byte("AA"), 0o600) },
		"no bytes":            func(d string) error { return os.Truncate(d+"/artifacts/m/a", 0) },
		"the manifest gone":   func(d string) error { return os.Remove(d + "/manifests/m.json") },
		"the manifest short":  func(d string) error { return os.Truncate(d+"/manifests/m.json", 20) },
		"the manifest's text": func(d string) error { return os.WriteFile(d+"/manifests/m.json", []byte(`{"format":1}`), 0o600) },
	} {
		b, dir := place(t)
		a, err := handoff.Keep(t.Context(), b, "k", "m", handoff.Source{Root: root(t, map[string]string{"a": "A", "b": "B"}), Path: "."})
		if err != nil {
			t.Fatal(err)
		}
		if err := tamper(dir + "/k"); err != nil {
			t.Fatal(err)
		}
		if err := handoff.Lay(t.Context(), b, a, root(t, nil), "it"); err == nil || !strings.HasPrefix(err.Error(), "cannot read ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAManifestOfSomeoneElseLeadsNowhere(t *testing.T) {
	b, dir := place(t)
	put(t, b, "secret", "secret")
	for what, body := range map[string]string{
		"out":       `{"format":1,"entries":[{"path":"../x","size":6}]}`,
		"absolute":  `{"format":1,"entries":[{"path":"/x","size":6}]}`,
		"twice":     `{"format":1,"entries":[{"path":"x","size":3},{"path":"x","size":3}]}`,
		"a link":    `{"format":1,"entries":[{"path":"l","link":"../.."}]}`,
		"composed":  `{"format":1,"entries":[{"path":"d/e","folder":true},{"path":"d/t","link":".."},{"path":"d/u","link":"t/../../x"}]}`,
		"by a link": `{"format":1,"entries":[{"path":"l","link":"."},{"path":"l/x","size":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}`,
		"elsewhere": `{"format":1,"entries":[{"path":"x","size":6,"sha256":"00","at":"../../../../../../etc/passwd"}]}`,
		"later":     `{"format":2}`,
		"no JSON":   `[`,
	} {
		ref := put(t, b, "k/manifests/m.json", body)
		a := machine.Artifact{Ref: machine.Ref{URI: handoff.FileURI(dir) + "/k/artifacts/m/", SHA256: ref.SHA256}}
		for _, size := range []int64{0, 6} {
			a.Size = size
			to := root(t, nil)
			if err := handoff.Lay(t.Context(), b, a, to, "it"); err == nil {
				t.Errorf("%s: laid out %q", what, tree(t, to))
			}
		}
	}
	if err := handoff.Lay(t.Context(), b, machine.Artifact{Ref: machine.Ref{URI: handoff.FileURI(dir) + "/k/"}}, root(t, nil), "it"); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("no artifact's folder: %v", err)
	}
}

func TestNothingIsReplacedWhereAnInputShallLie(t *testing.T) {
	b, _ := place(t)
	a, err := handoff.Keep(t.Context(), b, "k", "m", handoff.Source{Root: root(t, map[string]string{"a": "A"}), Path: "a"})
	if err != nil {
		t.Fatal(err)
	}
	to := root(t, map[string]string{"there": "x", "link": "-> /tmp"})
	for path, want := range map[string]string{"there": "file exists", "there/in": "file exists", "link/x": "escapes", "link": "file exists"} {
		if err := handoff.Lay(t.Context(), b, a, to, path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "cannot write "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// ending ends a context after so many fetched or put files.
type ending struct {
	handoff.Backend
	left *int
	end  context.CancelFunc
}

func (e ending) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	if *e.left--; *e.left == 0 {
		e.end()
	}
	return e.Backend.Put(ctx, key, r, size)
}

func TestACopyEndsWithItsContext(t *testing.T) {
	place, dir := place(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := 1
	src := root(t, map[string]string{"a/1": strings.Repeat("x", 2<<20), "a/2": strings.Repeat("x", 2<<20)})
	if _, err := handoff.Keep(ctx, ending{place, &left, cancel}, "k", "m", handoff.Source{Root: src, Path: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("kept: %v", err)
	}
	for _, f := range files(t, dir) {
		t.Errorf("left over: %s", f)
	}
	if err := handoff.Copy(ctx, handoff.Source{Root: src, Path: "a/1"}, root(t, nil), "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("copied: %v", err)
	}
	a, err := handoff.Keep(t.Context(), place, "k", "m", handoff.Source{Root: src, Path: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := handoff.Lay(ctx, place, a, root(t, nil), "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("laid out: %v", err)
	}
}

func TestValuesInURIs(t *testing.T) {
	ref := handoff.Inline([]byte(`{"rows":3}`))
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), handoff.Values{}, machine.Artifact{Ref: ref}, to, "it"); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), map[string]string{"it": `{"rows":3}`})
	for uri, want := range map[string]string{
		"data:,a%20b": "a b", "data:text/plain;charset=utf-8,x": "x", "data:;base64,eA==": "x",
		"data:;base64,!": "", "data:x": "", "file:///etc/passwd": "", "data:,%zz": "",
	} {
		rc, err := handoff.Values{}.Fetch(t.Context(), uri)
		got := ""
		if err == nil {
			b, _ := io.ReadAll(rc)
			got = string(b)
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", uri, got, err)
		}
	}
	if _, err := (handoff.Values{}).Put(t.Context(), "k", strings.NewReader("x"), 1); err == nil {
		t.Error("something was put")
	}
}

func TestManyFilesAreOneEntry(t *testing.T) {
	b, _ := place(t)
	many := map[string]string{}
	for i := range 300 {
		many[fmt.Sprintf("%d/%d", i%10, i)] = fmt.Sprint(i)
	}
	src := root(t, many)
	a, err := handoff.Keep(t.Context(), b, "k", "many", handoff.Source{Root: src, Path: "."})
	if err != nil || a.Files != 300 {
		t.Fatalf("%+v, %v", a, err)
	}
	to := root(t, nil)
	if err := handoff.Lay(t.Context(), b, a, to, "."); err != nil {
		t.Fatal(err)
	}
	same(t, tree(t, to), many)
}
