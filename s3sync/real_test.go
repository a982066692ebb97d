package s3sync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/awsconf"
	"weft/tests/s3server"
)

// at is a place on a server, seen by a session with these further variables.
func at(t testing.TB, s *s3server.Server, prefix string, vars ...string) Place {
	t.Helper()
	session, err := awsconf.For(t.Context(), append(s.Env(), vars...))
	if err != nil {
		t.Fatal(err)
	}
	p, err := At(session, "s3://acme/"+prefix)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publish publishes a folder.
func publish(t testing.TB, p Place, dir string, o Options) (Result, error) {
	t.Helper()
	tree, err := Scan(t.Context(), dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(t.Context(), tree, o)
	if err != nil {
		return Result{}, err
	}
	return plan.Carry(t.Context())
}

func mustPublish(t testing.TB, p Place, dir string) Result {
	t.Helper()
	res, err := publish(t, p, dir, Options{By: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// content is what a folder holds: "path=text" of each file, but for hidden ones; (x) marks those that
// may be executed.
func contentOf(t testing.TB, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && rel != "." {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(path)
		info, _ := d.Info()
		x := ""
		if info.Mode()&0o111 != 0 {
			x = " (x)"
		}
		out = append(out, fmt.Sprintf("%s%s=%s", filepath.ToSlash(rel), x, text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// mirrorOf is what other tools see.
func mirrorOf(t testing.TB, s *s3server.Server, prefix string) string {
	return strings.ReplaceAll(contentOf(t, filepath.Join(s.Dir, "acme", prefix)), " (x)", "")
}

func follower(t testing.TB, p Place) *Follower {
	dir := t.TempDir()
	return &Follower{Place: p, Bundles: Bundles{Dir: filepath.Join(dir, "bundles")}, State: filepath.Join(dir, "state.json"), Settle: 50 * time.Millisecond, Now: time.Now}
}

// TestAFolderGoesThereAndBack: through a few generations; the bundle, the mirror and another folder
// all come to show what the folder shows.
func TestAFolderGoesThereAndBack(t *testing.T) {
	server := s3server.Start(t, "acme")
	p := at(t, server, "deep/er/dags/")
	from, to := t.TempDir(), t.TempDir()
	f := follower(t, p)
	for gen, step := range []func(){
		func() {
			write(t, from, "a.yaml", "a")
			write(t, from, "b b/ü%2F+&=#?.sql", "odd")
			write(t, from, "b b/run.sh", "#!/bin/sh")
			if err := os.Chmod(filepath.Join(from, "b b/run.sh"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, from, "empty", "")
			write(t, from, "same", "a")
			write(t, from, "large", strings.Repeat("w", large+5))
		},
		func() { write(t, from, "a.yaml", "aa") },
		func() {
			if err := os.Chmod(filepath.Join(from, "b b/run.sh"), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		func() { // a file becomes a folder, a folder a file
			for _, gone := range []string{"a.yaml", "b b"} {
				if err := os.RemoveAll(filepath.Join(from, gone)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, from, "a.yaml/x", "x")
		},
		func() { write(t, from, "b b", "a file now") },
		func() { write(t, from, "large", strings.Repeat("v", large+6)) },
	} {
		step()
		res := mustPublish(t, p, from)
		if !res.Published || res.Manifest.Generation != int64(gen+1) {
			t.Fatalf("generation %d: %+v", gen+1, res)
		}
		want := contentOf(t, from)
		if changed, err := f.Next(t.Context()); err != nil || !changed {
			t.Fatalf("generation %d: changed %v, %v", gen+1, changed, err)
		}
		if got := contentOf(t, f.Dir()); got != want {
			t.Errorf("generation %d: the bundle shows\n%.300s\nnot\n%.300s", gen+1, got, want)
		}
		if got := mirrorOf(t, server, "deep/er/dags"); got != strings.ReplaceAll(want, " (x)", "") {
			t.Errorf("generation %d: the mirror shows\n%.300s\nnot\n%.300s", gen+1, got, want)
		}
		pull, err := p.Pull(t.Context(), to, Options{}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := pull.Carry(t.Context()); err != nil {
			t.Fatal(err)
		}
		pull.Close()
		if got := contentOf(t, to); got != want {
			t.Errorf("generation %d: the other folder shows\n%.300s\nnot\n%.300s", gen+1, got, want)
		}
		if left, _ := filepath.Glob(filepath.Join(to, ".*")); len(left) > 0 {
			t.Errorf("generation %d: %v is left", gen+1, left)
		}
		if changed, err := f.Next(t.Context()); err != nil || changed {
			t.Errorf("generation %d again: changed %v, %v", gen+1, changed, err)
		}
	}
	again := *f
	again.last = nil
	if last := again.Last(); last == nil || last.Generation != 6 {
		t.Errorf("another program knows %+v", last)
	}
}

// TestRequests holds the number of requests against what is promised: of a sync when nothing has
// changed, of one with ten files of two thousand, and of a reader who is up to date.
func TestRequests(t *testing.T) {
	server := s3server.Start(t, "acme")
	proxy := server.Proxy(t, nil)
	p := at(t, proxy.Server, "dags")
	from := t.TempDir()
	for i := range 2000 {
		write(t, from, fmt.Sprintf("team%d/%d.yaml", i%40, i), fmt.Sprintf("id: d%d\n", i))
	}
	mustPublish(t, p, from)
	if seen := proxy.Seen(); len(seen) > 2000+10 {
		t.Errorf("the first sync took %d requests", len(seen))
	}
	mustPublish(t, p, from)
	if seen := proxy.Seen(); len(seen) > 3 {
		t.Errorf("nothing has changed, and that took %d requests: %v", len(seen), seen)
	}
	f := follower(t, p)
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := proxy.Seen(); len(seen) > 3 {
		t.Errorf("a new reader took %d requests: %v", len(seen), seen)
	}
	for i := range 10 {
		write(t, from, fmt.Sprintf("team%d/%d.yaml", i%40, i), "id: changed\n")
	}
	mustPublish(t, p, from)
	seen := proxy.Seen()
	visible := slices.IndexFunc(seen, func(r string) bool { return strings.HasPrefix(r, "PUT /acme/dags/.weft/manifest.json") }) + 1
	t.Logf("ten of 2,000 files: %d requests, readers see them after %d", len(seen), visible)
	if len(seen) > 25 || visible < 1 || visible > 5 {
		t.Errorf("ten files took %d requests, readers see them after %d: %v", len(seen), visible, seen)
	}
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := proxy.Seen(); len(seen) != 2 {
		t.Errorf("a reader took %d requests for ten files: %v", len(seen), seen)
	}
	if _, err := f.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := proxy.Seen(); len(seen) != 1 {
		t.Errorf("a reader took %d requests for nothing: %v", len(seen), seen)
	}
}

// TestWhatGoesIsAskedAbout: the share that would go, and what others have put there.
func TestWhatGoesIsAskedAbout(t *testing.T) {
	server := s3server.Start(t, "acme")
	doubt := func(prefix, dir string, o Options) string {
		tree, err := Scan(t.Context(), dir, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := at(t, server, prefix).Plan(t.Context(), tree, o)
		if err != nil {
			t.Fatal(err)
		}
		return plan.Doubt()
	}
	ten, seven, six, none := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for i := range 10 {
		for dir, n := range map[string]int{ten: 10, seven: 7, six: 6} {
			if i < n {
				write(t, dir, fmt.Sprintf("%d.yaml", i), "x")
			}
		}
	}
	mustPublish(t, at(t, server, "dags"), ten)
	write(t, filepath.Join(server.Dir, "acme"), "foreign/data.parquet", "x")
	write(t, filepath.Join(server.Dir, "acme"), "foreign/0.yaml", "y")
	for _, c := range []struct {
		prefix, dir string
		o           Options
		want        string
	}{
		{"dags", ten, Options{}, ""},
		{"dags", seven, Options{}, ""},
		{"dags", six, Options{}, "4 of the 10 files of s3://acme/dags would go"},
		{"dags", six, Options{KeepRemoved: true}, ""},
		{"dags", none, Options{}, "the folder holds no file, so all 10 of s3://acme/dags would go"},
		{"fresh", ten, Options{}, ""},
		{"foreign", ten, Options{}, "1 object below s3://acme/foreign that weft sync has not put there would go"},
		{"foreign", ten, Options{KeepRemoved: true}, ""},
	} {
		if got := doubt(c.prefix, c.dir, c.o); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.prefix, c.o, got, c.want)
		}
	}
	// What was asked about and is wanted is done, and nothing else goes.
	write(t, filepath.Join(server.Dir, "acme"), "foreignx", "beside the prefix")
	mustPublish(t, at(t, server, "foreign"), seven)
	if got, want := mirrorOf(t, server, "foreign"), contentOf(t, seven); got != want {
		t.Errorf("the mirror shows\n%s\nnot\n%s", got, want)
	}
	if _, err := os.Stat(filepath.Join(server.Dir, "acme", "foreignx")); err != nil {
		t.Error(err)
	}
	if _, err := publish(t, at(t, server, "dags"), six, Options{KeepRemoved: true}); err != nil {
		t.Fatal(err)
	}
	if got, want := mirrorOf(t, server, "dags"), contentOf(t, ten); got != want {
		t.Errorf("what was to be kept is gone: %s", got)
	}
}

// TestPublishersAtOnce: of those that compare with the same generation one wins, the others are told
// who; and the mirror comes to show what the winner has published.
func TestPublishersAtOnce(t *testing.T) {
	server := s3server.Start(t, "acme")
	p := at(t, server, "dags")
	rounds, racers := 10, 4
	if os.Getenv("WEFT_SOAK") != "" {
		rounds = 100
	}
	for round := range rounds {
		type end struct {
			res Result
			err error
		}
		plans, ends := make([]*Plan, racers), make(chan end, racers)
		for i := range racers {
			dir := t.TempDir()
			for j := range 8 {
				write(t, dir, fmt.Sprintf("%d.yaml", (i+j)%10), fmt.Sprintf("round %d of %d", round, i))
			}
			tree, err := Scan(t.Context(), dir, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if plans[i], err = p.Plan(t.Context(), tree, Options{By: fmt.Sprintf("racer %d", i)}); err != nil {
				t.Fatal(err)
			}
		}
		for _, plan := range plans {
			go func() {
				res, err := plan.Carry(t.Context())
				ends <- end{res, err}
			}()
		}
		won := 0
		for range racers {
			e := <-ends
			var conflict *ConflictError
			switch {
			case e.err == nil:
				won++
			case !errors.As(e.err, &conflict) || !strings.HasPrefix(conflict.By, "racer "):
				t.Errorf("round %d: %v", round, e.err)
			}
		}
		if won != 1 {
			t.Fatalf("round %d: %d publishers won", round, won)
		}
		f := follower(t, p)
		if _, err := f.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := mirrorOf(t, server, "dags"), contentOf(t, f.Dir()); got != want {
			t.Errorf("round %d: the mirror shows\n%s\nnot\n%s", round, got, want)
		}
	}
}

// TestMirrorsMeet: a second publisher goes on while the first, held up, still writes its mirror. In the
// end the mirror shows the newer set.
func TestMirrorsMeet(t *testing.T) {
	server := s3server.Start(t, "acme")
	first, second := t.TempDir(), t.TempDir()
	for i := range 6 {
		write(t, first, fmt.Sprintf("%d.yaml", i), "old")
		write(t, second, fmt.Sprintf("%d.yaml", i+3), "new")
	}
	mustPublish(t, at(t, server, "dags"), t.TempDir())
	held, release := make(chan struct{}), make(chan struct{})
	slow := server.Proxy(t, holdOnce(held, release))
	ended := make(chan error)
	go func() {
		_, err := publish(t, at(t, slow.Server, "dags"), first, Options{By: "slow"})
		ended <- err
	}()
	<-held
	mustPublish(t, at(t, server, "dags"), second)
	close(release)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got, want := mirrorOf(t, server, "dags"), contentOf(t, second); got != want {
		t.Errorf("the mirror shows\n%s\nnot\n%s", got, want)
	}
}
