package cron

import "testing"

// TestWords: texts, and what they are called.
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"30 2 * * *":          "at 02:30",
		"0 6,18 * * *":        "at 06:00 and 18:00",
		"* * * * *":           "every minute",
		"*/15 * * * *":        "every 15 minutes",
		"0 * * * *":           "at minute 0 of each hour",
		"5,35 * * * *":        "at minutes 5 and 35 of each hour",
		"0 */2 * * *":         "at minute 0 of every second hour from 0",
		"*/7 9-17 * * *":      "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of hours 9 to 17",
		"0 9 * * MON-FRI":     "at 09:00, on Monday to Friday",
		"0 9 * * 7":           "at 09:00, on Sunday",
		"0 9 1 * *":           "at 09:00, on day 1 of the month",
		"0 9 1,15 * *":        "at 09:00, on days 1 and 15 of the month",
		"0 9 L * *":           "at 09:00, on the last day of the month",
		"0 9 LW 3 *":          "at 09:00, on the last weekday of the month, in March",
		"0 9 L-3 * *":         "at 09:00, on the day 3 before the last of the month",
		"0 9 15W 1-3 *":       "at 09:00, on the weekday nearest to day 15 of the month, in January to March",
		"0 9 * * FRI#3":       "at 09:00, on the third Friday of the month",
		"0 9 * * FRI#L":       "at 09:00, on the last Friday of the month",
		"0 9 13 * FRI":        "at 09:00, on day 13 of the month or on Friday",
		"15 30 2 * * *":       "at second 15, at minute 30 of hour 2",
		"* * * * * *":         "every second, every minute",
		"59 23 31 12 *":       "at 23:59, on day 31 of the month, in December",
		"0 9 ? * ?":           "at 09:00",
		"0-10,30 4 * * *":     "at minutes 0 to 10 and 30 of hour 4",
		"*/20 8,20 * */3 SUN": "every 20 minutes of hours 8 and 20, on Sunday, in January, April, July and October",
	} {
		e, problems := Parse(text)
		if e == nil {
			t.Fatalf("%q: %+v", text, problems)
		}
		if got := e.Words(); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}
