package sim

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
)

// TestPlantedBugsAreCaught is R00: each bug, planted alone, breaks a promise, and the check that
// is there for it says so.
func TestPlantedBugsAreCaught(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, b := range Bugs() {
		t.Run(b.Name, func(t *testing.T) {
			stories := b.Seeds
			if soak() {
				stories *= 10
			}
			by, others := caught(b, stories)
			if by == "" {
				t.Fatalf("not caught as %q in %d stories; what they broke: %q", b.Caught, stories, others)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\n", b.Name, by)
		})
	}
	_ = w.Flush()
	t.Logf("bug → what catches it\n%s", table.String())
}

// caught looks for a story in which the check that the bug names fails.
func caught(b Bug, stories uint64) (by string, others []string) {
	for seed := uint64(1); seed <= stories; seed++ {
		_, err := Tell(seed, b, nil)
		if err == nil {
			continue
		}
		text, _, _ := strings.Cut(err.Error(), "\n")
		if strings.HasPrefix(text, b.Caught) {
			return fmt.Sprintf("seed %d: %.110s", seed, text), nil
		}
		others = append(others, fmt.Sprintf("%d: %.60s", seed, text))
	}
	return "", others
}
