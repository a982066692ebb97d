package s3sync

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestIgnoreAsGitDoes holds .weftignore against git itself: what git check-ignore says of each file of
// a tree, with the same text as .gitignore.
func TestIgnoreAsGitDoes(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git to compare with")
	}
	tree := []string{
		"a.yaml", "b.sql", "b.tmp", "keep.tmp", "#hash", "!bang", "trail ", "x{1}.csv", "data/a.csv", "data/deep/er/a.csv", "data/keep.csv",
		"sub/data/a.csv", "sub/b.tmp", "foo/bar", "foo/x/bar", "foo/x/y/bar", "build/out", "sub/build", "sub/other/build/x", "é.txt", "docs/a/b/c.md",
	}
	for name, rules := range map[string]string{
		"a name anywhere":                 "b.tmp\n",
		"a star":                          "*.tmp\n",
		"taken back":                      "*.tmp\n!keep.tmp\n",
		"taken back, and out again":       "*.tmp\n!*.tmp\nb.tmp\n",
		"at the top alone":                "/b.tmp\n",
		"a folder":                        "build/\n",
		"a folder at the top":             "/build/\n",
		"a folder, a file of it not":      "data/\n!data/keep.csv\n",
		"all in a folder, but for a file": "data/*\n!data/keep.csv\n",
		"a path is anchored":              "data/a.csv\n",
		"any depth before":                "**/a.csv\n",
		"any depth between":               "foo/**/bar\n",
		"any depth behind":                "docs/**\n",
		"any depth, but a file is kept":   "data/**\n!data/keep.csv\n",
		"comments and blanks":             "# b.tmp\n\n\\#hash\n\\!bang\n",
		"blanks at the end":               "b.tmp   \ntrail\\ \n",
		"braces are characters":           "x{1}.csv\n{a,b}.yaml\n",
		"a class":                         "[ab].*\n",
		"a class that is not":             "[!aé].*\n",
		"one character":                   "?.sql\n",
		"a star is no slash":              "sub/*/a.csv\nfoo/*\n!foo/x\n",
		"windows":                         "b.tmp\r\n*.csv\r\n",
		"everything, but one":             "*\n!a.yaml\n",
		"not ASCII":                       "é.*\n",
		"no pattern at all":               "[\nb.tmp\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range tree {
				write(t, dir, f, "x")
			}
			write(t, dir, ".gitignore", rules)
			if out, err := exec.Command(git, "-C", dir, "init", "-q").CombinedOutput(); err != nil {
				t.Fatalf("git init: %v\n%s", err, out)
			}
			cmd := exec.Command(git, "-c", "core.quotePath=false", "-C", dir, "check-ignore", "--no-index", "-z", "--stdin")
			cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
			cmd.Stdin = strings.NewReader(strings.Join(tree, "\x00") + "\x00")
			out, err := cmd.Output()
			if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
				t.Fatal(err)
			}
			want := map[string]bool{}
			for f := range strings.SplitSeq(string(out), "\x00") {
				want[f] = true
			}
			if err := os.Rename(filepath.Join(dir, ".gitignore"), filepath.Join(dir, IgnoreFile)); err != nil {
				t.Fatal(err)
			}
			got, err := Scan(t.Context(), dir, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range tree {
				if _, published := find(got.Files, f); published == want[f] {
					t.Errorf("%s: published %v, git ignores it: %v", f, published, want[f])
				}
			}
		})
	}
}

// TestIgnoreFilesBelow: a folder's own rules hold for it and below, after those above.
func TestIgnoreFilesBelow(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a.tmp", "sub/a.tmp", "sub/b.csv", "sub/deep/b.csv", "other/b.csv", ".env", "sub/.env", ".env.example", "__pycache__/x.pyc", "sub/__pycache__/x.pyc", "state/weft.db"} {
		write(t, dir, f, "x")
	}
	write(t, dir, IgnoreFile, "*.tmp\n!.env.example\n")
	write(t, dir, "sub/"+IgnoreFile, "!a.tmp\n/b.csv\n")
	got, err := Scan(t.Context(), dir, filepath.Join(dir, "state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := ".env.example .weftignore other/b.csv sub/.weftignore sub/a.tmp sub/deep/b.csv"
	if paths := strings.Join(pathsOf(got.Files), " "); paths != want {
		t.Errorf("published: %s\nnot %s", paths, want)
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
