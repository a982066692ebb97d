package scheduler

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestACrowdIsDueInOneMinute is R23 in virtual time: 1,000 DAGs are due in the same minute, 60 minutes long, and the server is
// killed now and then. No tick is lost, and none is late by more than the round it came in.
func TestACrowdIsDueInOneMinute(t *testing.T) {
	dags, minutes := 100, 60
	if os.Getenv("WEFT_SOAK") != "" {
		dags = 1000
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memories[0])
		for i := range dags {
			b.files[fmt.Sprintf("d%04d", i)] = "schedule: \"* * * * *\"\ntasks: {t: {run: echo}}\n"
		}
		b.publish()
		b.serve()
		for m := range minutes {
			b.pass(time.Minute)
			if m%13 == 7 {
				b.end(true)
				b.serve()
			}
		}
		b.pass(time.Second)
		for i := range dags {
			id := fmt.Sprintf("d%04d", i)
			if missed := b.missedOf(id); missed != "" {
				t.Errorf("%s missed %s", id, missed)
			}
		}
		if n := len(b.began); n != dags*minutes {
			t.Errorf("%d runs began, not %d", n, dags*minutes)
		}
		b.end(false)
	})
}
