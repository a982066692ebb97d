package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weft/s3sync"
	"weft/spec"
)

// A bench is a folder of DAGs and a catalog that follows it.
type bench struct {
	*testing.T
	dir, home string
	*Catalog
	parsed int
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, dir: t.TempDir(), home: t.TempDir()}
	b.restart()
	return b
}

// restart forgets all that is in memory.
func (b *bench) restart() {
	bundles := s3sync.Bundles{Dir: filepath.Join(b.home, "bundles")}
	var mu sync.Mutex
	b.Catalog = &Catalog{
		Source:  &Folder{Dir: b.dir, Bundles: bundles, Show: func(path string) string { return strings.TrimPrefix(path, b.dir+"/") }},
		Bundles: bundles, Memory: filepath.Join(b.home, "good.json"),
		Checker: &Checker{
			Memory: filepath.Join(b.home, "verdicts.json"),
			Parse: func(name string, src []byte, exists func(string) bool) (*spec.DAG, []spec.Diagnostic) {
				mu.Lock()
				b.parsed++
				mu.Unlock()
				return spec.Parse(name, src, spec.Options{FileExists: exists})
			},
		},
	}
}

func (b *bench) write(name, text string) {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) remove(name string) {
	b.Helper()
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
		b.Fatal(err)
	}
}

// shows refreshes and compares: each DAG in force with what it would say, a ! where its version is not the
// newest.
func (b *bench) shows(when, want string) {
	b.Helper()
	if _, err := b.Refresh(b.Context()); err != nil {
		b.Fatalf("%s: %v", when, err)
	}
	var got []string
	for _, id := range b.Now().IDs() {
		e := b.Now().Entries[id]
		dag, ds, _, err := b.Load(e)
		if err != nil || dag == nil || len(ds) > 0 {
			b.Fatalf("%s: %s cannot be loaded: %v %v", when, id, err, ds)
		}
		plan, err := dag.Plan()
		if err != nil {
			b.Fatal(err)
		}
		stale := ""
		if e.Stale {
			stale = "!"
		}
		got = append(got, fmt.Sprintf("%s=%s%s", id, plan.Description, stale))
	}
	if s := strings.Join(got, " "); s != want {
		b.Errorf("%s: %s\nnot %s", when, s, want)
	}
}

func dag(id, says string) string {
	return fmt.Sprintf("id: %s\ndescription: %s\ntasks: {a: {run: echo}}\n", id, says)
}

// TestOneBadFileStopsNobody is law L7: a broken file is listed, its DAG stays as it last was good, over
// restarts too; what is gone is gone.
func TestOneBadFileStopsNobody(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", dag("a", "1"))
	b.write("team/b.yaml", dag("b", "1"))
	b.shows("at first", "a=1 b=1")
	b.write("a.yaml", dag("a", "2"))
	b.write("team/b.yaml", "id: b\ntasks: {a: {runs: echo}}\n")
	b.shows("b is broken, a goes on", "a=2 b=1!")
	if d := b.Now().Diagnostics(); len(d) != 1 || d[0].File != "team/b.yaml" || d[0].Line != 2 {
		t.Errorf("what is wrong: %v", d)
	}
	b.write("team/b.yaml", "]")
	b.shows("b is no YAML", "a=2 b=1!")
	b.restart()
	b.shows("after a restart", "a=2 b=1!")
	b.write("c.yaml", dag("a", "3"))
	b.shows("another file has the id a", "a=2! b=1!")
	b.remove("c.yaml")
	b.shows("and is gone again", "a=2 b=1!")
	b.write("team/b.yaml", dag("b", "4"))
	b.shows("b is mended", "a=2 b=4")
	b.remove("team/b.yaml")
	b.shows("b is removed", "a=2")
	b.write("_draft.yaml", "]")
	b.write(".hidden.yaml", "]")
	b.write("a.test.yaml", "]")
	b.write("weft.yaml", "]")
	b.write("ignored.yaml", "]")
	b.write(".weftignore", "ignored.*\n")
	b.shows("what is no DAG", "a=2")
}

// TestWhatCannotBePartOfASetStopsNobody: a name that no key can be, names that differ in case alone, a file and a
// folder that must not be read. They are told of, and the DAGs beside them go on; of one that became so, the last good
// version.
func TestWhatCannotBePartOfASetStopsNobody(t *testing.T) {
	b := newBench(t)
	b.write("a.yaml", dag("a", "1"))
	b.write("b.yaml", dag("b", "1"))
	b.write("team/c.yaml", dag("c", "1"))
	b.shows("at first", "a=1 b=1 c=1")
	b.write("two\nlines.yaml", dag("d", "1"))
	b.write("B.yaml", dag("e", "1"))
	b.write("a.yaml", dag("a", "2"))
	b.shows("bad names", "a=2 b=1! c=1 e=1")
	var left []string
	for _, n := range b.Now().LeftOut {
		left = append(left, n.Text)
	}
	if got := strings.Join(left, "; "); !strings.Contains(got, "B.yaml in case alone") || !strings.Contains(got, "a control character") || len(left) != 2 {
		t.Errorf("left out: %s", got)
	}
	b.remove("B.yaml")
	b.remove("two\nlines.yaml")
	b.shows("they are gone", "a=2 b=1 c=1")
	if len(b.Now().LeftOut) > 0 {
		t.Errorf("left out still: %v", b.Now().LeftOut)
	}
	if os.Geteuid() == 0 {
		t.Log("root may read all: what must not be read is not tried")
		return
	}
	for _, path := range []string{"b.yaml", "team"} {
		if err := os.Chmod(filepath.Join(b.dir, path), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(b.dir, path), 0o755)
	}
	b.shows("what must not be read", "a=2 b=1! c=1!")
}

// TestVersions: a version is the DAG's file and its folder's files; those of other folders do not count.
func TestVersions(t *testing.T) {
	b := newBench(t)
	b.write("one/a.yaml", dag("a", "1"))
	b.write("one/deep/x.sql", "1")
	b.write("two/b.yaml", dag("b", "1"))
	b.write("two/c.yaml", dag("c", "1"))
	versions := func() string {
		t.Helper()
		if _, err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, id := range b.Now().IDs() {
			out = append(out, b.Now().Entries[id].Version)
		}
		return strings.Join(out, " ")
	}
	first := strings.Fields(versions())
	if first[1] == first[2] {
		t.Error("two DAGs of a folder have one version")
	}
	for _, c := range []struct{ file, changes string }{
		{"one/deep/x.sql", "a"},
		{"two/new.sql", "bc"},
		{"three/x", ""},
		{"one/a.yaml", "a"},
	} {
		before := strings.Fields(versions())
		b.write(c.file, "id: a\ntasks: {a: {run: echo "+c.changes+"}}\n")
		after, changed := strings.Fields(versions()), ""
		for i, id := range []string{"a", "b", "c"} {
			if before[i] != after[i] {
				changed += id
			}
		}
		if changed != c.changes {
			t.Errorf("%s changes the versions of %q, not %q", c.file, changed, c.changes)
		}
	}
}

// TestVerdictsAreRemembered: a file is parsed again only if it, or what it asked about, has changed.
func TestVerdictsAreRemembered(t *testing.T) {
	b := newBench(t)
	for i := range 20 {
		b.write(fmt.Sprintf("%d.yaml", i), dag(fmt.Sprintf("d%d", i), "x"))
	}
	b.write("script.yaml", "id: script\ntasks: {a: {run: ./there.sh}}\n")
	parsed := func(when string, want int) {
		t.Helper()
		b.parsed = 0
		if _, err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b.parsed != want {
			t.Errorf("%s: %d files were parsed, not %d", when, b.parsed, want)
		}
	}
	parsed("at first", 21)
	parsed("nothing has changed", 0)
	b.restart()
	parsed("after a restart", 0)
	b.write("3.yaml", dag("d3", "y"))
	parsed("one has changed", 1)
	b.write("beside.sql", "x")
	parsed("something that nobody asked about", 0)
	if d := b.Now().Diagnostics(); len(d) != 1 {
		t.Fatalf("the script is missing: %v", d)
	}
	b.write("there.sh", "x")
	parsed("the script has come", 1)
	if d := b.Now().Diagnostics(); len(d) != 0 {
		t.Errorf("the script is there: %v", d)
	}
	if err := os.WriteFile(b.Checker.Memory, []byte("{garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.restart()
	parsed("the memory is damaged", 21)
	b.Checker.Rules = "of another weft"
	b.Checker.known = nil
	b.restart()
	b.Checker.Rules = "of another weft"
	parsed("another weft", 21)
}

// TestSwapsAtOnce: who reads while sets change sees all of one.
func TestSwapsAtOnce(t *testing.T) {
	b := newBench(t)
	set := func(n int) {
		for _, id := range []string{"a", "b", "c"} {
			b.write(id+".yaml", dag(id, fmt.Sprint(n)))
		}
	}
	set(0)
	b.shows("at first", "a=0 b=0 c=0")
	var reading sync.WaitGroup
	over := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				s := b.Now()
				for _, e := range s.Entries {
					if e.Set != s.Set {
						t.Errorf("%s is of another set", e.ID)
						return
					}
				}
			}
		})
	}
	for n := range 20 {
		set(n + 1)
		b.shows("again", fmt.Sprintf("a=%d b=%d c=%d", n+1, n+1, n+1))
	}
	close(over)
	reading.Wait()
}
