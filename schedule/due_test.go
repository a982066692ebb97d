package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A life is what a DAG and its server go through, minute by minute: the naive account of what Due says at once.
type life struct {
	start         time.Time
	paused, down  []bool // by minute
	asks          []bool // minutes at which the server asks, being there
	isTick        []bool
	seen, catchup int
}

// oracle walks the minutes. Whoever comes back looks at what was missed, and takes the newest of it. It knows no spans,
// no horizon and no ring.
func (l life) oracle() (runs []int, missed map[int]Why) {
	missed = map[int]Why{}
	var backlog []int
	for m := range l.isTick {
		away := m < l.seen || l.paused[m] || l.down[m]
		if !away && len(backlog) > 0 {
			from := max(0, len(backlog)-l.catchup)
			runs = append(runs, backlog[from:]...)
			for _, b := range backlog[from:] {
				delete(missed, b)
			}
			backlog = nil
		}
		if !l.isTick[m] {
			continue
		}
		if !away {
			runs = append(runs, m)
			continue
		}
		backlog = append(backlog, m)
		switch {
		case l.paused[m]:
			missed[m] = Paused
		case m < l.seen:
			missed[m] = Unseen
		default:
			missed[m] = Down
		}
	}
	for _, b := range backlog { // nobody has come back: nothing is decided
		delete(missed, b)
	}
	return runs, missed
}

// stretches turns minutes into absences.
func (l life) stretches(away []bool, why Why) (out []Absence) {
	for m := 0; m < len(away); m++ {
		if !away[m] {
			continue
		}
		from := m
		for m < len(away) && away[m] {
			m++
		}
		a := Absence{From: l.at(from), To: l.at(m), Why: why}
		if m == len(away) {
			a.To = time.Time{}
		}
		out = append(out, a)
	}
	return out
}

func (l life) at(m int) time.Time { return l.start.Add(time.Duration(m) * time.Minute) }

// TestDowntimesAndPauses is R10: random downtimes, pauses and policies, asked at random moments; the runs and the
// missed ticks are, one by one, those of a walk through every minute.
func TestDowntimesAndPauses(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 10))
	const lives = 1000
	right, runs, missed := 0, 0, 0
	for range lives {
		l, s, text := randomLife(t, r)
		wantRuns, wantMissed := l.oracle()
		gotRuns, gotMissed := l.ask(t, s)
		runs, missed = runs+len(wantRuns), missed+len(wantMissed)
		if !slices.Equal(gotRuns, wantRuns) || fmt.Sprint(gotMissed) != fmt.Sprint(wantMissed) {
			t.Errorf("%s: runs at minutes %v, not %v; missed %v, not %v", text, gotRuns, wantRuns, gotMissed, wantMissed)
			continue
		}
		right++
	}
	t.Logf("R10: %d of %d lives exact: %d runs, %d missed ticks", right, lives, runs, missed)
	if runs < lives || missed < lives {
		t.Errorf("too little happened in these lives to show anything: %d runs, %d missed", runs, missed)
	}
}

func randomLife(t *testing.T, r *rand.Rand) (life, *Schedule, string) {
	minutes := 200 + r.IntN(3000)
	l := life{start: time.Date(2026, 3, 1+r.IntN(28), 0, 0, 0, 0, time.UTC), paused: make([]bool, minutes), down: make([]bool, minutes), isTick: make([]bool, minutes), asks: make([]bool, minutes)}
	every := []int{1, 5, 15, 60, 240}[r.IntN(5)]
	cronText := map[int]string{1: "* * * * *", 5: "*/5 * * * *", 15: "*/15 * * * *", 60: "0 * * * *", 240: "0 */4 * * *"}[every]
	policy := []string{"false", "last", "{max: 3}", "{max: 40}", "all"}[r.IntN(5)]
	l.catchup = map[string]int{"false": 0, "last": 1, "{max: 3}": 3, "{max: 40}": 40, "all": 1 << 30}[policy]
	if r.IntN(3) == 0 {
		l.seen = r.IntN(minutes / 2)
	}
	fill := func(set []bool) {
		for range r.IntN(6) {
			from := r.IntN(minutes)
			for m := from; m < min(minutes, from+1+r.IntN(minutes/4)); m++ {
				set[m] = true
			}
		}
	}
	fill(l.paused)
	fill(l.down)
	for m := range minutes {
		l.isTick[m] = m%every == 0 && m >= every // the first tick ends the first whole interval
		l.asks[m] = r.IntN(20) == 0 && m >= l.seen && !l.down[m]
	}
	l.asks[minutes-1] = true
	when := fmt.Sprintf("cron: %q", cronText)
	if r.IntN(2) == 0 {
		when = fmt.Sprintf("every: %dm", every)
	}
	text := fmt.Sprintf("{%s, start: %s, catchup: %s}", when, l.start.Format(time.RFC3339), policy)
	return l, schedule(t, text, l.at(l.seen)), text
}

// ask asks Due at the moments of the life, each time with what has been decided before.
func (l life) ask(t *testing.T, s *Schedule) (runs []int, missed map[int]Why) {
	missed = map[int]Why{}
	away := append(l.stretches(l.paused, Paused), l.stretches(l.down, Down)...)
	minute := func(at time.Time) int { return int(at.Sub(l.start) / time.Minute) }
	var last time.Time
	for m, asks := range l.asks {
		if !asks {
			continue
		}
		now := l.at(m)
		var known []Absence // what has not ended yet is not known to end
		for _, a := range away {
			if a.From.After(now) {
				continue
			}
			if a.To.After(now) {
				a.To = time.Time{}
			}
			known = append(known, a)
		}
		d := s.Due(Question{Now: now, Last: last, Away: known})
		for _, tick := range d.Runs {
			runs = append(runs, minute(tick.At))
		}
		for _, x := range d.Missed {
			n := 0
			for at := x.First.At; !at.After(x.Last.At); n++ {
				missed[minute(at)] = x.Why
				next, _ := s.Next(at)
				at = next.At
			}
			if n != x.Count || x.More {
				t.Errorf("a record of %v to %v counts %d, there are %d", x.First.At, x.Last.At, x.Count, n)
			}
		}
		last = d.Last
	}
	return runs, missed
}

// TestAMillionTicks: what is too much to catch up is recorded, few records and few runs, and at once.
func TestAMillionTicks(t *testing.T) {
	seen := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		text         string
		runs, missed int
		more         bool
	}{
		{`{every: 1m, start: "2026-05-20", catchup: all}`, MaxCatchup, 12*1440 - 1 - MaxCatchup, false},
		{`{every: 1m, start: "2026-05-20"}`, 0, 12*1440 - 1, false},
		{`{every: 1s, start: "1996-01-01", catchup: all}`, MaxCatchup, MaxCounted, true},
		{`{every: 1ms, start: "0001-01-01", catchup: all}`, MaxCatchup, MaxCounted, true},
		{`{cron: "* * * * * *", start: "1996-01-01", catchup: last}`, 1, MaxCounted, true},
		{`{cron: "* * * * * *", start: "1996-01-01"}`, 0, MaxCounted, true},
		{`{cron: "* * * * *", start: "1970-01-01", timezone: Europe/Berlin, catchup: {max: 7}}`, 7, MaxCounted, true},
	} {
		s := schedule(t, row.text, seen)
		began := time.Now()
		d := s.Due(Question{Now: seen})
		missed, more := 0, false
		for _, m := range d.Missed {
			missed, more = missed+m.Count, more || m.More
		}
		// The tick at seen itself is met; it is one run more.
		if len(d.Runs) != row.runs+1 || missed < row.missed || missed > row.missed+MaxCatchup || !row.more && missed != row.missed || more != row.more || len(d.Missed) > 1 {
			t.Errorf("%s: %d runs, %d missed (more: %v) in %d records", row.text, len(d.Runs), missed, more, len(d.Missed))
			continue
		}
		if len(d.Missed) == 1 {
			m := d.Missed[0]
			if next, _ := s.Next(m.Last.At); !next.At.Equal(d.Runs[0].At) {
				t.Errorf("%s: the record ends at %v, the runs begin at %v", row.text, m.Last.At, d.Runs[0].At)
			}
			t.Logf("%s: %d runs, %d missed, %v: %s", row.text, len(d.Runs), missed, time.Since(began).Round(time.Millisecond), m.Reason())
		}
	}
}

// TestDue: what becomes of ticks, in sentences.
func TestDue(t *testing.T) {
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		v, err := time.Parse("2 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2026, 6, v.Day(), v.Hour(), v.Minute(), v.Second(), 0, time.UTC)
	}
	away := func(why Why, from, to string) Absence { return Absence{at(from), at(to), why} }
	for _, row := range []struct {
		says, text string
		q          Question
		want       string
	}{
		{
			"nobody was away: all run", `@hourly`,
			Question{Now: at("1 03:30:00")},
			"run 01 run 02 run 03",
		},
		{
			"a server that is back after five seconds has missed nothing", `@hourly`,
			Question{Now: at("1 02:00:05"), Last: at("1 01:00:00"), Grace: time.Minute, Away: []Absence{away(Down, "1 01:59:58", "1 02:00:04")}},
			"run 02",
		},
		{
			"grace is for servers, not for a pause", `@hourly`,
			Question{Now: at("1 02:00:05"), Last: at("1 01:00:00"), Grace: time.Minute, Away: []Absence{away(Paused, "1 01:59:58", "1 02:00:04")}},
			"missed 02-02 1 paused",
		},
		{
			"while the pause lasts, nothing is decided", `{cron: "@hourly", catchup: all}`,
			Question{Now: at("1 04:00:00"), Away: []Absence{away(Paused, "1 01:30:00", "")}},
			"run 01",
		},
		{
			"the newest of each pause runs", `{cron: "@hourly", catchup: last}`,
			Question{Now: at("1 07:00:00"), Away: []Absence{away(Paused, "1 04:30:00", "1 06:30:00"), away(Paused, "1 00:30:00", "1 03:30:00")}},
			"run 03 run 04 run 06 run 07 missed 01-02 2 paused missed 05-05 1 paused",
		},
		{
			"a pause within a downtime is one absence", `{cron: "@hourly", catchup: last}`,
			Question{Now: at("1 07:00:00"), Away: []Absence{away(Down, "1 00:30:00", "1 06:30:00"), away(Paused, "1 02:30:00", "1 04:30:00")}},
			"run 06 run 07 missed 01-02 2 down missed 03-04 2 paused missed 05-05 1 down",
		},
		{
			"@once waits until somebody is there, and is one ever", `{cron: "@once", start: 2026-06-01T01:00:00Z}`,
			Question{Now: at("1 07:00:00"), Away: []Absence{away(Down, "1 00:30:00", "1 06:30:00")}},
			"run 01",
		},
		{"@once is one ever", `@once`, Question{Now: at("1 07:00:00"), Last: at("1 00:00:00")}, ""},
		{"@once waits for the end of a pause", `@once`, Question{Now: at("1 07:00:00"), Away: []Absence{away(Paused, "1 00:00:00", "")}}, ""},
		{"@continuous begins at once", `@continuous`, Question{Now: at("1 07:00:00")}, "run 00"},
		{"… and again when the last has ended", `@continuous`, Question{Now: at("1 07:00:00"), Last: at("1 00:00:00"), Ended: at("1 06:00:00")}, "run 06"},
		{"… not before", `@continuous`, Question{Now: at("1 07:00:00"), Last: at("1 00:00:00"), Running: true}, ""},
		{"… not in a pause", `@continuous`, Question{Now: at("1 07:00:00"), Ended: at("1 06:00:00"), Last: at("1 00:00:00"), Away: []Absence{away(Paused, "1 06:30:00", "")}}, ""},
		{"after the end nothing is due", `{cron: "@hourly", end: 2026-06-01T01:00:00Z, catchup: all}`, Question{Now: at("1 07:00:00")}, "run 01 run 02"},
		{"a clock that was set back asks for nothing again", `@hourly`, Question{Now: at("1 02:00:00"), Last: at("1 05:00:00")}, ""},
	} {
		d := schedule(t, row.text, at("1 00:00:00")).Due(row.q)
		var got []string
		for _, run := range d.Runs {
			got = append(got, "run "+run.At.Format("15"))
		}
		for _, m := range d.Missed {
			got = append(got, fmt.Sprintf("missed %s-%s %d %s", m.First.At.Format("15"), m.Last.At.Format("15"), m.Count, m.Why))
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %s, not %s", row.says, strings.Join(got, " "), row.want)
		}
	}
}
