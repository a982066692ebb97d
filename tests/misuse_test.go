package tests

import (
	"database/sql"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A misuse is a task as a person writes it, and what the person is told. Many go into one run:
// each is a task of its own that nobody waits for.
type misuse struct {
	id   string
	task string // its YAML: lines below the id, or one line in braces
	kind string // of the failure; "success" and "skipped" are states
	says string // the reason; of a success the output; <…> stands for any text
}

// make writes a DAG with one task a misuse and runs it. Each reason must be what its row says, word
// for word after replacing the pairs ($DIR is the world's folder); nothing may be left over.
func (w *world) make(head string, rows []misuse, pairs ...string) (summary, result) {
	w.t.Helper()
	r := strings.NewReplacer(append(pairs, "$DIR", w.dir)...)
	text := head + "\ntasks:\n"
	for _, m := range rows {
		body := r.Replace(m.task)
		if strings.HasPrefix(body, "{") {
			body = " " + body
		} else {
			body = "\n    " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ")
		}
		text += "  " + m.id + ":" + body + "\n"
	}
	sum, res := w.runJSON(w.write("misuses.yaml", text))
	kinds := w.kinds()
	for _, m := range rows {
		task := sum.Tasks[m.id]
		kind, said := kinds[m.id], task.Reason
		if kind == "" {
			kind = task.State
		}
		if task.State == "success" {
			said = string(task.Output)
		}
		if want := r.Replace(m.says); kind != m.kind || !fits(said, want) {
			w.t.Errorf("%s:\n got %s: %s\nwant %s: %s", m.id, kind, said, m.kind, want)
		}
	}
	w.nothingLeft()
	return sum, res
}

// kinds reads from the journal of what kind each task's failure is: it is what retries go by, and no
// report shows it.
func (w *world) kinds() map[string]string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "state", "weft.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT event FROM events ORDER BY n`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	kinds := map[string]string{}
	for rows.Next() {
		var text string
		var event struct{ Task, Kind string }
		if err := rows.Scan(&text); err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			w.t.Fatalf("%v: %.200s", err, text)
		}
		if event.Kind != "" {
			kinds[event.Task] = event.Kind
		}
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return kinds
}

// fits compares a text with one in which <…> stands for anything.
func fits(text, want string) bool {
	parts := strings.Split(want, "<…>")
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1:] {
		_, after, found := strings.Cut(rest, part)
		ok, rest = ok && found, after
		if part == "" {
			rest = ""
		}
	}
	return ok && rest == ""
}

// nothingLeft: no process of the world, no scratch folder, no half of a file or an environment.
func (w *world) nothingLeft() {
	w.t.Helper()
	if left := survivors(w.dir); len(left) > 0 {
		w.t.Errorf("survivors: %v", left)
	}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		if err == nil && (strings.HasSuffix(name, ".part") || strings.Contains(name, ".aside-") || filepath.Dir(path) == filepath.Join(w.dir, "state", "tmp")) {
			w.t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		w.t.Error(err)
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		text, want string
		fits       bool
	}{
		{"abc", "abc", true},
		{"abc", "ab", false},
		{"abc", "a<…>c", true},
		{"abc", "a<…>", true},
		{"abc", "<…>b", false},
		{"abc", "<…>", true},
		{"abc", "b<…>", false},
		{"ab", "a<…>b<…>c", false},
	} {
		if fits(c.text, c.want) != c.fits {
			t.Errorf("%q and %q: %t", c.text, c.want, !c.fits)
		}
	}
}

// TestWhatThePersonSees is the end of what is printed, and what explain and the log add to it.
func TestWhatThePersonSees(t *testing.T) {
	w := newWorld(t)
	file := w.write("rows.yaml", "id: rows\ntasks:\n  count:\n    uses: python\n    with:\n      code: |\n        x = 1\n        def main(:\n          pass\n  publish: {needs: count, run: 'true'}\n")
	res := w.run("run", file, "--run-id", "r")
	want := `
✗ count: SyntaxError: invalid syntax (code, line 2)
  │   File "<code>", line 2
  │     def main(:
  │              ^
  │ SyntaxError: invalid syntax

failed  rows  r  in <…>  1 failed, 1 not reached
  publish upstream_failed
  weft logs r count
  weft explain r count
  weft retry r
`
	if res.code != 1 || !fits(res.out, "<…>"+want) {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
	res = w.run("explain", "r", "count")
	if want := "count is failed: SyntaxError: invalid syntax (code, line 2)\n<…>"; res.code != 0 || !fits(res.out, want) {
		t.Errorf("exit %d\n%s%s", res.code, res.out, res.stderr)
	}
}
