package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weft/plugins"
)

// runs carries out a call and returns its output, or fails with its log.
func runs(t *testing.T, p Plugin, call *plugins.Call) string {
	t.Helper()
	r, err := p.Run(t.Context(), call)
	if err != nil {
		t.Fatalf("%v; log:\n%s", err, logOf(t, call))
	}
	return outputOf(t, r)
}

// inCache lists what a cache holds besides locks.
func inCache(t *testing.T, p Plugin) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.Cache, "venvs"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), lockMark) {
			names = append(names, e.Name())
		}
	}
	return names
}

const built = "building an environment"

func TestAnEnvironmentIsBuiltOnce(t *testing.T) {
	p, links := Plugin{Cache: t.TempDir()}, wheels(t)
	code := `
import os, pearl, subprocess, sys
def main():
    prefix, tool = os.path.realpath(sys.prefix), subprocess.check_output(["pearl-tool"], text=True).split()
    assert tool == [pearl.VERSION, sys.prefix], tool
    assert os.environ["VIRTUAL_ENV"] == sys.prefix and ".aside-" not in sys.prefix
    assert os.path.exists(pearl.__cached__), "compiled once, not at each start"
    for name in os.listdir(sys.prefix + "/bin"):
        if not name.startswith("python"):
            assert ".aside-" not in open(sys.prefix + "/bin/" + name).read(), name
    return pearl.VERSION
`
	for i, in := range []with{
		{"code": code, "requirements": []string{"pearl<2"}, "find_links": links},
		{"code": code, "requirements": []string{"pearl<2", " pearl<2 "}, "find_links": []string{links}},
	} {
		call := newCall(t, in)
		if got := runs(t, p, call); got != `"1.0"` {
			t.Errorf("run %d: %s", i, got)
		}
		if log := logOf(t, call); strings.Contains(log, built) != (i == 0) {
			t.Errorf("run %d: the log is\n%s", i, log)
		}
	}
	other := newCall(t, with{"code": code, "requirements": "req/all.txt", "find_links": links})
	writeFiles(t, other.Dir, map[string]string{"req/all.txt": "# all\n-r more.txt\n", "req/more.txt": "pearl \\\n  >= 1  # the newest\n"})
	if got := runs(t, p, other); got != `"2.0"` || !strings.Contains(logOf(t, other), built) {
		t.Errorf("other requirements: %s", got)
	}
	if left := inCache(t, p); len(left) != 2 {
		t.Errorf("the cache holds %v, not two environments", left)
	}
}

func TestIsolation(t *testing.T) {
	p, links, outside := Plugin{Cache: t.TempDir()}, wheels(t), t.TempDir()
	writeFiles(t, outside, map[string]string{"weftsown.py": "", "dags_own.py": ""})
	code := "import importlib.util\ndef main(): return [n for n in ['pearl', 'weftsown', 'pip'] if importlib.util.find_spec(n)]"
	t.Setenv("PYTHONPATH", outside)
	for _, c := range []struct {
		name string
		in   with
		env  []string
		want string
	}{
		{"the plain interpreter", with{}, []string{"PYTHONPATH=" + outside}, `["weftsown","pip"]`},
		{"an empty environment", with{"requirements": []string{}}, []string{"PYTHONPATH=" + outside}, `[]`},
		{"one with a package", with{"requirements": []string{"pearl"}, "find_links": links}, []string{"PYTHONPATH=" + outside}, `["pearl"]`},
		{"what the DAG itself sets", with{"requirements": []string{}}, []string{"PYTHONPATH=" + outside + "/../" + filepath.Base(outside)}, `["weftsown"]`},
		{"on purpose", with{"requirements": []string{}, "system_site_packages": true}, []string{"PYTHONPATH=" + outside}, `["weftsown","pip"]`},
	} {
		c.in["code"] = code
		call := newCall(t, c.in)
		call.Env = append(call.Env, c.env...)
		if got := runs(t, p, call); got != c.want {
			t.Errorf("%s: %s are seen, want %s", c.name, got, c.want)
		}
	}
}

// TestManyWantOneEnvironment: of ten tasks, four of them of other wefts, one builds.
func TestManyWantOneEnvironment(t *testing.T) {
	p, links := Plugin{Cache: t.TempDir()}, wheels(t)
	in := with{"code": "import pearl\ndef main(): return pearl.VERSION", "requirements": []string{"pearl"}, "find_links": links}
	var wg sync.WaitGroup
	calls := make([]*plugins.Call, 10)
	for i := range calls {
		calls[i] = newCall(t, in)
		// One Python for all: where it lies is part of the environment's name.
		calls[i].Env = append([]string{}, calls[0].Env...)
		calls[i].Env = changed(calls[i].Env, nil, "WEFT_OUTPUT="+calls[i].Output)
		if i < 4 {
			h := startHelper(t, p.Cache, calls[i])
			wg.Go(func() {
				if err := h.cmd.Wait(); err != nil {
					t.Errorf("task %d, elsewhere: %v: %s", i, err, h.said.String())
				}
			})
			continue
		}
		wg.Go(func() {
			if _, err := p.Run(t.Context(), calls[i]); err != nil {
				t.Errorf("task %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	builders := 0
	for i, call := range calls {
		builders += strings.Count(logOf(t, call), built)
		if b, err := os.ReadFile(call.Output); err != nil || string(b) != `"2.0"` {
			t.Errorf("task %d: output %s, error %v", i, b, err)
		}
	}
	if left := inCache(t, p); builders != 1 || len(left) != 1 {
		t.Errorf("%d have built; the cache holds %v", builders, left)
	}
}

func TestBuildsThatFail(t *testing.T) {
	links := wheels(t)
	backend := "def prepare_metadata_for_build_wheel(where, s=None):\n    import os\n" +
		"    d = where + '/broken-1.0.dist-info'\n    os.mkdir(d)\n    open(d + '/METADATA', 'w').write('Metadata-Version: 2.1\\nName: broken\\nVersion: 1.0\\n')\n" +
		"    return 'broken-1.0.dist-info'\ndef build_wheel(*a):\n    raise SystemExit('the compiler says no')\n"
	writeSource(t, links, "broken", "1.0", backend)
	for _, c := range []struct {
		name         string
		requirements any
		text         string
		kind         plugins.Kind
		log          string
	}{
		{"no such package", []string{"no-such-pearl>=3"}, "there is no package that fits no-such-pearl>=3 (see its name, the versions that exist, and those that fit this Python and machine)", plugins.BadInput, "No matching distribution"},
		{"it does not build", []string{"broken"}, "broken does not build (the log says why; a wheel for this Python would need no building)", plugins.Temporary, "the compiler says no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Plugin{Cache: t.TempDir()}
			call := newCall(t, with{"code": "", "requirements": c.requirements, "find_links": links})
			_, err := p.Run(t.Context(), call)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot build the environment: "+c.text) || plugins.KindOf(err) != c.kind {
				t.Errorf("error %v (%s)\nwant  … %s (%s)", err, plugins.KindOf(err), c.text, c.kind)
			}
			if log := logOf(t, call); !strings.Contains(log, c.log) || t.Failed() {
				t.Errorf("the log is\n%s", log)
			}
			if left := inCache(t, p); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// TestABuildThatIsStopped: whoever waits for it takes over.
func TestABuildThatIsStopped(t *testing.T) {
	p := Plugin{Cache: t.TempDir()}
	in := with{"code": "def main(): return 7", "requirements": []string{}}
	first, second := newCall(t, in), newCall(t, in)
	second.Env = first.Env
	second.Output = first.Output
	ctx, cancel := context.WithCancelCause(t.Context())
	waits := make(chan struct{})
	done := make(chan string, 1)
	started := 0
	first.Started = func(int) {
		if started++; started < 2 {
			return // the question for the version
		}
		logf := second.Logf
		second.Logf = func(format string, args ...any) {
			logf(format, args...)
			if strings.Contains(format, "waiting") {
				close(waits)
			}
		}
		go func() {
			r, err := p.Run(t.Context(), second)
			done <- fmt.Sprint(string(r.Output), err)
		}()
		<-waits
		cancel(errors.New("someone said so"))
	}
	_, err := p.Run(ctx, first)
	if plugins.KindOf(err) != plugins.Cancelled {
		t.Errorf("error %v (%s)", err, plugins.KindOf(err))
	}
	if got := <-done; got != "7<nil>" {
		t.Errorf("who waited: %s", got)
	}
	if left := inCache(t, p); len(left) != 1 {
		t.Errorf("the cache holds %v", left)
	}
}

// TestABrokenEnvironmentIsBuiltAnew: one without its marker was never whole.
func TestABrokenEnvironmentIsBuiltAnew(t *testing.T) {
	p := Plugin{Cache: t.TempDir()}
	call := newCall(t, with{"code": "import os, sys\ndef main():\n    return os.path.exists(sys.prefix + '/stray')", "requirements": []string{}})
	runs(t, p, call)
	dir := filepath.Join(p.Cache, "venvs", inCache(t, p)[0])
	for what, harm := range map[string]func() error{
		"no marker":      func() error { return os.Remove(filepath.Join(dir, markerName)) },
		"an empty one":   func() error { return os.Truncate(filepath.Join(dir, markerName), 0) },
		"no interpreter": func() error { return os.Remove(pythonOf(dir)) },
	} {
		writeFiles(t, dir, map[string]string{"stray": ""})
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		if got := runs(t, p, call); got != "false" {
			t.Errorf("%s: it was taken for whole", what)
		}
	}
}
