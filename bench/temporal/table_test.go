package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"weft/tests/temporalserver"
)

// A shape is a run that is measured.
type shape struct {
	name     string
	n        int
	inFlight int // at most; 1 is a chain
	warm     int // tasks of a run before it, which brings the workers to it
}

// A side is one of the two that are compared.
type side struct {
	name string
	// workers are the commands of the three.
	workers func(b *bench, folder string) []*exec.Cmd
	// run are the commands that begin a run and wait for its end. id is that of a workflow, or a part of it.
	run func(b *bench, folder string, s shape, id string) []*exec.Cmd
}

// A figure is what one run took.
type figure struct {
	perSecond float64 // tasks
	events    float64 // of history, a task
	bytes     float64 // of history, a task
	server    float64 // ms of CPU of the server, a task
	workers   float64 // ms of CPU of the workers and their tasks, a task
}

type bench struct {
	t      *testing.T
	server *temporalserver.Server
	bare   string // programs
	weft   string
	rounds int
}

// The table of `./check bench`: weft's runs on a real Temporal server beside bare workflows of the same activities, both
// with three worker processes, in turn, each in a namespace of its own. A ratio is taken within a round; medians.
func TestTableBesideABareWorkflow(t *testing.T) {
	if os.Getenv("WEFT_BENCH") == "" {
		t.Skip("a measuring, of minutes: WEFT_BENCH=1, on a machine that does nothing else (WEFT_BENCH_TASKS, WEFT_BENCH_ROUNDS)")
	}
	b := &bench{t: t, rounds: number("WEFT_BENCH_ROUNDS", 5)}
	dir := t.TempDir()
	b.bare, b.weft = filepath.Join(dir, "bare"), filepath.Join(dir, "weft")
	b.build(b.bare, ".")
	b.build(b.weft, "../..")
	b.server = temporalserver.Start(t)
	sides := []side{bareSide}
	if help, _ := exec.Command(b.weft, "worker", "--help").Output(); strings.Contains(string(help), "--queue") {
		sides = append(sides, weftSide)
	} else {
		fmt.Println("this weft has no workers: the bare workflow alone")
	}
	n := number("WEFT_BENCH_TASKS", 1000)
	for _, s := range []shape{
		{"fan", n, 48, 48},
		{"chain", max(1, n/20), 1, 3},
	} {
		b.compare(s, sides)
	}
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

var bareSide = side{
	name: "bare",
	workers: func(b *bench, _ string) []*exec.Cmd {
		return []*exec.Cmd{exec.Command(b.bare, "work"), exec.Command(b.bare, "work"), exec.Command(b.bare, "work")}
	},
	run: func(b *bench, _ string, s shape, id string) []*exec.Cmd {
		return []*exec.Cmd{exec.Command(b.bare, "run", id, strconv.Itoa(s.n), strconv.Itoa(s.inFlight))}
	},
}

var weftSide = side{
	name: "weft",
	workers: func(b *bench, folder string) (cmds []*exec.Cmd) {
		for range 3 {
			cmd := exec.Command(b.weft, "worker", "--concurrency", "16", "--log-level", "error")
			cmd.Dir = folder
			cmds = append(cmds, cmd)
		}
		return cmds
	},
	run: func(b *bench, folder string, s shape, id string) []*exec.Cmd {
		var dag strings.Builder
		fmt.Fprintf(&dag, "id: %s\nmax_active_tasks: %d\ndefaults: {shell: sh}\ntasks:\n", id, s.inFlight)
		for i := range s.n {
			fmt.Fprintf(&dag, "  t%d: {run: \"true\"", i)
			if s.inFlight == 1 && i > 0 {
				fmt.Fprintf(&dag, ", needs: t%d", i-1)
			}
			dag.WriteString("}\n")
		}
		b.write(filepath.Join(folder, id+".yaml"), dag.String())
		cmd := exec.Command(b.weft, "run", "--detach", "--engine", "temporal", "--run-id", id, id+".yaml")
		cmd.Dir = folder
		// As for the bare one, nobody looks at it while it runs.
		return []*exec.Cmd{cmd, exec.Command(b.bare, "wait", "weft/run/"+id)}
	},
}

// compare measures one shape, and prints its lines.
func (b *bench) compare(s shape, sides []side) {
	b.t.Helper()
	got := map[string][]figure{}
	for round := range b.rounds {
		order := slices.Clone(sides)
		if round%2 == 1 {
			slices.Reverse(order) // who comes second finds a warmer machine and a larger database
		}
		for _, x := range order {
			f := b.measure(s, x)
			got[x.name] = append(got[x.name], f)
			fmt.Printf("  round %d, %s: %.1f tasks/s\n", round+1, x.name, f.perSecond)
		}
	}
	fmt.Printf("\n%s of %d tasks, %d in flight, 3 workers, %d rounds\n%8s%12s%14s%14s%18s%19s\n", s.name, s.n, s.inFlight, b.rounds,
		"", "tasks/s", "events/task", "bytes/task", "server CPU ms/t", "workers CPU ms/t")
	for _, x := range sides {
		of := func(what func(figure) float64) float64 { return median(got[x.name], what) }
		fmt.Printf("%8s%12.1f%14.2f%14.0f%18.2f%19.2f\n", x.name, of(func(f figure) float64 { return f.perSecond }),
			of(func(f figure) float64 { return f.events }), of(func(f figure) float64 { return f.bytes }),
			of(func(f figure) float64 { return f.server }), of(func(f figure) float64 { return f.workers }))
	}
	if weft, bare := got[weftSide.name], got[bareSide.name]; len(weft) > 0 {
		var ratios []float64
		for i := range weft {
			ratios = append(ratios, weft[i].perSecond/bare[i].perSecond)
		}
		fmt.Printf("%8s%12.2f   asked ≥ 0.80; rounds %.2f\n", "weft ÷ bare", median(ratios, func(r float64) float64 { return r }), ratios)
	}
}

func median[T any](of []T, what func(T) float64) float64 {
	list := make([]float64, len(of))
	for i, x := range of {
		list[i] = what(x)
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// measure runs one shape on one side, once.
func (b *bench) measure(s shape, x side) figure {
	b.t.Helper()
	folder := b.t.TempDir()
	env := append(os.Environ(), append(b.server.Env(b.server.Namespace()), "WEFT_HOME="+filepath.Join(folder, "home"))...)
	workers := x.workers(b, folder)
	said := make([]bytes.Buffer, len(workers))
	for i, cmd := range workers {
		cmd.Env, cmd.Stderr = env, &said[i]
		if err := cmd.Start(); err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the measuring fails
	}
	warm := s
	warm.n = s.warm
	for _, cmd := range x.run(b, folder, warm, "warm") {
		b.output(cmd, env)
	}
	cpu := func() (server, work float64) {
		for _, cmd := range workers {
			work += cpuOf(b.t, cmd.Process.Pid)
		}
		return cpuOf(b.t, b.server.PID()), work
	}
	commands := x.run(b, folder, s, "measured")
	server, work := cpu()
	for _, cmd := range commands {
		b.output(cmd, env)
	}
	serverThen, workThen := cpu()
	for _, cmd := range workers {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	for i, cmd := range workers {
		if err := cmd.Wait(); err != nil {
			b.t.Fatalf("a worker of %s: %v\n%s", x.name, err, said[i].String())
		}
	}
	f := b.history(env, s.n)
	f.server, f.workers = (serverThen-server)/float64(s.n), (workThen-work)/float64(s.n)
	return f
}

// history reads what the server knows of the measured run: from its first execution's begin to its last one's end.
func (b *bench) history(env []string, n int) figure {
	b.t.Helper()
	var began, ended, events, size float64
	said := b.output(exec.Command(b.bare, "count"), env)
	for line := range strings.Lines(said) {
		var id string
		var from, to, e, s float64
		if _, err := fmt.Sscan(line, &id, &from, &to, &e, &s); err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		if !strings.Contains(id, "measured") {
			continue
		}
		if began == 0 || from < began {
			began = from
		}
		ended = max(ended, to)
		events += e
		size += s
	}
	if events == 0 {
		b.t.Fatalf("the server knows of no measured run:\n%s", said)
	}
	return figure{perSecond: float64(n) / (ended - began), events: events / float64(n), bytes: size / float64(n)}
}

func (b *bench) build(program, folder string) {
	b.t.Helper()
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	b.output(cmd, cmd.Env)
}

func (b *bench) output(cmd *exec.Cmd, env []string) string {
	b.t.Helper()
	cmd.Env = env
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, said.String())
	}
	return string(out)
}

func (b *bench) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// cpuOf is what a process and its children that have ended took so far, in ms; 0 where the machine does not tell.
func cpuOf(t *testing.T, pid int) (ms float64) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	for _, field := range strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))[11:15] {
		hundredths, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ms += 10 * float64(hundredths)
	}
	return ms
}
