package runner_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// echo gives its input back.
func echo(_ context.Context, c *plugins.Call) (plugins.Result, error) {
	return plugins.Result{Output: c.Input}, nil
}

// counted counts what is fetched from a backend.
type counted struct {
	handoff.Backend
	fetched *atomic.Int64
}

func (c counted) Fetch(ctx context.Context, uri string) (io.ReadCloser, error) {
	c.fetched.Add(1)
	return c.Backend.Fetch(ctx, uri)
}

// spills gives the bench a counted handoff, and a function that puts values there.
func spills(b *bench) (put func(key, text string) *machine.Ref, fetched *atomic.Int64) {
	place, err := handoff.Known().At(handoff.FileURI(filepath.Join(b.Home, "handoff")))
	if err != nil {
		b.t.Fatal(err)
	}
	fetched = new(atomic.Int64)
	b.Handoff = func(string) (handoff.Backend, error) { return counted{place, fetched}, nil }
	return func(key, text string) *machine.Ref {
		ref, err := place.Put(b.t.Context(), key, strings.NewReader(text), -1)
		if err != nil {
			b.t.Fatal(err)
		}
		return &ref
	}, fetched
}

func TestSpilledOutputsAreReadBackWhereTheyAreRead(t *testing.T) {
	b := newBench(t, echo)
	put, fetched := spills(b)
	ref := put("d/r/a/-/1/output.json", `{"rows": [1, 2, 3]}`)
	views := map[string]machine.TaskView{"a": {State: machine.Success, Ref: ref}}
	for _, c := range []struct {
		input, want string
		reads       int64
	}{
		{`{"n":"${{ len(tasks.a.output.rows) }}"}`, `{"n":3}`, 1},
		{`{"n":"${{ tasks.a.ref.size }}"}`, `{"n":19}`, 0},
		{`{"n":"${{ tasks.a.state }}"}`, `{"n":"success"}`, 0},
		{`{"n":"none"}`, `{"n":"none"}`, 0},
	} {
		o := order(with(c.input))
		o.Tasks = views
		fetched.Store(0)
		out := b.attempt(o)
		if string(out.Output) != c.want || fetched.Load() != c.reads {
			t.Errorf("%s: %s %s after %d reads, want %s after %d", c.input, out.Output, out.Error, fetched.Load(), c.want, c.reads)
		}
	}
	if views["a"].Output != nil {
		t.Error("the machine's own view was changed")
	}
	o := order(machine.Task{Env: []machine.Var{env("A", "${{ tasks.a.output.rows[2] }}", 1, 1)}, Sensor: &machine.Sensor{Until: ask("len(tasks.a.output.rows) == poke")}})
	o.Tasks = views
	if res := b.Poke(t.Context(), o, 3, noon); !res.Done || res.Outcome.State != machine.Success {
		t.Errorf("in env and until: %+v", res)
	}
}

func TestAMappedTasksSpilledOutputs(t *testing.T) {
	b := newBench(t, echo)
	put, _ := spills(b)
	o := order(with(`{"all": "${{ tasks.a.output }}"}`))
	o.Tasks = map[string]machine.TaskView{"a": {State: machine.Failed, Mapped: true, Instances: []machine.InstanceView{
		{Index: 0, State: machine.Success, Ref: put("d/r/a/0/1/output.json", `"large"`)},
		{Index: 1, State: machine.Failed},
		{Index: 2, State: machine.Success, Output: machine.Raw(`2`)},
	}}}
	out := b.attempt(o)
	if want := `{"all":["large",null,2]}`; string(out.Output) != want {
		t.Errorf("%s %s, want %s", out.Output, out.Error, want)
	}
	if o.Tasks["a"].Instances[0].Output != nil {
		t.Error("the machine's own view was changed")
	}
}

func TestWhatCannotBeReadBack(t *testing.T) {
	b := newBench(t, echo)
	put, fetched := spills(b)
	ref := put("d/r/a/-/1/output.json", `"value"`)
	large := machine.Ref{URI: ref.URI, Size: 64<<20 + 1, SHA256: ref.SHA256}
	half := machine.Ref{URI: ref.URI, Size: 40 << 20, SHA256: ref.SHA256}
	gone := machine.Ref{URI: ref.URI + "x", Size: 7, SHA256: ref.SHA256}
	other := machine.Ref{URI: ref.URI, Size: 7, SHA256: strings.Repeat("0", 64)}
	ok := machine.Success
	for _, c := range []struct {
		what, kind, want string
		view             machine.TaskView
	}{
		{"too large", "bad_input", "cannot read tasks.a.output: it has 67108865 bytes, at most 67108864 are read (use tasks.a.ref)", machine.TaskView{State: ok, Ref: &large}},
		{"too large together", "bad_input", "cannot read tasks.a.output: it has 83886080 bytes", machine.TaskView{State: ok, Mapped: true, Instances: []machine.InstanceView{{State: ok, Ref: &half}, {State: ok, Ref: &half}}}},
		{"not there", "temporary", "cannot read " + gone.URI + ": no such file or directory", machine.TaskView{State: ok, Ref: &gone}},
		{"another's", "temporary", "cannot read " + other.URI + ": its bytes are not those that were put there", machine.TaskView{State: ok, Ref: &other}},
	} {
		o := order(with(`{"a": "${{ tasks.a.output }}"}`))
		o.Tasks = map[string]machine.TaskView{"a": c.view}
		out := b.attempt(o)
		if out.State != machine.Failed || out.Kind != c.kind || !strings.HasPrefix(out.Error, c.want) {
			t.Errorf("%s: %s, kind %s: %s\nwant %s…", c.what, out.State, out.Kind, out.Error, c.want)
		}
	}
	// Who wants the reference alone is not bothered.
	fetched.Store(0)
	o := order(with(`{"a": "${{ tasks.a.ref.size }}"}`))
	o.Tasks = map[string]machine.TaskView{"a": {State: ok, Ref: &large}}
	if out := b.attempt(o); string(out.Output) != `{"a":67108865}` || fetched.Load() != 0 {
		t.Errorf("the reference alone: %s %s", out.Output, out.Error)
	}
}

func TestInstancesOfASpilledListReadItOnce(t *testing.T) {
	b := newBench(t, echo)
	b.SealLog = nil
	put, fetched := spills(b)
	var list, dict []string
	for i := range 40 {
		list = append(list, fmt.Sprintf(`{"n":%d}`, i))
		dict = append(dict, fmt.Sprintf(`"k%02d":%d`, 39-i, 39-i))
	}
	ref := put("d/r/count/-/0/for_each.0.json", "["+strings.Join(list, ",")+"]")
	refMap := put("d/r/count/-/0/for_each.1.json", "{"+strings.Join(dict, ",")+"}")
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			o := order(with(`{"v": "${{ item.n }}"}`))
			o.Key.Index, o.ItemRef = i, ref
			if out, want := b.outcome(t.Context(), o), fmt.Sprintf(`{"v":%d}`, i); string(out.Output) != want {
				t.Errorf("instance %d: %s %s, want %s", i, out.Output, out.Error, want)
			}
			o = order(with(`{"v": "${{ item.key }}=${{ item.value }}"}`))
			o.Key.Index, o.ItemRef = i, refMap
			if out, want := b.outcome(t.Context(), o), fmt.Sprintf(`{"v":"k%02d=%d"}`, i, i); string(out.Output) != want {
				t.Errorf("instance %d: %s %s, want %s", i, out.Output, out.Error, want)
			}
		})
	}
	wg.Wait()
	if n := fetched.Load(); n != 2 {
		t.Errorf("two lists were read %d times", n)
	}
}

func TestAListThatCouldNotBeReadIsReadAgain(t *testing.T) {
	b := newBench(t, echo)
	put, _ := spills(b)
	ref := put("d/r/count/-/0/for_each.0.json", `["a"]`)
	file := filepath.Join(b.Home, "handoff/d/r/count/-/0/for_each.0.json")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	o := order(with(`{"v": "${{ item }}"}`))
	o.Key.Index, o.ItemRef = 0, ref
	if out := b.attempt(o); out.Kind != "temporary" {
		t.Errorf("outcome %+v", out)
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	if out := b.attempt(o); string(out.Output) != `{"v":"a"}` {
		t.Errorf("outcome %+v", out)
	}
	o.Key.Index = 1
	shows(t, b.attempt(o), machine.Failed, "internal", "cannot find element 1 of for_each: there are 1")
}
