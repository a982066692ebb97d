//go:build unix && !linux

package proc

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// family ends process groups; there is no way here to see what left them.
type family struct{}

var own family

func (*family) start(c *child) (err error) {
	c.pid, err = c.spec.fork()
	return err
}

// await reaps the foreground. Its number is free from then on, unless its group has members left,
// which is when it is signalled; that numbers go round within this moment is not provided for.
func (*family) await(c *child) error {
	for {
		if _, err := syscall.Wait4(c.pid, &c.status, 0, nil); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// end signals what is left of the group until there is nobody.
func (*family) end(c *child, soft time.Time) error {
	sig := syscall.SIGTERM
	for pause := time.Millisecond; syscall.Kill(-c.pid, sig) == nil; pause = min(2*pause, 20*time.Millisecond) {
		sig = 0 // just asks whether there is anybody
		now := time.Now()
		if now.After(soft) {
			sig = syscall.SIGKILL
		}
		if now.After(soft.Add(killPatience)) {
			return fmt.Errorf("cannot end process group %d: it is still there after SIGKILL", c.pid)
		}
		time.Sleep(pause)
	}
	return nil
}
