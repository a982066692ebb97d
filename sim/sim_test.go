package sim

import (
	"flag"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "play this one story, with its trace")
	fromFlag  = flag.Uint64("from", 1, "the first seed")
	countFlag = flag.Uint64("count", 500, "how many")
)

func TestStories(t *testing.T) {
	if *seedFlag != 0 {
		st, err := Tell(*seedFlag, Bug{}, t.Logf)
		t.Logf("%+v", st)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	bad := 0
	for i := range *countFlag {
		seed := *fromFlag + i
		if _, err := Tell(seed, Bug{}, nil); err != nil {
			t.Errorf("seed %d: %v", seed, err)
			if bad++; bad > 15 {
				break
			}
		}
	}
}
