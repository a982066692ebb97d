package schedule

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"weft/machine"
)

// zones are all names of the zone database.
func zones(t *testing.T) map[string]*time.Location {
	t.Helper()
	text, err := os.ReadFile("../spec/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*time.Location{}
	for _, name := range strings.Fields(string(text)) {
		if all[name], err = time.LoadLocation(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A change is one of a zone's offset, as wall clocks show it.
type change struct {
	zone     *time.Location
	at       time.Time
	from, to time.Time // wall times that are left out, or come twice
	gap      bool
}

func changes(zone *time.Location, from, to int) (out []change) {
	t := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
	for {
		_, next := t.ZoneBounds()
		if next.IsZero() || next.UTC().Year() > to {
			return out
		}
		_, before := next.Add(-time.Second).Zone()
		_, after := next.Zone()
		low, high := min(before, after), max(before, after)
		if before != after {
			wall := func(offset int) time.Time { return next.UTC().Add(time.Duration(offset) * time.Second) }
			out = append(out, change{zone, next, wall(low), wall(high), after > before})
		}
		t = next
	}
}

// TestDailyThroughEveryChange is R08: a daily job whose wall time is in the middle of what a change leaves out or
// shows twice fires once in the 24 hours round it; an hourly one fires each real hour.
func TestDailyThroughEveryChange(t *testing.T) {
	all, once, gaps, hourly, odd := 0, 0, 0, 0, 0
	for name, zone := range zones(t) {
		for _, c := range changes(zone, 2020, 2030) {
			all++
			if c.gap {
				gaps++
			}
			mid := c.from.Add(c.to.Sub(c.from) / 2)
			if n := fires(t, zone, fmt.Sprintf("%d %d * * *", mid.Minute(), mid.Hour()), c.at, 12*time.Hour); n == 1 {
				once++
			} else {
				t.Errorf("%s, %v: the job of %s fires %d times", name, c.at, mid.Format("15:04"), n)
			}
			if c.to.Sub(c.from)%time.Hour != 0 {
				odd++ // half an hour: clocks that show :00 cannot be an hour apart
				continue
			}
			if n := fires(t, zone, "17 * * * *", c.at, 12*time.Hour); n == 24 {
				hourly++
			} else {
				t.Errorf("%s, %v: an hourly job fires %d times in 24 hours", name, c.at, n)
			}
		}
	}
	t.Logf("R08: daily %d of %d once (%d gaps, %d folds); hourly %d of %d real hours, %d changes by half an hour apart", once, all, gaps, all-gaps, hourly, all-odd, odd)
	if all < 2966 {
		t.Errorf("only %d changes: which zones are missing?", all)
	}
}

// fires counts ticks within a time of a moment.
func fires(t *testing.T, zone *time.Location, text string, at time.Time, within time.Duration) int {
	t.Helper()
	raw := fmt.Sprintf(`{"cron": %q, "interval": "none"}`, text)
	s, err := New(&machine.Plan{DAG: "d", Schedule: machine.Raw(raw)}, zone, at.Add(-within))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for tick, ok := s.Next(at.Add(-within)); ok && tick.At.Before(at.Add(within)); tick, ok = s.Next(tick.At) {
		n++
	}
	return n
}

// TestEachDaysJob: for each rule of change that there is, and each third half hour of a day, every day's job fires once.
func TestEachDaysJob(t *testing.T) {
	seen := map[string]bool{}
	n := 0
	for name, zone := range zones(t) {
		list := changes(zone, 2024, 2026)
		sign := ""
		for _, c := range list {
			sign += fmt.Sprint(c.at.Unix(), c.from.Unix(), ";")
		}
		if seen[sign] || len(list) == 0 {
			continue
		}
		seen[sign] = true
		from := time.Date(2024, 1, 1, 0, 0, 0, 0, zone)
		days := 3 * 365 // and a leap day, less the last
		for half := 0; half < 48; half += 3 {
			s := schedule(t, fmt.Sprintf(`{cron: "%d %d * * *", timezone: %s, interval: none}`, half%2*30, half/2, name), from)
			at := from.Add(-time.Second)
			for day := range days {
				tick, _ := s.Next(at)
				at = tick.At
				want := time.Date(2024, 1, 1+day, half/2, half%2*30, 0, 0, time.UTC)
				got := tick.At.In(zone)
				if late := time.Date(got.Year(), got.Month(), got.Day(), got.Hour(), got.Minute(), 0, 0, time.UTC).Sub(want); late < 0 || late > 3*time.Hour {
					t.Fatalf("%s: the job of %v fires at %v", name, want, got)
				}
				n++
			}
		}
	}
	t.Logf("%d days in %d zones with rules of their own, once each", n, len(seen))
}

// TestOddZones: days that surprised people.
func TestOddZones(t *testing.T) {
	for _, row := range []struct{ says, zone, cron, from, want string }{
		{"Lord Howe goes forward by half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03", "03 02:15, 04 02:30, 05 02:15"},
		{"… and back by it: 01:45 comes twice", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04", "04 01:45, 05 01:45, 06 01:45"},
		{"… and each hour is when clocks show it", "Australia/Lord_Howe", "0 * * * *", "2026-10-04T00:30", "04 01:00, 04 03:00, 04 04:00"},
		{"Apia had no 30 December 2011: its job fires when the 31st begins", "Pacific/Apia", "0 9 * * *", "2011-12-29", "29 09:00, 31 00:00, 31 09:00, 01 09:00"},
		{"… and at midnight the two are one", "Pacific/Apia", "0 0 * * *", "2011-12-29", "29 00:00, 31 00:00, 01 00:00"},
		{"Kwajalein left out 21 August 1993", "Pacific/Kwajalein", "0 12 * * *", "1993-08-20", "20 12:00, 22 00:00, 22 12:00"},
		{"Manila had 30 December 1844 not at all", "Asia/Manila", "0 12 * * SUN", "1844-12-20", "22 12:00, 29 12:00, 05 12:00"},
		{"Troll goes forward by two hours", "Antarctica/Troll", "0 1,2 * * *", "2026-03-29", "29 03:00, 30 01:00, 30 02:00"},
		{"Beirut has no midnight in March", "Asia/Beirut", "0 0 * * *", "2026-03-28", "28 00:00, 29 01:00, 30 00:00"},
		{"Havana has two midnights in November", "America/Havana", "0 0 * * *", "2026-10-31", "31 00:00, 01 00:00, 02 00:00"},
		{"Casablanca goes back for Ramadan", "Africa/Casablanca", "30 2 * * *", "2026-02-14", "14 02:30, 15 02:30, 16 02:30"},
		{"Pyongyang went back by half an hour", "Asia/Pyongyang", "45 23 * * *", "2015-08-13", "13 23:45, 14 23:45, 15 23:45"},
		{"Kathmandu is at a quarter, and never changes", "Asia/Kathmandu", "15 6 * * *", "2026-03-28", "28 06:15, 29 06:15"},
		{"far years end too: beyond what the database lists", "Europe/Berlin", "30 2 * * *", "2040-12-30", "30 02:30, 31 02:30, 01 02:30"},
		{"… and have leap days", "Europe/Berlin", "0 0 29 2 *", "4144-01-01", "29 00:00, 29 00:00"},
		{"UTC never changes", "UTC", "30 2 * * *", "2026-03-28", "28 02:30, 29 02:30, 30 02:30"},
	} {
		s := schedule(t, fmt.Sprintf(`{cron: %q, timezone: %s, start: "%s", interval: none}`, row.cron, row.zone, row.from), time.Time{})
		var got []string
		at := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		for range strings.Split(row.want, ", ") {
			tick, _ := s.Next(at)
			got, at = append(got, tick.At.In(s.Zone()).Format("02 15:04")), tick.At
		}
		if strings.Join(got, ", ") != row.want {
			t.Errorf("%s: %s, not %s", row.says, strings.Join(got, ", "), row.want)
		}
	}
}

// TestTicksAreAScan is R09's second half, with zones: random texts in random zones, held against a walk through
// every minute that reads the clock on the wall and remembers what it has shown.
func TestTicksAreAScan(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 8))
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Antarctica/Troll", "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Asia/Gaza"}
	n := 0
	for range 250 {
		name := names[r.IntN(len(names))]
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		text := randomText(r)
		skip, both := r.IntN(3) == 0, r.IntN(3) == 0
		dst := fmt.Sprintf("{gap: %s, fold: %s}", map[bool]string{true: "skip", false: "next"}[skip], map[bool]string{true: "both", false: "first"}[both])
		from := time.Date(2010+r.IntN(20), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
		if list := changes(zone, 2010, 2029); len(list) > 0 && r.IntN(4) > 0 {
			from = list[r.IntN(len(list))].at.Add(-time.Duration(r.IntN(48*60)) * time.Minute).Truncate(time.Minute)
		}
		to := from.Add(4 * 24 * time.Hour)
		s := schedule(t, fmt.Sprintf("{cron: %q, timezone: %s, interval: none, dst: %s}", text, name, dst), from)
		want := scan(text, zone, from, to, skip, both)
		at := from.Add(-time.Second)
		for i := 0; ; i++ {
			tick, ok := s.Next(at)
			if !ok || !tick.At.Before(to) {
				if i != len(want) {
					t.Errorf("%s in %s %s: %d ticks from %v, a scan finds %d; next %v", text, name, dst, i, from, len(want), want[i])
				}
				break
			}
			if i >= len(want) || !tick.At.Equal(want[i]) {
				t.Fatalf("%s in %s %s: tick %d from %v is %v; a scan finds %v", text, name, dst, i, from, tick.At.In(zone), want[min(i, len(want)-1):])
			}
			at = tick.At
			n++
		}
	}
	t.Logf("%d ticks of 250 texts", n)
}

func randomText(r *rand.Rand) string {
	number := func(low, high int) string {
		a, b := low+r.IntN(high-low+1), low+r.IntN(high-low+1)
		return []string{"*", "*", fmt.Sprint(a), fmt.Sprintf("%d,%d", a, b), fmt.Sprintf("%d-%d", min(a, b), max(a, b)), fmt.Sprintf("*/%d", 2+r.IntN((high-low)/2))}[r.IntN(6)]
	}
	hour := number(0, 23)
	if r.IntN(2) == 0 {
		hour = []string{"1", "2", "3", "0,2", "1-3", "*/2", "2,3"}[r.IntN(7)]
	}
	dom, dow := "*", "*"
	switch r.IntN(4) {
	case 0:
		dom = number(1, 28)
	case 1:
		dow = number(0, 6)
	}
	return strings.Join([]string{number(0, 59), hour, dom, "*", dow}, " ")
}

// scan walks the minutes of real time, from two days before, and reads the clock at each.
func scan(text string, zone *time.Location, from, to time.Time, skip, both bool) (out []time.Time) {
	var has [5][60]bool
	for i, field := range strings.Fields(text) {
		for v := range has[i] {
			has[i][v] = reads(field, v, map[int]int{2: 1, 3: 1}[i])
		}
	}
	each := true
	for h := range 24 {
		each = each && has[1][h]
	}
	names := func(w time.Time) bool {
		return has[0][w.Minute()] && has[1][w.Hour()] && has[2][w.Day()] && has[4][w.Weekday()]
	}
	wallOf := func(u time.Time) time.Time {
		v := u.In(zone)
		return time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), 0, 0, time.UTC)
	}
	shown := map[time.Time]bool{}
	before := wallOf(from.Add(-48*time.Hour - time.Minute))
	for u := from.Add(-48 * time.Hour); u.Before(to); u = u.Add(time.Minute) {
		wall := wallOf(u)
		hit := names(wall) && (each || both || !shown[wall])
		for w := before.Add(time.Minute); w.Before(wall) && !each && !skip; w = w.Add(time.Minute) {
			hit = hit || names(w) // what the clock has jumped over
		}
		shown[wall] = true
		before = wall
		if hit && !u.Before(from) {
			out = append(out, u)
		}
	}
	return out
}

// reads tells whether a field of a plain cron text has a value.
func reads(field string, v, low int) bool {
	for _, part := range strings.Split(field, ",") {
		a, b := 0, 0
		if part == "*" {
			return true
		}
		if n, _ := fmt.Sscanf(part, "*/%d", &a); n == 1 && (v-low)%a == 0 {
			return true
		}
		switch n, _ := fmt.Sscanf(part, "%d-%d", &a, &b); {
		case n == 1 && a == v, n == 2 && a <= v && v <= b:
			return true
		}
	}
	return false
}
