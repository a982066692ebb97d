package tests

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// canaryText stands in every file that lies outside the roots: whatever shows it has read one.
const canaryText = "CANARY-5f1c"

// A walled world is one whose DAGs lie in dags/, whose state lies in state/, and beside both a folder
// outside/ in which nothing may be read or written.
type walled struct {
	*world
	outside string
	before  map[string]string
}

func newWalled(t *testing.T) *walled {
	w := newWorld(t)
	f := &walled{world: w, outside: filepath.Join(w.dir, "outside")}
	w.write("outside/secret.txt", canaryText+"\n")
	w.write("outside/secret.py", "def main(*a):\n    return '"+canaryText+"'\n")
	w.write("outside/secret.yaml", "id: secret\ndescription: "+canaryText+"\ntasks: {a: {run: 'true'}}\n")
	w.write("outside/logs/r/a.1.log", canaryText+"\n")
	w.write("dags/plain.yaml", "id: plain\ntasks: {a: {run: echo said}}\n")
	if err := os.Symlink("../outside", filepath.Join(w.dir, "dags", "link")); err != nil {
		t.Fatal(err)
	}
	f.before = f.snapshot()
	return f
}

// snapshot holds each file of the world that lies neither in the state folder nor in dags/.
func (f *walled) snapshot() map[string]string {
	all := map[string]string{}
	for _, root := range []string{f.dir, f.outside} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == filepath.Join(f.dir, "state") || path == filepath.Join(f.dir, "dags") {
				return fs.SkipDir
			}
			if !d.IsDir() {
				b, _ := os.ReadFile(path)
				all[path] = string(b)
			} else {
				all[path] = "folder"
			}
			return nil
		})
	}
	return all
}

// fenced calls weft in dags/ under strace, where there is one, and holds it to the wall.
func (f *walled) fenced(args ...string) (out string, code int) {
	f.t.Helper()
	cmd := f.command(args...)
	cmd.Dir = filepath.Join(f.dir, "dags")
	trace := filepath.Join(f.t.TempDir(), "trace")
	if strace, err := exec.LookPath("strace"); err == nil {
		cmd.Args = append([]string{strace, "-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o", trace, binary}, args...)
		cmd.Path = strace
	}
	b, _ := cmd.CombinedOutput()
	out, code = string(b), cmd.ProcessState.ExitCode()
	if strings.Contains(out, canaryText) {
		f.t.Errorf("weft %.200q shows what lies outside:\n%s", args, out)
	}
	if strings.Contains(out, "goroutine ") {
		f.t.Errorf("weft %.200q shows a stack trace:\n%s", args, out)
	}
	if raw, err := os.ReadFile(trace); err == nil {
		for _, line := range strings.Split(string(raw), "\n") {
			if f.leadsOut(line) {
				f.t.Errorf("weft %.200q: %.500s", args, line)
			}
		}
	}
	return out, code
}

// opened are the calls that open, make, change or remove what a path names; to ask whether something
// is there is no opening.
var opened = regexp.MustCompile(`\b(open|openat|openat2|creat|mkdir|mkdirat|rmdir|unlink|unlinkat|rename|renameat|renameat2|link|linkat|symlink|symlinkat|truncate|chmod|fchmodat|chown|fchownat|utimensat|chdir)\(([^,"]*)`)

// quotedPath is a path as strace writes it.
var quotedPath = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// leadsOut tells whether a line of strace is a call that did open something outside. A path below an
// open folder (not AT_FDCWD) is one of os.Root, name by name, where `..` and links are not followed.
func (f *walled) leadsOut(line string) bool {
	call := opened.FindStringSubmatch(line)
	if call == nil || strings.Contains(line, "= -1 ") {
		return false
	}
	for _, quoted := range quotedPath.FindAllString(line, 2) {
		path, err := strconv.Unquote(quoted)
		if err != nil {
			continue // an escape of strace's own: the tree is compared as well
		}
		if !filepath.IsAbs(path) {
			if strings.HasPrefix(call[2], "AT_FDCWD") || call[2] == "" {
				path = filepath.Join(f.dir, "dags", path)
			} else if path != ".." && !strings.HasPrefix(path, "../") {
				continue
			}
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if rel, err := filepath.Rel(f.outside, path); err == nil && filepath.IsLocal(rel) || strings.HasPrefix(path, "..") {
			return true
		}
	}
	return false
}

// check compares what lies outside with what lay there.
func (f *walled) check() {
	f.t.Helper()
	after := f.snapshot()
	for path, was := range f.before {
		if after[path] != was {
			f.t.Errorf("%s was %q, and is %q", path, was, after[path])
		}
		delete(after, path)
	}
	for path := range after {
		f.t.Errorf("%s was made", path)
	}
}

// climbs are names that would lead out, were they used as paths without thought.
func (f *walled) climbs() []string {
	return []string{
		"../outside/secret.txt", "../../outside/secret.txt", "../../../outside/secret", "a/../../outside/secret.txt", "./../outside/secret.txt",
		"..", "../", ".", "/", "//", f.outside, f.outside + "/secret.txt", "link/secret.txt", "%2e%2e/outside/secret.txt", "..%2foutside%2fsecret.txt",
		`..\outside\secret.txt`, "../outside/logs/r/a", "....//outside", "../outside\n/secret.txt", "~/x", "-", "--", "file://" + f.outside + "/secret.txt",
		strings.Repeat("../", 60) + strings.TrimPrefix(f.outside, "/") + "/secret.txt", strings.Repeat("x", 5000), "..\ufeff/outside", "%",
	}
}

// TestNamesOnTheCommandLineLeadNowhere: ids of runs, tasks and DAGs are names, never paths.
func TestNamesOnTheCommandLineLeadNowhere(t *testing.T) {
	f := newWalled(t)
	if out, code := f.fenced("run", "plain.yaml", "--run-id", "r"); code != 0 {
		t.Fatal(out)
	}
	for i, name := range f.climbs() {
		calls := [][]string{
			{"run", "plain.yaml", "--run-id=" + name},
			{"logs", "--", name},
			{"logs", "r", "--", name},
			{"runs", "show", "--", name},
			{"explain", "r", "--", name},
			{"clear", "r", "--yes", "--task=" + name},
			{"mark", "r", "--", name, "success"},
			{"cancel", "--", name},
			{"runs", "resume", "--", name},
			{"runs", "--dag=" + name},
			{"run", "plain.yaml", "-p", name + "=x"},
			{"explain", "--", name, "a"},
		}
		// Each name by two of the calls, and each call by several names: all by all would take a minute.
		for _, k := range []int{i, i + 5} {
			args := calls[k%len(calls)]
			out, code := f.fenced(args...)
			listing := args[0] == "runs" && strings.HasPrefix(args[1], "--dag") // an empty list is right
			if !listing && (code == 0 || !strings.Contains(out, "error: cannot ")) {
				t.Errorf("weft %q: exit %d\n%s", args, code, out)
			}
		}
	}
	f.check()
}

// TestIDsInFilesLeadNowhere: a DAG file cannot name what would lie elsewhere.
func TestIDsInFilesLeadNowhere(t *testing.T) {
	f := newWalled(t)
	for _, name := range f.climbs() {
		quoted := fmt.Sprintf("%q", name)
		for file, src := range map[string]string{
			"dag":      "id: " + quoted + "\ntasks: {a: {run: 'true'}}\n",
			"task":     "id: x\ntasks: {" + quoted + ": {run: 'true'}}\n",
			"callback": "id: x2\ntasks: {a: {run: 'true'}}\non_success: {" + quoted + ": {run: 'true'}}\n",
			"param":    "id: x3\nparams: {" + quoted + ": {type: string, default: x}}\ntasks: {a: {run: 'true'}}\n",
			"output":   "id: x4\ntasks: {a: {run: 'true', outputs: {" + quoted + ": string}}}\n",
			"variable": "id: x5\nenv: {" + quoted + ": x}\ntasks: {a: {run: 'true'}}\n",
			"needs":    "id: x6\ntasks: {a: {run: 'true', needs: " + quoted + "}}\n",
		} {
			f.write("dags/ids/"+file+".yaml", src)
		}
		res := f.run("validate", filepath.Join(f.dir, "dags", "ids"))
		if strings.Contains(res.out+res.stderr, canaryText) {
			t.Errorf("%.100q shows what lies outside", name)
		}
		for _, file := range []string{"dag", "task", "callback", "needs"} {
			if res.code != 1 || !strings.Contains(res.out, file+".yaml:") {
				t.Errorf("%.100q as the name of a %s: exit %d\n%s", name, file, res.code, res.out)
			}
		}
	}
	f.check()
}

// TestTheWallSeesWhoLeadsOut: the check of strace's lines itself.
func TestTheWallSeesWhoLeadsOut(t *testing.T) {
	f := newWalled(t)
	for line, out := range map[string]bool{
		`1 openat(AT_FDCWD, "../outside/secret.txt", O_RDONLY) = 3`:                 true,
		`1 openat(AT_FDCWD, "` + f.outside + `/new", O_RDWR|O_CREAT, 0600) = 3`:     true,
		`1 openat(AT_FDCWD, "link/secret.txt", O_RDONLY) = 3`:                       true,
		`1 rename("a", "../outside/b") = 0`:                                         true,
		`1 openat(7, "../outside/secret.txt", O_RDONLY) = 8`:                        true,
		`1 openat(AT_FDCWD, "../outside/secret.txt", O_RDONLY) = -1 ENOENT (no)`:    false,
		`1 newfstatat(AT_FDCWD, "../outside/secret.txt", {st_mode=S_IFREG}, 0) = 0`: false,
		`1 openat(AT_FDCWD, "..%2foutside%2fsecret.txt", O_RDONLY) = 3`:             false,
		`1 openat(7, "link", O_RDONLY|O_NOFOLLOW) = 8`:                              false,
	} {
		if f.leadsOut(line) != out {
			t.Errorf("%s: leads out %v, want %v", line, !out, out)
		}
	}
}

// TestNamesFromDataLeadNowhere: what params and outputs name lies below the roots, or the task fails.
func TestNamesFromDataLeadNowhere(t *testing.T) {
	f := newWalled(t)
	f.write("dags/paths.yaml", `
id: paths
params: {names: {type: array}}
tasks:
  names: {uses: noop, with: {output: "${{ params.names }}"}}
  object: {uses: s3.put, with: {uri: "s3://000000000000-us-east-1-data/x", body: x}}
  file:
    for_each: ${{ tasks.names.output }}
    when: not (item startsWith "link/")
    uses: python
    with: {file: "${{ item }}"}
  requirements:
    for_each: ${{ tasks.names.output }}
    when: not (item startsWith "link/")
    uses: python
    with: {code: "def main(): return open('x')", requirements: "${{ item }}"}
  callable: {for_each: "${{ tasks.names.output }}", uses: python, with: {callable: "${{ item }}:main"}}
  workdir: {for_each: "${{ tasks.names.output }}", when: 'not (item == "." or item == "-" or item == "--" or item == "/" or item == "//")', workdir: "sub/${{ item }}", run: 'cat secret.txt; touch made'}
  head: {for_each: "${{ tasks.names.output }}", uses: file.head, with: {path: "sub/${{ item }}"}}
  get: {needs: object, for_each: "${{ tasks.names.output }}", uses: s3.get, with: {uri: "s3://000000000000-us-east-1-data/x", to: "${{ item }}"}}
  put: {for_each: "${{ tasks.names.output }}", uses: s3.put, with: {uri: "s3://000000000000-us-east-1-data/from", file: "${{ item }}"}}
  key: {for_each: "${{ tasks.names.output }}", uses: s3.put, with: {uri: "s3://000000000000-us-east-1-data/${{ item }}", body: x}}
  bucket: {for_each: "${{ tasks.names.output }}", uses: s3.put, with: {uri: "s3://${{ item }}/x", body: x}}
`)
	names := f.climbs()
	out, _ := f.fenced("run", "paths.yaml", "--run-id", "r", "--sandbox", "--json", "-p", "names:="+asJSON(t, names))
	sum := f.last(out)
	for _, task := range []string{"file", "requirements", "callable", "workdir", "put"} {
		for _, in := range sum.Tasks[task].Instances {
			if in.State == "success" {
				t.Errorf("%s takes %q", task, names[in.Index])
			}
		}
		if n := len(sum.Tasks[task].Instances); n != len(names) {
			t.Errorf("%s has %d instances", task, n)
		}
	}
	for _, in := range sum.Tasks["get"].Instances { // below the scratch folder any name may be a file's
		if name := names[in.Index]; in.State == "success" && !filepath.IsLocal(name) {
			t.Errorf("get writes to %q", name)
		}
	}
	for _, in := range sum.Tasks["head"].Instances {
		if in.State == "success" && strings.Contains("/"+names[in.Index]+"/", "/../") {
			t.Errorf("head looks at %q", names[in.Index])
		}
	}
	f.check()
}
