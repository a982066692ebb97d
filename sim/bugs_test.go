package sim

import (
	"strings"
	"testing"
)

func TestPlantedBugsAreCaught(t *testing.T) {
	for _, b := range Bugs() {
		t.Run(b.Name, func(t *testing.T) {
			n := 0
			for seed := uint64(1); seed <= 400; seed++ {
				if _, err := Tell(seed, b, nil); err != nil {
					n++
					t.Logf("seed %d: %.150s", seed, err)
					if n > 3 || strings.HasPrefix(err.Error(), b.Caught) {
						return
					}
				}
			}
			t.Error("none")
		})
	}
}
