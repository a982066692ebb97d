package wait

import (
	"encoding/json"
	"testing"
	"time"

	"weft/plugins"
)

func TestWait(t *testing.T) {
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		in    string
		after time.Duration // of the first poke
		until string        // not yet: when to ask again
		out   string
	}{
		{`{"for":"90m"}`, 0, "2026-03-01T13:30:00Z", ""},
		{`{"for":"90m"}`, time.Hour, "2026-03-01T13:30:00Z", ""},
		{`{"for":"90m"}`, 90 * time.Minute, "", `"2026-03-01T13:30:00Z"`},
		{`{"for":"90m"}`, 48 * time.Hour, "", `"2026-03-01T13:30:00Z"`},
		{`{"for":"0s"}`, 0, "", `"2026-03-01T12:00:00Z"`},
		{`{"for":"1d500ms"}`, 0, "2026-03-02T12:00:00.5Z", ""},
		{`{"until":"2026-03-01T14:00:00+01:00"}`, 0, "2026-03-01T13:00:00Z", ""},
		{`{"until":"2026-03-01T14:00:00+01:00"}`, time.Hour, "", `"2026-03-01T13:00:00Z"`},
		{`{"until":"2020-01-01T00:00:00Z"}`, 0, "", `"2020-01-01T00:00:00Z"`},
	} {
		call := plugins.Call{
			Input: json.RawMessage(c.in), Poke: 1, Since: first,
			Now: func() time.Time { return first.Add(c.after) },
		}
		got, err := Plugin{}.Run(t.Context(), &call)
		until := ""
		if got.NotYet {
			until = got.NotBefore.UTC().Format(time.RFC3339Nano)
		}
		if err != nil || until != c.until || string(got.Output) != c.out {
			t.Errorf("%s after %v: not before %q, output %s, error %v", c.in, c.after, until, got.Output, err)
		}
	}
}

func TestBadInputIsRefusedWithItsReason(t *testing.T) {
	const hint = ` (write it as 1d2h3m4s500ms, each number with its unit)`
	for in, want := range map[string]string{
		`{}`: "cannot wait: give one of for and until",
		`{"for":"1s","until":"2026-03-01T14:00:00Z"}`: "cannot wait: give one of for and until",
		`{"for":""}`:           `cannot wait for "": it is empty` + hint,
		`{"for":"90"}`:         `cannot wait for "90": a number has no unit` + hint,
		`{"for":"-5s"}`:        `cannot wait for "-5s": it is no duration` + hint,
		`{"for":"5s1h"}`:       `cannot wait for "5s1h": the unit h is unknown, or stands out of order` + hint,
		`{"for":"3w"}`:         `cannot wait for "3w": the unit w is unknown, or stands out of order` + hint,
		`{"for":"999999999d"}`: `cannot wait for "999999999d": it is longer than 292 years` + hint,
		`{"until":"tomorrow"}`: `cannot wait until "tomorrow": it is no time (write it as 2026-01-02T15:04:05Z)`,
	} {
		_, err := Plugin{}.Run(t.Context(), &plugins.Call{Input: json.RawMessage(in), Now: time.Now})
		if err == nil || err.Error() != want || plugins.KindOf(err) != plugins.BadInput {
			t.Errorf("%s:\n got %v\nwant %s", in, err, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"1d2h3m4s500ms", "106751d", "9223372036854775807ms", "1m1ms", "٣s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDuration(s); err == nil && (d < 0 || s == "") {
			t.Errorf("%q is %v", s, d)
		}
	})
}
