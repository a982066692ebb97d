package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	misspelt = "tasks: {a: {run: echo, retires: 1}}\r\n"
	mended1  = "tasks: {a: {run: echo, retries: 1}}\r\n"
)

// fixed calls `weft validate --fix` in a folder with one misspelt file.
func fixed(t *testing.T, prepare func(file string), args ...string) (file, said string, code int) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	file = filepath.Join(dir, "a.yaml")
	must(t, os.WriteFile(file, []byte(misspelt), 0o640))
	prepare(file)
	var out bytes.Buffer
	code = Main(append([]string{"validate", "--fix"}, args...), strings.NewReader(""), &out, &out)
	return file, out.String(), code
}

func holds(t *testing.T, file, want string) {
	t.Helper()
	got, err := os.ReadFile(file)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", file, got, want)
	}
}

func TestAFixedFileKeepsItsModeAndNothingLiesBesideIt(t *testing.T) {
	file, said, code := fixed(t, func(f string) { must(t, os.Chmod(f, 0o751)) }, "a.yaml")
	holds(t, file, mended1)
	info, err := os.Stat(file)
	must(t, err)
	if code != exitOK || info.Mode().Perm() != 0o751 {
		t.Errorf("exit %d, mode %v\n%s", code, info.Mode(), said)
	}
	beside, err := os.ReadDir(filepath.Dir(file))
	must(t, err)
	if len(beside) != 1 {
		t.Errorf("beside it lie %v", beside)
	}
}

func TestALinkStaysOne(t *testing.T) {
	file, said, code := fixed(t, func(f string) {
		must(t, os.Mkdir("dags", 0o755))
		must(t, os.Symlink("../a.yaml", "dags/link.yaml"))
	}, "dags")
	holds(t, file, mended1)
	if to, err := os.Readlink("dags/link.yaml"); err != nil || to != "../a.yaml" || code != exitOK {
		t.Errorf("exit %d, the link is %q, %v\n%s", code, to, err, said)
	}
}

func TestAFileThatMayNotBeWrittenIsLeftAndSaid(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everything")
	}
	file, said, code := fixed(t, func(f string) { must(t, os.Chmod(f, 0o440)) }, "a.yaml", "--format", "oneline")
	holds(t, file, misspelt)
	if code != exitCannot || !strings.Contains(said, "error: cannot fix a.yaml: permission denied") || !strings.Contains(said, "S101") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

func TestAFileThatCannotBeReplacedIsLeftAndSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	must(t, os.WriteFile(file, []byte("changed\n"), 0o640))
	if err := rewrite(file, []byte(misspelt), []byte(mended1)); err == nil || err.Error() != "it was changed meanwhile" {
		t.Errorf("got %v", err)
	}
	holds(t, file, "changed\n")
	if err := rewrite(file+".none", nil, nil); err == nil || strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoTextGoesOutAsItCameIn(t *testing.T) {
	for _, src := range []string{"", "\xff\xfe", "a: [", strings.Repeat("# x\n", 1000), "tasks: {a: {run: echo}}\r\n\r\n"} {
		var out, errs bytes.Buffer
		Main([]string{"validate", "-", "--fix"}, strings.NewReader(src), &out, &errs)
		if out.String() != src {
			t.Errorf("%q comes out as %q", src, out.String())
		}
	}
	var out, errs bytes.Buffer
	code := Main([]string{"validate", "-", "--fix"}, strings.NewReader(strings.Repeat("x", 2<<20)), &out, &errs)
	if code != exitCannot || out.Len() > 0 || !strings.Contains(errs.String(), "cannot fix stdin: it is larger than 1 MiB") {
		t.Errorf("exit %d, %d bytes\n%s", code, out.Len(), errs.String())
	}
}

func TestServicesSeeFilesFromTheirRoot(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "sub", "a.yaml"), []byte(misspelt), 0o640))
	t.Chdir(filepath.Join(dir, "sub"))
	t.Setenv("GITHUB_WORKSPACE", dir)
	for format, want := range map[string]string{"github": "::error file=sub/a.yaml,line=1,", "sarif": `"uri": "sub/a.yaml"`, "oneline": "a.yaml:1:24: "} {
		var out bytes.Buffer
		if code := Main([]string{"validate", "a.yaml", "--format", format}, nil, &out, &out); code != exitProblems || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit %d, no %q in\n%s", format, code, want, out.String())
		}
	}
}

func TestCodesAreCompleted(t *testing.T) {
	for begun, want := range map[string]string{"R50": "R501\tA sensor without", "g20": "G201\tA task that does not exist"} {
		var out bytes.Buffer
		Main([]string{"__complete", "explain", begun}, nil, &out, &out)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is completed to\n%s", begun, out.String())
		}
	}
	var out bytes.Buffer
	Main([]string{"__complete", "validate", "--format", ""}, nil, &out, &out)
	if !strings.Contains(out.String(), "sarif\tSARIF 2.1.0") {
		t.Errorf("formats are completed to\n%s", out.String())
	}
}
