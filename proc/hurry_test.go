package proc

import (
	"context"
	"os"
	"testing"
	"time"
)

// A process that has an hour to end has a moment once it is told to hurry: whether it was being stopped
// already or not, and whatever it thinks of signals.
func TestHurry(t *testing.T) {
	for name, c := range map[string]struct {
		script  string
		stopped bool // politely, before
		want    string
	}{
		"a deaf one":                   {"trap '' TERM; touch ready; sleep 1000", false, "killed by signal 9 (SIGKILL)"},
		"a deaf one that is stopped":   {"trap '' TERM; touch ready; sleep 1000", true, "killed by signal 9 (SIGKILL)"},
		"one that listens":             {"trap 'exit 7' TERM; touch ready; sleep 1000 & wait", false, "exited with status 7"},
		"one that leaves a deaf child": {"trap '' TERM; sh -c 'sleep 1000' & trap 'exit 7' TERM; touch ready; wait", false, "exited with status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			hurry, now := context.WithCancel(context.Background())
			defer now()
			var told time.Time
			go func() {
				eventually(t, func() bool { _, err := os.Stat(dir + "/ready"); return err == nil })
				if c.stopped {
					cancel()
					time.Sleep(50 * time.Millisecond) // it is in the midst of its hour
				}
				told = time.Now()
				now()
				cancel()
			}()
			e, err := Run(WithHurry(ctx, hurry), Spec{Argv: []string{"sh", "-c", c.script}, Dir: dir, Env: os.Environ(), Grace: time.Hour})
			if err != nil || e.String() != c.want || !e.Stopped {
				t.Errorf("%s (stopped: %v, error: %v), want %s", e, e.Stopped, err, c.want)
			}
			if d := time.Since(told); d > 20*time.Second { // measured: 0.7 to 1.1 s; a busy machine has patience
				t.Errorf("it took %s", d)
			}
		})
	}
}
