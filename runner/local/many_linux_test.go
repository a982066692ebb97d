package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"weft/clock"
	"weft/machine"
	"weft/plugins"
	"weft/plugins/filehead"
	"weft/plugins/shell"
	"weft/runner"
	"weft/runner/local"
	"weft/store/sqlite"
)

// A yard is an engine as weft serve has it, over a real store, with the real executor.
type yard struct {
	*local.Engine
	st    *sqlite.Store
	exec  *watched
	pokes *atomic.Int64
}

// A watched executor notes when attempts begin, and counts pokes.
type watched struct {
	*runner.Executor
	pokes atomic.Int64
	mu    sync.Mutex
	began map[string]time.Time
	ended map[string]time.Time
}

func (w *watched) Attempt(ctx context.Context, o machine.Order, done func(machine.Outcome)) {
	w.note(w.began, o)
	w.Executor.Attempt(ctx, o, func(out machine.Outcome) {
		w.note(w.ended, o)
		done(out)
	})
}

func (w *watched) note(in map[string]time.Time, o machine.Order) {
	w.mu.Lock()
	in[o.Run.Key()] = time.Now()
	w.mu.Unlock()
}

func (w *watched) Poke(ctx context.Context, o machine.Order, n int, since time.Time) runner.PokeResult {
	w.pokes.Add(1)
	return w.Executor.Poke(ctx, o, n, since)
}

func newYard(t *testing.T, home string) *yard {
	t.Helper()
	st, err := sqlite.Open(home)
	if err != nil {
		t.Fatal(err)
	}
	reg := plugins.NewRegistry(filehead.Plugin{}, shell.Plugin{})
	w := &watched{
		Executor: &runner.Executor{Plugins: reg, Home: home, Dir: func(string) string { return home }, Environ: os.Environ(), Grace: time.Second},
		began:    map[string]time.Time{}, ended: map[string]time.Time{},
	}
	e := local.New(local.Config{
		Store: st, Worker: &local.Crew{Exec: w, Store: st}, Clock: clock.Real, Locks: local.FileLocks{Dir: filepath.Join(home, "runs")},
		Leftovers: func(run string) ([]machine.Key, error) { _, err := runner.LiveFiles(home, run); return nil, err },
		Options:   local.Options{Patience: time.Hour, Limits: machine.Limits{Pools: map[string]int{"default": 64}}},
	})
	return &yard{Engine: e, st: st, exec: w, pokes: &w.pokes}
}

// usage is what the process takes.
type usage struct {
	rss, live int64 // live: what the heap holds, collected
	cpu       time.Duration
}

func used(t *testing.T) (u usage) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			u.rss, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	u.rss <<= 10
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	u.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	u.live = int64(m.HeapAlloc + m.StackInuse)
	return u
}

// changed lists the files below a folder that were written since.
func changed(dir string, since time.Time) (out []string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// The index of SQLite's log is memory that readers share, not a file that is written.
		if info, err := d.Info(); err == nil && !strings.HasSuffix(path, "-shm") && info.ModTime().After(since) {
			out = append(out, fmt.Sprintf("%s at +%s", path, info.ModTime().Sub(since)))
		}
		return nil
	})
	return out
}

func waiting(t *testing.T, n int) *machine.Plan {
	t.Helper()
	p := &machine.Plan{Format: machine.PlanFormat, DAG: "waits", MaxActiveTasks: 16, Verdict: machine.Verdict{Rule: "leaves"}}
	for i := range n {
		p.Tasks = append(p.Tasks, machine.Task{
			ID: fmt.Sprint("wait", i), Uses: "file.head", With: machine.Raw(fmt.Sprintf(`{"path":"/nonexistent/%d/${{ run.id }}"}`, i)),
			Sensor: &machine.Sensor{
				Until: &machine.Expr{Src: "output.exists"}, PokeInterval: machine.Duration(30 * time.Second), OnError: "retry",
				Timeout: machine.Duration(4 * time.Hour),
			},
			Pool: "default", PoolSlots: 1, Trigger: machine.Trigger{Rule: "all_success"},
		})
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

func manual(p *machine.Plan, run string) runner.Request {
	now := time.Now()
	return runner.Request{Plan: p, Run: run, Type: "manual", LogicalDate: now, IntervalStart: now, IntervalEnd: now, By: "test"}
}

// awaitPokes waits until so many pokes have been made.
func (y *yard) awaitPokes(t *testing.T, n int64) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); y.pokes.Load() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d pokes of %d after five minutes", y.pokes.Load(), n)
		}
	}
}

// What 10,000 waiting sensors cost (R22), a tenth of them in the ordinary run: nothing is written, and what
// lives of them on the heap is bounded; the figures are printed. Let go of in order, they come back.
func TestTenThousandSensors(t *testing.T) {
	scale, watch := 10, 2*time.Second
	if os.Getenv("WEFT_SOAK") != "" {
		scale, watch = 1, 60*time.Second
	}
	for _, c := range []struct{ runs, sensors int }{{1000 / scale, 10}, {1, 10_000 / scale}} {
		t.Run(fmt.Sprintf("%d runs of %d", c.runs, c.sensors), func(t *testing.T) {
			home := t.TempDir()
			y := newYard(t, home)
			idle := used(t)
			p, all := waiting(t, c.sensors), int64(c.runs*c.sensors)
			var runs []string
			begin := time.Now()
			for i := range c.runs {
				run, err := y.Start(t.Context(), manual(p, fmt.Sprint("r", i)))
				if err != nil {
					t.Fatal(err)
				}
				runs = append(runs, run)
			}
			y.awaitPokes(t, all)
			started := time.Since(begin)
			if scale == 1 {
				time.Sleep(30 * time.Second) // one interval, so that the pokes have settled
			}
			time.Sleep(time.Second) // the last records, on a machine that is busy
			since := time.Now()
			before, pokes := used(t), y.pokes.Load()
			time.Sleep(watch)
			after := used(t)
			over, live := after.rss-idle.rss, after.live-idle.live
			t.Logf("started and asked in %s; over %s: %.1f MB of memory more than idle, %.1f MB of it live, %.2f %% of a core at %.0f pokes/s",
				started.Round(time.Millisecond), watch, float64(over)/1e6, float64(live)/1e6,
				100*float64(after.cpu-before.cpu)/float64(watch), float64(y.pokes.Load()-pokes)/watch.Seconds())
			if live > 6000*all {
				t.Errorf("a sensor takes %d bytes, 6,000 are allowed", live/all)
			}
			if files := changed(home, since); len(files) > 0 {
				t.Errorf("waiting wrote into %v", files)
			}
			if err := y.Drain(t.Context(), time.Second); err != nil {
				t.Error(err)
			}
			y.Close()
			if err := y.st.Close(); err != nil {
				t.Error(err)
			}
			y = newYard(t, home)
			begin = time.Now()
			if failed := y.ResumeAll(t.Context(), runs...); len(failed) > 0 {
				t.Fatalf("%d cannot be resumed", len(failed))
			}
			back := time.Since(begin)
			y.awaitPokes(t, all)
			t.Logf("resumed in %s, all asked again after %s", back.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
			if err := y.Drain(t.Context(), time.Second); err != nil {
				t.Error(err)
			}
			y.Close()
			if err := y.st.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// From the call of Start to the first process, at 50 a second (R23): the figures are printed.
func TestFiftyStartsASecond(t *testing.T) {
	n := 50
	if os.Getenv("WEFT_SOAK") != "" {
		n = 1500
	}
	home := t.TempDir()
	y := newYard(t, home)
	defer func() {
		y.Close()
		_ = y.st.Close()
	}()
	with, err := json.Marshal(map[string]any{"run": "true"})
	if err != nil {
		t.Fatal(err)
	}
	p := waiting(t, 1)
	p = &machine.Plan{Format: machine.PlanFormat, DAG: "short", MaxActiveTasks: 16, Verdict: p.Verdict, Tasks: []machine.Task{{
		ID: "a", Uses: "shell", With: with, Pool: "default", PoolSlots: 1, Trigger: machine.Trigger{Rule: "all_success"},
	}}}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	called, mu := map[string]time.Time{}, sync.Mutex{}
	var wg sync.WaitGroup
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		wg.Go(func() {
			now := time.Now()
			run, err := y.Start(t.Context(), manual(p, fmt.Sprint("r", i)))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			called[run] = now
			mu.Unlock()
			if sum, err := y.Wait(t.Context(), run); err != nil || sum.State != machine.RunSuccess {
				t.Errorf("%s is %s (%v)", run, sum.State, err)
			}
		})
	}
	wg.Wait()
	var begin, end []time.Duration
	for run, at := range called {
		begin, end = append(begin, y.exec.began[run].Sub(at)), append(end, y.exec.ended[run].Sub(at))
	}
	slices.Sort(begin)
	slices.Sort(end)
	if len(begin) != n {
		t.Fatalf("%d of %d ran", len(begin), n)
	}
	t.Logf("%d runs at 50 a second: the first attempt begins after p50 %s, p99 %s; its process has ended after p50 %s, p99 %s",
		n, begin[n/2].Round(10*time.Microsecond), begin[n*99/100].Round(10*time.Microsecond), end[n/2].Round(10*time.Microsecond), end[n*99/100].Round(10*time.Microsecond))
}
