package schedule

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"weft/machine"
)

// plan makes a plan of a schedule as YAML has it.
func plan(t testing.TB, text string) (*machine.Plan, *time.Location) {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte("v: "+quoteTimes(text)), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	v = v.(map[string]any)["v"]
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	p := &machine.Plan{DAG: "d", Schedule: raw}
	if m, ok := v.(map[string]any); ok {
		p.Timezone, _ = m["timezone"].(string)
	}
	zone, err := time.LoadLocation(p.Timezone)
	if err != nil {
		t.Fatal(err)
	}
	return p, zone
}

// quoteTimes keeps the test's reader of YAML from reading times and presets its own way.
func quoteTimes(text string) string {
	if text[0] == '@' || text[0] == '*' {
		return `"` + text + `"`
	}
	for _, key := range []string{"start: ", "end: "} {
		head, rest, ok := strings.Cut(text, key)
		if ok && rest[0] != '"' {
			n := strings.IndexAny(rest, ",}")
			text = head + key + `"` + rest[:n] + `"` + rest[n:]
		}
	}
	return text
}

func schedule(t testing.TB, text string, seen time.Time) *Schedule {
	t.Helper()
	p, zone := plan(t, text)
	s, err := New(p, zone, seen)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// TestTicks: schedules, and their first ticks with their intervals. A tick is `begin/end`, or one moment.
func TestTicks(t *testing.T) {
	seen := time.Date(2026, 3, 28, 12, 34, 56, 0, time.UTC)
	for _, row := range []struct{ says, text, want string }{
		{"a daily tick covers the day before it, from the first whole one", `@daily`, "29 00:00/30 00:00, 30 00:00/31 00:00"},
		{"a start on a tick begins an interval", `{cron: "@daily", start: 2026-03-28}`, "28 00:00/29 00:00, 29 00:00/30 00:00"},
		{"interval none is the moment itself, and start one of them", `{cron: "@daily", start: 2026-03-28, interval: none}`, "28 00:00, 29 00:00"},
		{"every counts from 1970", `every 7m`, "28 12:40/28 12:47, 28 12:47/28 12:54"},
		{"every with a start counts from it", `{every: 7h, start: 2026-03-28T01:00:00Z}`, "28 01:00/28 08:00, 28 08:00/28 15:00"},
		{"times stand for themselves", `{at: ["2026-03-30T08:00:00Z", "2026-03-29T08:00:00Z", "2026-03-30T08:00:00Z"]}`, "29 08:00, 30 08:00, none"},
		{"times with interval previous have intervals between them", `{at: ["2026-03-30T08:00:00Z", "2026-03-29T08:00:00Z"], interval: previous}`, "29 08:00/30 08:00, none"},
		{"times before the start are none", `{at: ["2026-03-01T08:00:00Z", "2026-03-29T08:00:00Z"]}`, "29 08:00, none"},
		{"several texts are one row of ticks", `["0 6 * * *", "0 18 * * *", "0 6 * * MON"]`, "28 18:00/29 06:00, 29 06:00/29 18:00, 29 18:00/30 06:00"},
		{"the end is the last logical date", `{cron: "@daily", start: 2026-03-28, end: 2026-03-29}`, "28 00:00/29 00:00, 29 00:00/30 00:00, none"},
		{"wall times are the zone's", `{cron: "0 9 * * *", timezone: Europe/Berlin, start: 2026-03-28}`, "28 08:00/29 07:00, 29 07:00/30 07:00"},
		{"a start is the zone's wall time", `{cron: "0 0 * * *", timezone: Asia/Tokyo, start: 2026-03-28}`, "27 15:00/28 15:00"},
		{"a wall time in the gap fires at once after it", `{cron: "30 2 * * *", timezone: Europe/Berlin, start: 2026-03-28}`, "28 01:30/29 01:00, 29 01:00/30 00:30"},
		{"… or not", `{cron: "30 2 * * *", timezone: Europe/Berlin, start: 2026-03-28, dst: {gap: skip}}`, "28 01:30/30 00:30"},
		{"the whole gap fires once", `{cron: "*/10 2 * * *", timezone: Europe/Berlin, start: 2026-03-29, interval: none}`, "29 01:00, 30 00:00, 30 00:10"},
		{"each hour follows real hours over a gap", `{cron: "30 * * * *", timezone: Europe/Berlin, start: 2026-03-29T01:00, interval: none}`, "29 00:30, 29 01:30, 29 02:30"},
		{"some hours are wall times, each once", `{cron: "0 */2 * * *", timezone: Europe/Berlin, start: 2026-03-29, interval: none}`, "28 23:00, 29 01:00, 29 02:00"},
		{"once is at its start", `{cron: "@once", start: 2026-03-28}`, "28 00:00, none"},
		{"once is when it was first seen", `@once`, "28 12:34, none"},
		{"no schedule has no ticks", `null`, "none"},
	} {
		s := schedule(t, row.text, seen)
		var got []string
		var at time.Time
		for range strings.Split(row.want, ", ") {
			tick, ok := s.Next(at)
			at = tick.At
			switch from, to := tick.From.Format("02 15:04"), tick.To.Format("02 15:04"); {
			case !ok:
				got = append(got, "none")
			case from == to:
				got = append(got, from)
			default:
				got = append(got, from+"/"+to)
			}
		}
		if text := strings.Join(got, ", "); text != row.want {
			t.Errorf("%s: %s: %s, not %s", row.says, row.text, text, row.want)
		}
	}
}

// TestFold: what comes twice fires the first time, or both.
func TestFold(t *testing.T) {
	seen := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		`{cron: "30 2 * * *", timezone: Europe/Berlin, interval: none}`:                    "25 00:30, 26 01:30",
		`{cron: "30 2 * * *", timezone: Europe/Berlin, interval: none, dst: {fold: both}}`: "25 00:30, 25 01:30, 26 01:30",
		`{cron: "0 2,3 * * *", timezone: Europe/Berlin, interval: none}`:                   "25 00:00, 25 02:00, 26 01:00",
		`{cron: "0 * * * *", timezone: Europe/Berlin, interval: none}`:                     "24 22:00, 24 23:00, 25 00:00, 25 01:00, 25 02:00",
		`{every: 1h, timezone: Europe/Berlin, interval: none, dst: {fold: first}}`:         "24 22:00, 24 23:00, 25 00:00, 25 01:00, 25 02:00",
	} {
		s := schedule(t, text, seen)
		var got []string
		at := seen.Add(-time.Second)
		for range strings.Split(want, ", ") {
			tick, _ := s.Next(at)
			got, at = append(got, tick.At.Format("02 15:04")), tick.At
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, not %s", text, got, want)
		}
	}
}

// TestRunIDAndJitter: ids are Airflow's; jitter moves the start alone, by what the DAG's name says.
func TestRunIDAndJitter(t *testing.T) {
	seen := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	p, zone := plan(t, `{cron: "0 2 * * *", jitter: 10m}`)
	shares := map[time.Duration]bool{}
	for _, dag := range strings.Fields("a b c d e f load_1 load_2 load_3 load_4") {
		p.DAG = dag
		s, err := New(p, zone, seen)
		if err != nil {
			t.Fatal(err)
		}
		one, _ := s.Next(seen)
		two, _ := s.Next(one.At)
		if one.RunID() != "scheduled__2026-03-29T02:00:00+00:00" {
			t.Errorf("run id %s", one.RunID())
		}
		share := one.Due.Sub(one.At)
		if share < 0 || share >= 10*time.Minute || two.Due.Sub(two.At) != share {
			t.Errorf("%s: moved by %v, then by %v", dag, share, two.Due.Sub(two.At))
		}
		if d := s.Due(Question{Now: one.Due.Add(-time.Millisecond)}); len(d.Runs) != 0 {
			t.Errorf("%s: it runs before it is due", dag)
		}
		if d := s.Due(Question{Now: one.Due}); len(d.Runs) != 1 {
			t.Errorf("%s: it does not run when it is due", dag)
		}
		shares[share] = true
	}
	if len(shares) < 9 {
		t.Errorf("ten DAGs share %d moments", len(shares))
	}
}

// TestRefused: what the validator would not have let pass is an error, in words.
func TestRefused(t *testing.T) {
	for raw, want := range map[string]string{
		`"0 0 30 2 *"`:                              "never fires",
		`"61 * * * *"`:                              "61 is no minute",
		`["@once", "0 0 * * *"]`:                    "@once stands alone",
		`{"start": "2026-01-01"}`:                   "does not say when",
		`{"every": "0s"}`:                           "no duration",
		`{"every": "15"}`:                           "no duration",
		`{"at": ["tomorrow"]}`:                      `"tomorrow" is no time`,
		`{"cron": "@daily", "start": "x"}`:          "`start`",
		`{"cron": "@daily", "catchup": {"max": 0}}`: "`catchup` is",
		`{"cron": "@daily", "catchup": "newest"}`:   "`catchup` is",
		`{"cron": "@daily", "jitter": "a while"}`:   "`jitter`",
		`{"cron": {"minute": 5}}`:                   "neither",
		`7`:                                         "neither",
		`[]`:                                        "does not say when",
		`"@sometimes"`:                              "@sometimes",
	} {
		_, err := New(&machine.Plan{DAG: "d", Schedule: machine.Raw(raw)}, nil, time.Unix(0, 0))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %s", raw, err, want)
		}
	}
}

// FuzzSchedule: whatever stands in a plan, reading it ends, and its ticks go forward.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{
		`"30 2 * * *"`, `["0 6 * * *", "*/7 * * * 1"]`, `"every 15m"`, `{"every": "1ms"}`, `{"at": ["2026-01-31", "2026-10-25 02:30"]}`,
		`{"cron": "0 2 L * *", "timezone": "x", "start": "2026-03-29T02:30", "end": "2030-01-01", "catchup": {"max": 3}, "dst": {"gap": "skip", "fold": "both"}, "jitter": "10m", "interval": "none"}`,
		`"@once"`, `{"cron": ["@continuous"]}`, `null`, `{"every": "106751d", "start": "0001-01-01"}`, `{"at": ["9999-12-31T23:59:59Z", "0001-01-01"]}`,
	} {
		f.Add(s, int64(1_774_000_000))
	}
	zone, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string, unix int64) {
		now := time.Unix(unix%(1<<36), 0)
		s, err := New(&machine.Plan{DAG: "d", Schedule: machine.Raw(raw)}, zone, now)
		if err != nil {
			return
		}
		at := now.Add(-time.Hour)
		for range 3 {
			tick, ok := s.Next(at)
			if !ok {
				break
			}
			if s.Kind() != Continuous && !tick.At.After(at) || tick.From.After(tick.To) || tick.Due.Before(tick.At) {
				t.Fatalf("%s after %v: %+v", raw, at, tick)
			}
			at = tick.At
		}
		d := s.Due(Question{Now: now.Add(2 * time.Hour), Away: []Absence{{From: now, To: now.Add(time.Hour), Why: Down}}})
		for i := 1; i < len(d.Runs); i++ {
			if !d.Runs[i].At.After(d.Runs[i-1].At) {
				t.Fatalf("%s: runs out of order", raw)
			}
		}
	})
}
