package spec

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, row := range []struct {
		text string
		want time.Duration
		err  string // part of it
	}{
		{"1d2h3m4s500ms", 26*time.Hour + 3*time.Minute + 4500*time.Millisecond, ""},
		{"0s", 0, ""},
		{"90m", 90 * time.Minute, ""},
		{"1ms", time.Millisecond, ""},
		{"010s", 10 * time.Second, ""},
		{"106751d", 106751 * 24 * time.Hour, ""},
		{"", 0, "empty"},
		{"30", 0, "30 has no unit"},
		{"1h30", 0, "30 has no unit"},
		{"5 min", 0, `"min" is no unit`},
		{"5min", 0, `"min" is no unit`},
		{"1.5h", 0, `".5h" is no unit`},
		{"-1s", 0, "no number"},
		{"s", 0, "no number"},
		{"1m1h", 0, "h must stand before"},
		{"1s1s", 0, "s must stand before, and only once"},
		{"106752d", 0, "292 years"},
		{"99999999999999999999s", 0, "292 years"},
		{"1H", 0, "no unit"},
	} {
		got, err := ParseDuration(row.text)
		switch {
		case row.err == "" && (err != nil || got != row.want):
			t.Errorf("%q: %v, %v; want %v", row.text, got, err, row.want)
		case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)):
			t.Errorf("%q: %v, %v; want an error with %q", row.text, got, err, row.err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("1d2h3m4s500ms")
	f.Add("99999999999h")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil && d < 0 {
			t.Errorf("%q is %v", s, d)
		}
	})
}
