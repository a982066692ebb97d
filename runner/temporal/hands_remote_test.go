package temporal

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/temporal"

	"weft/machine"
	"weft/runner"
)

// submitted has the bench's order be of a submission.
func (b *bench) submitted(token string, ago time.Duration) Order {
	b.t.Helper()
	plan, err := b.h.shelf.plan(b.t.Context(), b.order.Plan)
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := machine.DecodeOrder(b.order.Body, plan, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	o.Key.Index = len(token)
	o.Remote = &machine.Remote{Token: token, Intended: time.Now().Add(-ago), Handle: machine.Raw(`"h"`), Text: "job " + token}
	return b.encode(o, b.order.Plan, b.order.Source.Dir)
}

func TestChecksOfOneGroupAreOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "load", nil)
		calls := 0
		b.tool.check = func(ws []*runner.Watch) []runner.Checked {
			calls++
			out := make([]runner.Checked, len(ws))
			for i, w := range ws {
				if out[i].State = "RUNNING"; w.Order.Remote.Token == "bb" {
					out[i] = runner.Checked{Done: true, Outcome: machine.Outcome{State: machine.Success}}
				}
			}
			return out
		}
		var all sync.WaitGroup
		got := map[string]string{}
		var mu sync.Mutex
		for _, token := range []string{"a", "bb", "ccc"} {
			order := b.submitted(token, time.Minute)
			all.Go(func() {
				s := says(b.h.check(t.Context(), b.info, order, nil))
				mu.Lock()
				defer mu.Unlock()
				got[token] = s
			})
		}
		all.Wait()
		if calls != 1 {
			t.Errorf("%d calls were made, want 1", calls)
		}
		for token, want := range map[string]string{"a": "weft.not_yet again in ", "bb": "success", "ccc": "weft.not_yet again in "} {
			if !strings.HasPrefix(got[token], want) {
				t.Errorf("%s: %q, want %q…", token, got[token], want)
			}
		}
		if got["a"] != got["ccc"] {
			t.Errorf("two of one group are checked at other moments: %q and %q", got["a"], got["ccc"])
		}
	})
}

func TestWhenASubmissionIsCheckedNext(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		age        time.Duration
		unanswered int
		step       time.Duration
	}{
		{0, 0, time.Second},
		{10 * time.Second, 0, 2 * time.Second},
		{time.Minute, 0, 8 * time.Second},
		{time.Hour, 0, 32 * time.Second},
		{time.Hour, 1, 64 * time.Second},
		{time.Hour, 9, 64 * time.Second},
		{0, 2, 4 * time.Second},
	} {
		for _, group := range []string{"x", "glue.job\x00a", "glue.job\x00b"} {
			d := nextCheck(group, now, row.age, row.unanswered)
			if d < row.step/2 || d > row.step*3/2 {
				t.Errorf("age %s, %d unanswered: in %s, want about %s", row.age, row.unanswered, d, row.step)
			}
			if again := nextCheck(group, now.Add(d/3), row.age, row.unanswered); d/3+again != d && d/3+again != d+row.step {
				t.Errorf("%s: asked a little later the moment is another: %s, then %s", group, d, d/3+again)
			}
		}
	}
}

func TestASubmissionThatIsEndedIsLookedForByTheNext(t *testing.T) {
	for _, row := range []struct {
		name  string
		hear  error
		mute  bool
		again bool // of the order
		try   int32
		sub   runner.Submitted
		want  string
	}{
		{"it is submitted", nil, false, false, 1, runner.Submitted{Handle: machine.Raw(`"h"`)}, "handle again=false"},
		{"a second try may find it", nil, false, false, 2, runner.Submitted{Handle: machine.Raw(`"h"`)}, "handle again=true"},
		{"the run knows that it may be there", nil, false, true, 1, runner.Submitted{Handle: machine.Raw(`"h"`)}, "handle again=true"},
		{"the service refuses", nil, false, false, 1, runner.Submitted{Outcome: &machine.Outcome{State: machine.Failed, Kind: "remote"}}, "failed remote"},
		{"the run cancels it", temporal.NewCanceledError(), false, false, 1, runner.Submitted{}, "nobody knows"},
		{"nobody answers", nil, true, false, 1, runner.Submitted{}, "weft.unready again in 20ms"},
		{"nobody answers, and it was ended", nil, true, false, 1, runner.Submitted{Outcome: &machine.Outcome{State: machine.Failed, Kind: "cancelled"}}, "weft.unready again in 20ms"},
		{"nobody answers, but it was submitted", nil, true, false, 1, runner.Submitted{Handle: machine.Raw(`"h"`)}, "handle again=false"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "load", nil)
				b.to.set(row.mute, row.hear)
				got := ""
				b.tool.submit = func(ctx context.Context, again bool) runner.Submitted {
					if row.hear != nil || row.mute {
						<-ctx.Done()
					}
					got = map[bool]string{true: "again=true", false: "again=false"}[again]
					return row.sub
				}
				b.order.Again, b.info.Attempt = row.again, row.try
				s, err := b.h.submit(t.Context(), b.info, b.order, nil)
				switch {
				case err != nil:
					got = says(machine.Outcome{}, err)
				case s.Outcome != nil:
					got = says(*s.Outcome, nil)
				case s.Handle != nil:
					got = "handle " + got
				default:
					got = "nobody knows"
				}
				if !strings.HasPrefix(got, row.want) {
					t.Errorf("%q, want %q", got, row.want)
				}
			})
		})
	}
}

func TestAWorkerForgetsARunThatNothingWasDoneFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		folders := &Folders{}
		b := newBench(t, "load", func(c *Config) {
			c.Folders = folders
			c.Left = func(run machine.RunInfo) { told = append(told, run.Key()) }
		})
		b.tool.attempt = func(context.Context, machine.Order) machine.Outcome {
			if folders.Dir("r1") != b.order.Source.Dir {
				t.Errorf("the run's folder is %q, want %q", folders.Dir("r1"), b.order.Source.Dir)
			}
			b.h.tidy(true) // something of it lives
			return machine.Outcome{State: machine.Success}
		}
		if _, err := b.h.attempt(t.Context(), b.info, b.order, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.h.tidy(false)
		if len(b.tool.left)+len(told) != 0 {
			t.Error("it was forgotten at once")
		}
		time.Sleep(stays)
		b.h.tidy(false)
		if len(b.tool.left) != 1 || len(told) != 1 || told[0] != "r1" || folders.Dir("r1") != "" {
			t.Errorf("after %s: left %v, told %v, folder %q", stays, b.tool.left, told, folders.Dir("r1"))
		}
	})
}
