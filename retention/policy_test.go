package retention

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weft/machine"
	"weft/store"
)

// Each row is the runs of a home, newest first, as "id[!] dag type days": created, due and, unless it
// has a !, ended so many days ago. What may go is listed by age.
func TestWhichRunsMayGo(t *testing.T) {
	const nightly = "s1 d scheduled 1|s2 d scheduled 40|s3 d scheduled 50|s4 d scheduled 60"
	for _, c := range []struct {
		name, runs string
		policy     Policy
		want       string
	}{
		{"old ones", "a d manual 29|b d manual 30|c d manual 31", Policy{30 * day, 0, ""}, "c b"},
		{"but the newest", "a d manual 40|b d manual 41|c d manual 42", Policy{30 * day, 2, ""}, "c"},
		{"of each DAG", "a d manual 40|b e manual 41|c d manual 42|f e manual 43", Policy{30 * day, 1, ""}, "f c"},
		{"of one DAG", "a d manual 40|b e manual 41|c d manual 42|f e manual 43", Policy{30 * day, 1, "e"}, "f"},
		{"none of a DAG that is not there", "a d manual 40", Policy{0, 0, "f"}, ""},
		{"never one that is not over", "a! d manual 400", Policy{0, 0, ""}, ""},
		{"what is not over counts among the newest", "a! d manual 40|b d manual 41", Policy{0, 1, ""}, "b"},
		{"the newest scheduled stays, however old", "m d manual 1|s d scheduled 400|t d scheduled 401", Policy{0, 0, ""}, "t m"},
		{"and the newest that is not manual", "b d backfill 1|s d scheduled 400|c d backfill 401", Policy{0, 0, ""}, "c"},
		{"@once, years ago", "s d scheduled 4000", Policy{0, 0, ""}, ""},
		{"a nightly one", nightly, Policy{45 * day, 1, ""}, "s4 s3"},
		{"the one before a run that still goes on", "s1! d scheduled 1|s2 d scheduled 40|s3 d scheduled 50", Policy{0, 0, ""}, "s3"},
		{"of each that does", "s1 d scheduled 1|s2! d backfill 40|s3 d scheduled 50|s4! d scheduled 60|s5 d backfill 70|s6 d scheduled 80", Policy{0, 0, ""}, "s6"},
		{"manual ones are not what it asks for", "s1! d scheduled 1|m d manual 2|s2 d scheduled 3", Policy{0, 0, ""}, "m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rows []store.Run
			for line := range strings.SplitSeq(c.runs, "|") {
				f := strings.Fields(line)
				days, err := strconv.Atoi(f[3])
				if err != nil {
					t.Fatal(err)
				}
				at := now.Add(-time.Duration(days) * day)
				r := store.Run{ID: strings.TrimSuffix(f[0], "!"), DAG: f[1], Type: f[2], LogicalDate: at, CreatedAt: at, State: machine.RunRunning}
				if r.ID == f[0] {
					r.State, r.FinishedAt = machine.RunFailed, at
				}
				rows = append(rows, r)
			}
			slices.SortFunc(rows, store.Newest)
			var got []string
			for _, r := range choose(rows, c.policy, now.Add(-c.policy.OlderThan)) {
				got = append(got, r.ID)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q may go, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}
