package runner_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/plugins"
)

// prepared begins to prepare an attempt, and tells it to begin or, if not, throws it away.
func prepared(t *testing.T, b *bench, o machine.Order) (leave func(begin bool) machine.Outcome) {
	t.Helper()
	carry := b.Prepare(o)
	if carry == nil {
		t.Fatal("it is not prepared")
	}
	may, got := make(chan func(machine.Outcome), 1), make(chan machine.Outcome, 1)
	over := make(chan struct{})
	go func() { defer close(over); carry(t.Context(), may) }()
	return func(begin bool) (out machine.Outcome) {
		if begin {
			may <- func(out machine.Outcome) { got <- out }
			out = <-got
		} else {
			close(may)
		}
		<-over
		return out
	}
}

func TestAPreparedAttemptBeginsWhenItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := 0
		b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
			called++
			c.Logf("n is %s", c.Input)
			return plugins.Result{Output: []byte("7")}, nil
		})
		o := order(machine.Task{With: machine.Raw(`{"n": "${{ 1 + 1 }}"}`), Timeout: machine.Duration(time.Second)})
		leave := prepared(t, b, o)
		synctest.Wait()
		time.Sleep(time.Minute) // what it waits is not of its timeout
		if called != 0 || b.log() != "" {
			t.Errorf("called %d times before it was told to begin, its log is %q", called, b.log())
		}
		shows(t, leave(true), machine.Success, "", "")
		if called != 1 || b.log() != "n is {\"n\":2}\n" && b.log() != "n is {\"n\": 2}\n" {
			t.Errorf("called %d times, its log is %q", called, b.log())
		}
		b.nothingLeft()
	})
}

func TestAPreparedAttemptThatIsThrownAwayWasNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(context.Context, *plugins.Call) (plugins.Result, error) {
			t.Error("its plugin was called")
			return plugins.Result{}, nil
		})
		o := order(machine.Task{})
		leave := prepared(t, b, o)
		synctest.Wait()
		left := false
		go func() { _ = b.Leave(o.Run.Run); left = true }()
		synctest.Wait()
		if left {
			t.Error("its run's places are taken away while it has one of them")
		}
		leave(false)
		synctest.Wait()
		if !left || b.log() != "" {
			t.Errorf("left %v, its log is %q", left, b.log())
		}
		b.nothingLeft()
	})
}

// Why it cannot be called is found early, and told to nobody before it begins.
func TestWhatIsWrongWithAPreparedAttemptIsToldWhenItBegins(t *testing.T) {
	for _, begin := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, gives("1"))
			leave := prepared(t, b, order(machine.Task{With: machine.Raw(`{"n": "${{ int(\"x\") }}"}`)}))
			synctest.Wait()
			if b.log() != "" {
				t.Errorf("before it began its log is %q", b.log())
			}
			out := leave(begin)
			if begin != (out.Kind == "bad_input") || begin != strings.Contains(b.log(), "attempt 1 failed: ") {
				t.Errorf("begun %v: outcome %+v, its log is %q", begin, out, b.log())
			}
			b.nothingLeft()
		})
	}
}

// A readied is a plugin that makes calls ready, and counts what became of them.
type readied struct {
	fake
	made, run, dropped int
}

func (r *readied) Ready(c *plugins.Call) (run func(context.Context) (plugins.Result, error), drop func()) {
	r.made++
	return func(ctx context.Context) (plugins.Result, error) {
		r.run++
		return r.fake.run(ctx, c)
	}, func() { r.dropped++ }
}

// A call that a plugin has made ready is carried out or let go of, and never both; one whose attempt was stopped
// before it began is let go of, too.
func TestACallThatWasMadeReadyIsRunOrLetGoOf(t *testing.T) {
	for name, run := range map[string]int{"it begins": 1, "it is thrown away": 0, "it is stopped before": 0} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			p := &readied{fake: fake{name: "fake", run: gives("1")}}
			b.Plugins = plugins.NewRegistry(p)
			carry := b.Prepare(order(machine.Task{}))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			may := make(chan func(machine.Outcome), 1)
			go carry(ctx, may)
			synctest.Wait()
			if p.made != 1 || p.run+p.dropped != 0 {
				t.Errorf("%s: at first %+v", name, p)
			}
			switch name {
			case "it is thrown away":
				close(may)
			case "it is stopped before":
				stop()
				fallthrough
			default:
				may <- func(machine.Outcome) {}
			}
			synctest.Wait()
			if p.made != 1 || p.run != run || p.dropped != 1-run {
				t.Errorf("%s: made ready %d times, run %d, let go of %d", name, p.made, p.run, p.dropped)
			}
			b.nothingLeft()
		})
	}
}

// What would ask others for it is not prepared: they would hear of an attempt that may never be.
func TestWhatIsNotPrepared(t *testing.T) {
	b := newBench(t, gives("1"))
	ref := &machine.Ref{URI: "s3://bucket/key", Size: 1 << 20}
	far := order(machine.Task{})
	far.Tasks = map[string]machine.TaskView{"before": {State: machine.Success, Ref: ref}}
	item := order(machine.Task{})
	item.ItemRef = ref
	for name, o := range map[string]machine.Order{
		"a secret in its environment":   order(machine.Task{Env: []machine.Var{{Name: "A", Value: "${{ secrets.a }}"}}}),
		"inputs":                        order(machine.Task{Inputs: []machine.Var{{Name: "a", Value: "./a"}}}),
		"an output that lies elsewhere": far,
		"an item that lies elsewhere":   item,
	} {
		if b.Prepare(o) != nil {
			t.Errorf("a task with %s is prepared", name)
		}
	}
	b.nothingLeft() // and nobody waits for it
}
