package tests

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// becomes answers {"ready": false} until it is asked for the nth time.
func becomes(n int32) func(*testing.T) site {
	return func(t *testing.T) site {
		var asked atomic.Int32
		return serves(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"ready": %t}`, asked.Add(1) >= n)
		})(t)
	}
}

// TestAnAnswerIsAskedAgainUntilItIsRight: a false expect.when is a failure, so retries apply, and the pokes
// of a sensor go on.
func TestAnAnswerIsAskedAgainUntilItIsRight(t *testing.T) {
	for what, more := range map[string]string{
		"by retries":              "retries: 2, retry_delay: 10ms",
		"by a sensor that waits":  "sensor: {timeout: 1m, poke_interval: 10ms, on_error: wait}",
		"by a sensor and retries": "retries: 2, retry_delay: 10ms, sensor: {timeout: 1m}",
	} {
		w, p := newWorld(t), becomes(3)(t)
		sum, res := w.runJSON(w.write("x.yaml", fmt.Sprintf(`id: x
params: {want: {type: boolean, default: true}}
tasks:
  call: {uses: http, with: {url: %q, expect: {when: output.body.ready == params.want}}, %s}
`, p.url, more)))
		if sum.State != "success" || p.asked.Load() != 3 {
			t.Errorf("%s: %s, asked %d times\n%s", what, sum.State, p.asked.Load(), res.out)
		}
	}
}

// TestTheConfigurationSaysWhatHTTPMayReach: each row is what weft.yaml says, and the reason of the call's
// failure; "" = it was reached.
func TestTheConfigurationSaysWhatHTTPMayReach(t *testing.T) {
	for _, c := range []struct{ yaml, says string }{
		{"", ""},
		{"http: {refuse: [private, link-local]}", ""},
		{"http: {refuse: [loopback]}", "127.0.0.1 is refused by the configuration (http in weft.yaml)"},
		{"http: {refuse: [loopback], allow: [127.0.0.1]}", ""},
		{"http: {refuse: [0.0.0.0/0, '::/0'], allow: [api.example.com]}", "127.0.0.1 is refused by the configuration (http in weft.yaml)"},
	} {
		w, p := newWorld(t), says("text/plain", "hello")(t)
		w.write("weft.yaml", c.yaml)
		sum, res := w.runJSON(w.write("x.yaml", fmt.Sprintf("id: x\ntasks: {call: {uses: http, with: {url: %q}}}\n", p.url)))
		call, want := sum.Tasks["call"], "cannot GET "+p.url+": "+c.says
		if reached := p.asked.Load() == 1; reached != (c.says == "") || c.says != "" && call.Reason != want {
			t.Errorf("%s: reached %v, %s, want %s\n%s", c.yaml, reached, call.Reason, want, res.stderr)
		}
	}
}
