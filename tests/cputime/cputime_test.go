package cputime

import (
	"runtime"
	"testing"
	"time"
)

func TestWhatWorksCountsAndWhatWaitsDoesNot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the time of a thread is known on Linux alone")
	}
	if took := Of(func() { time.Sleep(50 * time.Millisecond) }); took > 25*time.Millisecond {
		t.Errorf("to sleep 50 ms takes %v", took)
	}
	var sum int
	took := Of(func() {
		for begun := spent(); spent()-begun < 20*time.Millisecond; {
			for i := range 1000 {
				sum += i
			}
		}
	})
	if took < 20*time.Millisecond || took > time.Second {
		t.Errorf("to work 20 ms takes %v (%d)", took, sum)
	}
}
