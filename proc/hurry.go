package proc

import (
	"context"
	"time"
)

// hurryGrace is what a process gets, instead of its own grace, once it is told to hurry: it and all that
// it leaves behind are gone well within two seconds.
const hurryGrace = 700 * time.Millisecond

type hurryKey struct{}

// WithHurry returns a context by which processes that Run runs are stopped at once when hurry ends,
// with a grace of less than a second, even where they had begun to end with a longer one.
func WithHurry(ctx, hurry context.Context) context.Context {
	return context.WithValue(ctx, hurryKey{}, hurry)
}

// onHurry has do called when it is time to hurry, unless stop is called before.
func onHurry(ctx context.Context, do func()) (stop func() bool) {
	hurry, ok := ctx.Value(hurryKey{}).(context.Context)
	if !ok {
		return func() bool { return true }
	}
	return context.AfterFunc(hurry, do)
}

// hasten stops the group, or shortens the stop it is under.
func (c *child) hasten() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.signal(min(c.spec.Grace, hurryGrace))
	}
}
