package http

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatAnAnswerIsToldAs(t *testing.T) {
	for _, c := range []struct{ input, output, want string }{
		{`{"url": "http://h/x"}`, `{"status": 200, "headers": {}, "body": {"ready":false}}`, `GET http://h/x answered 200 OK: {"ready":false}`},
		{`{"url": "http://h/x?key=canary", "json": 1}`, `{"status": 202, "headers": {}, "body": "not\n yet"}`, "POST http://h/x?… answered 202 Accepted: not yet"},
		{`{"url": "http://h"}`, `{"status": 204, "headers": {"x": "canary"}, "body": null}`, "GET http://h answered 204 No Content"},
		{`{"url": "http://h"}`, `{"status": 200, "headers": {}, "body": "` + strings.Repeat("é", 30000) + `"}`, "GET http://h answered 200 OK: " + strings.Repeat("é", 200) + "…"},
		{`{"url": "no"}`, `{"status": 200}`, ""},
		{`{"url": "http://h"}`, `7`, ""},
	} {
		if got := (Plugin{}).Tell(json.RawMessage(c.input), json.RawMessage(c.output)); got != c.want {
			t.Errorf("%.100s\n got %.250s\nwant %.250s", c.input, got, c.want)
		}
	}
}
