package schedule

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"weft/machine"
)

// TestVectors is R09's first half: what the tests of four cron libraries state (testdata/vectors.txt) holds here too,
// but for what that file lists, each with its reason.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	same, listed := map[string]int{}, 0
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) != 5 && len(f) != 7 {
			t.Fatalf("line %d: %d columns", i+1, len(f))
		}
		got := answer(t, f[1], f[2], f[3])
		switch {
		case len(f) == 7 && f[4] == f[5]:
			t.Errorf("line %d: it is listed as different, and is not", i+1)
		case len(f) == 7 && got == f[5]:
			listed++
		case len(f) == 5 && got == f[4]:
			same[f[0]]++
		default:
			t.Errorf("line %d: %s: %s after %s in %s: %s", i+1, f[0], f[1], f[3], f[2], got)
		}
	}
	t.Logf("R09: as stated by %v; %d listed differences", same, listed)
	if len(same) < 4 {
		t.Errorf("vectors of %d libraries", len(same))
	}
}

// answer gives the first tick after a moment, written as the moment is; of a row "at" a moment, whether that is one.
func answer(t *testing.T, text, zone, from string) string {
	t.Helper()
	asksAt := zone == "at"
	if asksAt {
		zone = "UTC"
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(map[string]any{"cron": text, "interval": "none"})
	s, err := New(&machine.Plan{DAG: "d", Schedule: raw}, loc, time.Time{})
	if err != nil {
		if strings.Contains(err.Error(), "never fires") {
			return "never"
		}
		return "refused"
	}
	if from == "" {
		return "accepted"
	}
	layout := "2006-01-02T15:04:05Z07:00"
	at, err := time.Parse(layout, from)
	if err != nil {
		layout = "2006-01-02T15:04:05"
		if at, err = time.ParseInLocation(layout, from, loc); err != nil {
			t.Fatal(err)
		}
	}
	if asksAt {
		tick, _ := s.Next(at.Add(-time.Second))
		return map[bool]string{true: "fires", false: "silent"}[tick.At.Equal(at)]
	}
	tick, ok := s.Next(at)
	if !ok {
		return "never"
	}
	return tick.At.In(loc).Format(layout)
}
