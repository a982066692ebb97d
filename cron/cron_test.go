package cron

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestProblems: each row is a text, and what is wrong with it, where, in which words.
func TestProblems(t *testing.T) {
	for _, row := range []struct {
		text, at, says string
		kind           Kind
	}{
		{"61 2 * * *", "61", "61 is no minute", Unreadable},
		{"0 24 * * *", "24", "24 is no hour", Unreadable},
		{"0 0 0 * *", "0@4", "0 is no day of the month", Unreadable},
		{"0 0 32 * *", "32", "32 is no day of the month", Unreadable},
		{"0 0 * 13 *", "13", "13 is no month", Unreadable},
		{"0 0 * * 8", "8", "8 is no day of the week", Unreadable},
		{"0 0 * * FRIDAY", "FRIDAY", `"FRIDAY" is no day of the week [FRI]`, Unreadable},
		{"0 0 * * 5L", "5L", `"5L" is no day`, Unreadable},
		{"0 0 * * MON-FRX", "FRX", `"FRX" is no day of the week`, Unreadable},
		{"0 0 1,40 * *", "40", "40 is no day of the month", Unreadable},
		{"1,,2 0 * * *", "1,,2", "the minute has a comma too many", Unreadable},
		{"1- 0 * * *", "-", "the minute is cut short", Unreadable},
		{"*-5 0 * * *", "*", `"*" is no minute`, Unreadable},
		{"*/0 * * * *", "0@2", `"0" is no step`, Unreadable},
		{"*/90 * * * *", "90", "a step of 90 minutes leaves the range", Unreadable},
		{"0 0 99W * *", "99W", `"99W" is no day of the month`, Unreadable},
		{"0 0 * * FRI#6", "FRI#6", `"FRI#6" is no day of the week`, Unreadable},
		{"*/ * * * *", "/", "a number is missing after this /", Unreadable},
		{"a b c d e", "a", `"a" is no minute`, Unreadable},
		{"+1 * * * *", "+1", `"+1" is no minute`, Unreadable},
		{"1/2/3 * * * *", "2/3", `"2/3" is no step`, Unreadable},
		{"TZ=UTC 0 0 * * *", "TZ=UTC", "a cron text holds no time zone", Unreadable},
		{"30 2 * *", "30 2 * *", "this has 4", Count},
		{"0 30 2 * * * 2026", "2026", "this has 7", Count},
		{"", "", "this has 0", Count},
		{"0 0 30 2 *", "30 2", "this never fires", Never},
		{"0 0 31 4,6,9,11 *", "31 4,6,9,11", "this never fires", Never},
		{"0 0 L-30 2 *", "L-30 2", "this never fires", Never},
		{"0 0 13 * FRI", "FRI", "it fires on either", Either},
		{"*/7 * * * *", "*/7", "after minute 56 comes minute 0, 4 minutes later", Uneven},
		{"0 */5 * * *", "*/5", "after hour 20 comes hour 0, 4 hours later", Uneven},
		{"0 0 */2 * *", "*/2", "after day 31 comes day 1", Uneven},
		{"0 0 * */5 *", "*/5", "after NOV comes JAN, 2 months later", Uneven},
		{"0 0 * * */2", "*/2", "after SAT comes SUN, 1 day later", Uneven},
	} {
		_, problems := Parse(row.text)
		if len(problems) == 0 {
			t.Errorf("%q: nothing is wrong", row.text)
			continue
		}
		p := problems[0]
		at, off, placed := strings.Cut(row.at, "@")
		got := string([]rune(row.text + " ")[p.Offset : p.Offset+p.Len])
		said := fmt.Sprintf("%s %v", p.Msg, p.Suggest)
		if p.Kind != row.kind || at != "" && got != at || placed && fmt.Sprint(p.Offset) != off || !strings.Contains(said, row.says) {
			t.Errorf("%q: %v at %q (%d): %s", row.text, p.Kind, got, p.Offset, said)
		}
		if len(problems) > 1 && p.Kind < Either && row.text != "a b c d e" {
			t.Errorf("%q: %d problems: %+v", row.text, len(problems), problems[1:])
		}
	}
}

// TestRight: what is right has an Expr and no problem.
func TestRight(t *testing.T) {
	for _, text := range []string{
		"30 2 * * *", "0 30 2 * * *", "*/15 * * * *", "0 9-17 * * MON-FRI", "0 0 L * *", "0 0 LW * *", "0 0 15W * ?", "0 0 ? * FRI#3",
		"0 0 * * FRI#L", "0 22-2 * * *", "0 0 29 2 *", "0 0 1 jan,Jul *", "5/10 * * * *", "0\t0  *\u00a0* 7", "*/20 */6 * * *", "0 0 * NOV-FEB *", "0 0 31 * *",
	} {
		if e, problems := Parse(text); e == nil || len(problems) > 0 {
			t.Errorf("%q: %+v", text, problems)
		}
	}
}

// TestNextIsAScan: the ticks of random texts are those of a walk over every minute with a plain reading.
func TestNextIsAScan(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	number := func(low, high int) string {
		a, b := low+r.IntN(high-low+1), low+r.IntN(high-low+1)
		switch r.IntN(5) {
		case 0:
			return fmt.Sprint(a)
		case 1:
			return fmt.Sprintf("%d,%d", a, b)
		case 2:
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 3:
			return fmt.Sprintf("*/%d", 2+r.IntN((high-low)/2))
		}
		return "*"
	}
	for range 300 {
		f := []string{number(0, 59), number(0, 23), number(1, 28), number(1, 12), number(0, 6)}
		text := strings.Join(f, " ")
		e, problems := Parse(text)
		if e == nil {
			t.Fatalf("%q: %+v", text, problems)
		}
		at := time.Date(2023+r.IntN(3), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)
		for range 3 {
			next, ok := e.Next(at)
			if want := scan(f, at); !ok || !next.Equal(want) {
				t.Fatalf("%q after %v: %v, a scan gives %v", text, at, next, want)
			}
			at = next
		}
	}
}

func scan(f []string, t time.Time) time.Time {
	is := func(i, v, low int) bool {
		for _, part := range strings.Split(f[i], ",") {
			var a, b int
			switch {
			case part == "*":
				return true
			case strings.HasPrefix(part, "*/"):
				fmt.Sscanf(part, "*/%d", &a)
				if (v-low)%a == 0 {
					return true
				}
			default:
				if n, _ := fmt.Sscanf(part, "%d-%d", &a, &b); n == 1 {
					b = a
				}
				if v >= a && v <= b {
					return true
				}
			}
		}
		return false
	}
	for t = t.Truncate(time.Minute).Add(time.Minute); ; {
		dom, dow := is(2, t.Day(), 1), is(4, int(t.Weekday()), 0)
		both := dom && dow
		if f[2] != "*" && f[4] != "*" {
			both = dom || dow
		}
		if !both || !is(3, int(t.Month()), 1) {
			t = t.Truncate(24*time.Hour).AddDate(0, 0, 1)
			continue
		}
		if is(1, t.Hour(), 0) && is(0, t.Minute(), 0) {
			return t
		}
		t = t.Add(time.Minute)
	}
}

// TestShifts: the changes of some zones, and the rule of their days.
func TestShifts(t *testing.T) {
	for _, row := range []struct{ zone, gap, gapDay, foldDay string }{
		{"Europe/Berlin", "2026-03-29 02:00 to 03:00", "the last Sunday of March", "the last Sunday of October"},
		{"America/New_York", "2026-03-08 02:00 to 03:00", "the second Sunday of March", "the first Sunday of November"},
		{"Australia/Lord_Howe", "2026-10-04 02:00 to 02:30", "the first Sunday of October", "the first Sunday of April"},
		{"Africa/Casablanca", "2026-03-22 02:00 to 03:00", "", ""},
		{"Asia/Kolkata", "", "", ""},
		{"UTC", "", "", ""},
	} {
		zone, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		var gaps, folds []Shift
		for _, s := range Shifts(zone, 2026, 2035) {
			if s.Gap {
				gaps = append(gaps, s)
			} else {
				folds = append(folds, s)
			}
		}
		first := ""
		if len(gaps) > 0 {
			first = gaps[0].From.Format("2006-01-02 15:04 to ") + gaps[0].To.Format("15:04")
		}
		gapDay, _ := Day(gaps)
		foldDay, _ := Day(folds)
		if first != row.gap || gapDay != row.gapDay || foldDay != row.foldDay {
			t.Errorf("%s: %q, %q, %q", row.zone, first, gapDay, foldDay)
		}
	}
}

// TestWeekdaysStayInTheirMonth: the weekday nearest to a first or last day is one of the same month.
func TestWeekdaysStayInTheirMonth(t *testing.T) {
	for _, row := range []struct{ text, after, want string }{
		{"0 0 1W * *", "2011-09-15", "2011-10-03"},  // the 1st is a Saturday
		{"0 0 31W * *", "2011-07-02", "2011-07-29"}, // the 31st is a Sunday
		{"0 0 15W * *", "2011-10-01", "2011-10-14"}, // a Saturday
		{"0 0 LW * *", "2011-07-02", "2011-07-29"},
	} {
		e, _ := Parse(row.text)
		after, err := time.Parse(time.DateOnly, row.after)
		if err != nil {
			t.Fatal(err)
		}
		if next, ok := e.Next(after); !ok || next.Format(time.DateOnly) != row.want {
			t.Errorf("%s after %s: %v, not %s", row.text, row.after, next, row.want)
		}
	}
}

// TestShiftsFarAhead: beyond what the zone database lists, each year has its two changes, leap years too.
func TestShiftsFarAhead(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if list := Shifts(zone, 2040, 2047); len(list) != 16 || list[15].From.Format(time.DateOnly) != "2047-10-27" {
		t.Errorf("%d changes: %v", len(list), list)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"30 2 * * *", "*/7 0 L-3 jan FRI#3", "0 0 13,LW * 5L", "1,,2 *-5 ? * 7", "TZ=x 1 2 3 4 5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, problems := Parse(text)
		if e == nil && len(problems) == 0 {
			t.Fatalf("%q: nothing came of it, and nothing was said", text)
		}
		for _, p := range problems {
			if p.Msg == "" || p.Len < 1 || p.Offset < 0 || p.Offset+p.Len > max(1, runes(text)) {
				t.Fatalf("%q: %+v", text, p)
			}
		}
		if e == nil {
			return
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		next, ok := e.Next(at)
		if !ok || !next.After(at) {
			t.Fatalf("%q: after %v comes %v", text, at, next)
		}
	})
}
