package machine

import (
	"fmt"
	"strings"
	"testing"
)

// fan is n tasks and one that needs them all.
func fan(t testing.TB, n int, tr Trigger) *Plan {
	p := wide(t, n+1, func(*Task) {})
	last := &p.Tasks[n]
	for i := range n {
		last.Needs = append(last.Needs, p.Tasks[i].ID)
	}
	last.Trigger = tr
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// mappedFan is one task of n instances and one that counts them as they finish.
func mappedFan(t testing.TB, n int) *Plan {
	p := wide(t, 2, func(*Task) {})
	p.Tasks[0].ForEach = &ForEach{List: Raw("[" + strings.Repeat("1,", n-1) + "1]")}
	p.Tasks[1].Needs = []string{p.Tasks[0].ID}
	p.Tasks[1].Trigger = Trigger{Expr: &Expr{Src: `count(tasks.` + p.Tasks[0].ID + `.instances, .state == "success") >= 1000000`}}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// mappedOverMapped is one task of n instances and another of n that reads them and asks when.
func mappedOverMapped(t testing.TB, n int) *Plan {
	p := wide(t, 2, func(task *Task) {
		task.ForEach = &ForEach{List: Raw("[" + strings.Repeat("1,", n-1) + "1]")}
	})
	one, two := &p.Tasks[0], &p.Tasks[1]
	two.Needs, two.Reads = []string{one.ID}, []string{one.ID}
	two.When = &Expr{Src: "tasks." + one.ID + ".state == \"success\" && item == 2"}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// layers is layer upon layer of width tasks; each needs three of the layer before.
func layers(t testing.TB, n, width int) *Plan {
	p := wide(t, n, func(*Task) {})
	for i := width; i < n; i++ {
		base := (i/width - 1) * width
		for k := range min(3, width) {
			p.Tasks[i].Needs = append(p.Tasks[i].Needs, p.Tasks[base+(i+k*7)%width].ID)
		}
	}
	if err := p.Seal(); err != nil {
		t.Fatal(err)
	}
	return p
}

// playThrough steps a run from start to end, every attempt a success, and returns how many events
// that took.
func playThrough(t testing.TB, p *Plan) int {
	r := New(func(string) *Plan { return p })
	steps := 0
	var todo []Command
	tell := func(f Fact) {
		steps++
		todo = append(todo, r.Step(Event{At: epoch, Fact: f})...)
	}
	tell(RunStarted{Rules: Rules, Run: "r", MaxInstances: 1 << 20})
	for len(todo) > 0 {
		cmd := todo[0]
		todo = todo[1:]
		switch cmd := cmd.(type) {
		case StartAttempt:
			tell(AttemptStarted(cmd))
			tell(AttemptEnded{Key: cmd.Key, Outcome: Outcome{State: Success}})
		case Decide:
			tell(RunDecided(cmd))
		case Finish:
			tell(RunFinished(cmd))
		}
	}
	if !r.State().Terminal() || steps < 2*len(p.Tasks) {
		t.Fatalf("the run is %s after %d events", r.State(), steps)
	}
	return steps
}

var sizes = map[string]func(t testing.TB, n int) *Plan{
	"fan-in all_success": func(t testing.TB, n int) *Plan { return fan(t, n, Trigger{Rule: "all_success"}) },
	"fan-in expression": func(t testing.TB, n int) *Plan {
		return fan(t, n, Trigger{Expr: &Expr{Src: fmt.Sprintf(`count(upstream, .state == "success") >= %d`, n*8/10)}})
	},
	"mapped fan-in expression": mappedFan,
	"mapped over mapped":       mappedOverMapped,
	"chain":                    func(t testing.TB, n int) *Plan { return layers(t, n, 1) },
	"layers":                   func(t testing.TB, n int) *Plan { return layers(t, n, 100) },
}

func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{
		{"fan-in all_success", 10_000},
		{"fan-in expression", 10_000},
		{"mapped fan-in expression", 10_000},
		{"mapped over mapped", 10_000},
		{"chain", 50_000},
		{"layers", 50_000},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, c.n), func(b *testing.B) {
			p := sizes[c.name](b, c.n)
			steps := 0
			b.ReportAllocs()
			for b.Loop() {
				steps += playThrough(b, p)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/event")
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	p := layers(b, 10_000, 100)
	r := New(func(string) *Plan { return p })
	r.Step(Event{At: epoch, Fact: RunStarted{Rules: Rules, Run: "r"}})
	b.ReportAllocs()
	for b.Loop() {
		body, err := r.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Restore(r.plans, body); err != nil {
			b.Fatal(err)
		}
	}
}
