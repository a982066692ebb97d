package spec

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// scripts are pieces of shell with `@` for an expression of text and `#n` for one that is declared
// an integer, and what they become.
var scripts = []struct{ name, script, want string }{
	{"a word", `echo @`, `echo "${WEFT_X1}"`},
	{"part of a word", `echo a@b`, `echo a"${WEFT_X1}"b`},
	{"in double quotes", `echo "a @ b"`, `echo "a ${WEFT_X1} b"`},
	{"an assignment", `x=@ y="@"`, `x="${WEFT_X1}" y="${WEFT_X2}"`},
	{"an array", `x=(@ "@")`, `x=("${WEFT_X1}" "${WEFT_X2}")`},
	{"a here-document", "cat <<E\na '@' \"b\"\nE\n", "cat <<E\na '${WEFT_X1}' \"b\"\nE\n"},
	{"a here-document without its tabs", "cat <<-E\n\t@\n\tE\n", "cat <<-E\n\t${WEFT_X1}\n\tE\n"},
	{"a here-string", `cat <<<@`, `cat <<<"${WEFT_X1}"`},
	{"a redirection", `echo >@`, `echo >"${WEFT_X1}"`},
	{"arithmetic", `echo $((#n+1)); ((x=#n))`, `echo $((${WEFT_X1}+1)); ((x=${WEFT_X2}))`},
	{"a number's comparison", `[ $x -eq #n ] && [[ #n -lt 3 ]]`, `[ $x -eq ${WEFT_X1} ] && [[ ${WEFT_X2} -lt 3 ]]`},
	{"a text's comparison", `[[ $x == @* ]]`, `[[ $x == "${WEFT_X1}"* ]]`},
	{"a pattern", `case $x in @) ;; esac`, `case $x in "${WEFT_X1}") ;; esac`},
	{"a default", `echo ${x:-@} "${x:-@}"`, `echo ${x:-"${WEFT_X1}"} "${x:-${WEFT_X2}}"`},
	{"a pattern cut off", `echo "${x%@}" "${x/@/@}"`, `echo "${x%"${WEFT_X1}"}" "${x/"${WEFT_X2}"/"${WEFT_X3}"}"`},
	{"a substitution in quotes", `echo "$(echo @)" "$(echo "@")"`, `echo "$(echo "${WEFT_X1}")" "$(echo "${WEFT_X2}")"`},
	{"a command", `@ --version`, `"${WEFT_X1}" --version`},
	{"in a function", "f() { echo @; }\nf", "f() { echo \"${WEFT_X1}\"; }\nf"},
	{"a loop", `for x in @; do echo "$x"; done`, `for x in "${WEFT_X1}"; do echo "$x"; done`},
	{"a comment", "echo x # not @\necho @", "echo x # not @\necho \"${WEFT_X1}\""},
	{"an apostrophe in quotes", `echo "it's @"`, `echo "it's ${WEFT_X1}"`},
	{"a dollar before", `echo "\$@"`, `echo "\$${WEFT_X1}"`},
	{"wide characters before", `echo "äöü€😀" @`, `echo "äöü€😀" "${WEFT_X1}"`},
	{"two in one word", `echo @@`, `echo "${WEFT_X1}""${WEFT_X2}"`},
	{"a process substitution", `cat <(echo @)`, `cat <(echo "${WEFT_X1}")`},
}

// parsed reads a DAG with one of those scripts.
func parsed(script string) (*DAG, []Diagnostic) {
	text := strings.NewReplacer("@", "${{ params.s }}", "#n", "${{ params.n }}").Replace(script)
	quoted, _ := json.Marshal(text)
	src := "params: {s: {type: string, default: x}, n: {type: integer, default: 1}}\ntasks:\n  a: {run: " + string(quoted) + "}\n"
	return Parse("s.yaml", []byte(src), online())
}

func compiled(t *testing.T, script string) (run string, env map[string]string) {
	t.Helper()
	d, found := parsed(script)
	for _, f := range found {
		if f.Code != rParam {
			t.Fatal(show(found))
		}
	}
	plan, err := d.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var with struct{ Run string }
	if err := json.Unmarshal(plan.Tasks[0].With, &with); err != nil {
		t.Fatal(err)
	}
	env = map[string]string{}
	for _, v := range plan.Tasks[0].ScriptEnv {
		env[v.Name] = v.Value
	}
	return with.Run, env
}

func TestScriptsGetReferences(t *testing.T) {
	for _, row := range scripts {
		t.Run(row.name, func(t *testing.T) {
			got, _ := compiled(t, row.script)
			want := strings.ReplaceAll(row.want, "not @", "not ${{ '${{' }} params.s }}")
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// hostile values, each of which would do something if a shell parsed it.
var hostile = []string{
	`x`, ``, `a b  c`, `$(touch canary)`, "`touch canary`", `"; touch canary; "`, `'; touch canary; '`, `\`, `$HOME`, "a\nb", `*`, `?`, `~`,
	`-n`, `${IFS}`, `!!`, `a"b'c`, `x]; touch canary`, `a[$(touch canary)]`, "ä\t€", `#`, `}`, `)`, "E\ntouch canary",
}

// TestValuesArriveAsTheyAre runs rewritten scripts in the real shell: bytes received = bytes sent.
func TestValuesArriveAsTheyAre(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	for _, row := range []struct{ name, script string }{
		{"a word", `printf %s @`},
		{"in quotes", `printf %s "@"`},
		{"an assignment", `x=@; printf %s "$x"`},
		{"a default", `printf %s "${unset:-@}"`},
		{"a bare default", `printf %s ${unset:-@}`},
		{"an array", `x=(@); printf %s "${x[0]}"`},
		{"a substitution", `printf %s "$(printf %sX @)" | sed '$ s/X$//' | tr -d '\0'`},
		{"a here-document", "x=$(cat <<E\n@X\nE\n); printf %s \"${x%X}\""},
		{"a loop", `for x in @; do printf %s "$x"; done`},
		{"an argument of sh -c", `sh -c 'printf %s "$1"' sh @`},
		{"a pattern that matches itself", `case @ in @) printf %s @ ;; esac`},
		{"a test", `[[ @ == @ ]] && printf %s @`},
		{"what a pattern leaves", `x="pre"@; printf %s "${x#pre}"`},
	} {
		run, env := compiled(t, row.script)
		for _, value := range hostile {
			dir := t.TempDir()
			cmd := exec.Command(bash, "-c", run)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nowhere"}
			for name := range env {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != value {
				t.Errorf("%s: sent %q, received %q (%v)\n%s", row.name, value, out, err, run)
			}
			if files, _ := os.ReadDir(dir); len(files) > 0 {
				t.Errorf("%s: %q was carried out", row.name, value)
			}
		}
	}
}
