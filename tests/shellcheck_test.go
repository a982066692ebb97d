package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// linted runs weft validate --shellcheck; a machine without the program passes it by, CI does not.
func (w *world) linted(args ...string) result {
	w.t.Helper()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		if os.Getenv("WEFT_CHECK") != "" {
			w.t.Fatal("shellcheck is not installed")
		}
		w.t.Skip("shellcheck is not installed")
	}
	return w.run(append([]string{"validate", "--shellcheck", "--format", "oneline"}, args...)...)
}

// TestShellcheckFindsItsPlaces: what it says of a script stands at the script's place in the file,
// however the script is written there.
func TestShellcheckFindsItsPlaces(t *testing.T) {
	w := newWorld(t)
	file := w.write("places.yaml", `id: places
params:
  day: {type: string, default: "x"}
env: {region: eu}
tasks:
  plain: {run: echo $HOME}
  double:
    run: "echo \"\u00e9\"\
      \u0020$HOME"
  single: {run: 'echo ''é'' $HOME'}
  literal:
    run: |
      cd "$WEFT_TMPDIR"
      for day in ${{ params.day }}; do
        echo "漢字 ${{ params.day }}" ${{ params.day }} $HOME "$region" "$day"
      done
  folded:
    run: >-
      echo one
      $HOME
  posix:
    shell: sh
    run: |
      [[ -d /tmp ]]
  own:
    shell: [bash, "{0}"]
    run: |
      cd /tmp
  disabled:
    run: |
      # shellcheck disable=SC2086
      echo $HOME
  ignored:
    run: |
      echo $HOME # weft: ignore[X609] the words are meant to be split
`)
	res := w.linted(file)
	var got []string
	for line := range strings.Lines(res.out) {
		place, message, _ := strings.Cut(line[strings.Index(line, ".yaml:")+1:], ": ")
		got = append(got, strings.TrimSpace(strings.TrimPrefix(place, "yaml:")+" "+message))
	}
	quote := " info[X609]: double quote to prevent globbing and word splitting"
	want := []string{
		"6:21" + quote, "9:13" + quote, "10:29" + quote, "15:55" + quote, "20:7" + quote,
		"24:7 warning[X609]: in POSIX sh, [[ ]] is undefined",
		"28:7 warning[X609]: use 'cd ... || exit' or 'cd ... || return' in case cd fails",
	}
	for i, line := range want {
		if i >= len(got) || got[i] != line {
			t.Fatalf("found\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), res.stderr)
		}
	}
	if rest := strings.Join(got[len(want):], " "); res.code != 0 || !strings.HasSuffix(rest, "(scripts by shellcheck too)") || len(got) != len(want)+1 {
		t.Errorf("exit %d, and then it says %s", res.code, rest)
	}
}

// TestShellcheckIsSilentAboutTheExamples: every file of dags/, and every whole block of the pages.
func TestShellcheckIsSilentAboutTheExamples(t *testing.T) {
	w := newWorld(t)
	dags, err := filepath.Abs("../dags")
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{dags}
	for _, x := range examples(t) {
		w.stands(x.text)
		paths = append(paths, w.write(strings.ReplaceAll(x.page, "/", "-")+"-"+strings.Repeat("i", len(paths))+".yaml", x.text))
	}
	if len(paths) < 12 {
		t.Fatalf("only %d examples", len(paths))
	}
	res := w.linted(append([]string{"--strict"}, paths...)...)
	for line := range strings.Lines(res.out) {
		if strings.Contains(line, "[X609]") {
			t.Error(line)
		}
	}
	if !strings.Contains(res.out, "(scripts by shellcheck too)") {
		t.Errorf("it was not asked: %s%s", res.out, res.stderr)
	}
}

// Each row is what a machine and its settings have, and what validate says of a script that shellcheck
// would have a word for. Nothing of it fails.
func TestWithAndWithoutShellcheck(t *testing.T) {
	const broken, fine = "#!/bin/sh\necho oh no >&2; exit 3\n", `#!/bin/sh
echo '{"comments":[{"file":"0","line":2,"column":6,"endLine":2,"endColumn":11,"level":"error","code":2086,"message":"Quote it."}]}'; exit 1
`
	const finding = "a.yaml:1:23: warning[X609]: quote it\n1 warning in 1 file (scripts by shellcheck too)\n"
	for _, c := range []struct {
		what, program, setting string
		args                   []string
		out, stderr            string
	}{
		{"it is there: it is asked", fine, "auto", nil, finding, ""},
		{"and asked for", fine, "on", nil, finding, ""},
		{"and not wanted", fine, "off", nil, "1 file checked, no problems\n", ""},
		{"the flag is stronger", fine, "off", []string{"--shellcheck"}, finding, ""},
		{"either way", fine, "on", []string{"--shellcheck=off"}, "1 file checked, no problems\n", ""},
		{"it is not there: nobody misses it", "", "auto", nil, "1 file checked, no problems\n", ""},
		{"unless it is asked for", "", "on", nil, "1 file checked, no problems\n", "note: shellcheck is not installed, so scripts were only parsed"},
		{"it is broken", broken, "auto", nil, "1 file checked, no problems (shellcheck failed)\n", "note: shellcheck was not asked about scripts: "},
		{"and asked for", broken, "on", nil, "1 file checked, no problems (shellcheck failed)\n", "exit status 3 (oh no)"},
	} {
		w := newWorld(t)
		w.write("a.yaml", "tasks: {a: {run: echo $HOME}}\n")
		if c.program != "" {
			if err := os.Chmod(w.write("bin/shellcheck", c.program), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := w.command(append([]string{"validate", "a.yaml", "--format", "oneline"}, c.args...)...)
		cmd.Env = append(cmd.Env, "PATH="+filepath.Join(w.dir, "bin"), "WEFT_SHELLCHECK="+c.setting)
		var out, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &stderr
		if err := cmd.Run(); err != nil || out.String() != c.out || c.stderr == "" && stderr.String() != "" || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: %v\n%s%s\nwant\n%s%s", c.what, err, out.String(), stderr.String(), c.out, c.stderr)
		}
	}
}
