package local

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"weft/machine"
	"weft/plugins"
)

// soonFar is a far whose handles are worth a check at once.
type soonFar struct{ *far }

func (f soonFar) Submit(ctx context.Context, call *plugins.Call, s plugins.Submission) (plugins.Handle, error) {
	h, err := f.far.Submit(ctx, call, s)
	h.Soon = true
	return h, err
}

// TestWhoKnowsThatThereIsAnAnswerNeedNotWait: work of ten minutes is checked each half minute or so, unless
// somebody says when; who says so too early, or of what is not there, does no harm.
func TestWhoKnowsThatThereIsAnAnswerNeedNotWait(t *testing.T) {
	key := machine.Key{Task: "t0", Index: -1, Attempt: 1}
	for _, c := range []struct {
		what  string
		lasts time.Duration
		say   func(e *Engine)
		least time.Duration // from the end of the work until the task has ended
		most  time.Duration
	}{
		{"nobody says anything", 10*time.Minute + time.Second, nil, 11 * time.Millisecond, time.Minute},
		{"at its end", 10*time.Minute + time.Second, func(e *Engine) {
			time.Sleep(10*time.Minute + time.Second)
			e.CheckSoon("r", key)
		}, 0, 10 * time.Millisecond},
		{"before it, and of others", 10*time.Minute + time.Second, func(e *Engine) {
			e.CheckSoon("r", key)
			e.CheckSoon("r", machine.Key{Task: "t1", Index: -1, Attempt: 1})
			e.CheckSoon("s", key)
			time.Sleep(10 * time.Minute)
			e.CheckSoon("r", key)
		}, 0, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFar(c.lasts)
			start := time.Now()
			sum := elsewhere(t, f, 1, nil, c.say)
			f.wantOneEach(t, sum, 1)
			if late := time.Since(start) - c.lasts; late < c.least || late > c.most {
				t.Errorf("%s: it ended %s after the work", c.what, late)
			}
		})
	}
}

// TestAHandleMaySayThatItIsDone: then the task has not to wait for its first check.
func TestAHandleMaySayThatItIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(0)
		start := time.Now()
		sum := elsewhere(t, soonFar{f}, 20, nil, nil)
		f.wantOneEach(t, sum, 20)
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}
