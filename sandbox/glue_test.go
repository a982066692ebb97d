package sandbox

import (
	"fmt"
	"testing"
	"time"
)

func TestScriptsOfJobs(t *testing.T) {
	for src, want := range map[string]string{
		"":                                     "1 runs, 1s then SUCCEEDED",
		"RUNNING 2s":                           "1 runs, 2s then SUCCEEDED",
		"STARTING 1s, RUNNING 5s, FAILED a, b": "1 runs, 6s then FAILED a, b",
		"FAILED x; RUNNING 1m":                 "2 runs, 0s then FAILED x",
		"lost, throttle 50%, RUNNING 1s":       "1 runs, 1s then SUCCEEDED lost 50",
		"RUNNING":                              "RUNNING needs how long it lasts, such as 2s",
		"RUNNING -1s":                          "RUNNING needs how long it lasts, such as 2s",
		"running 1s":                           `"running" is none of WAITING, STARTING, RUNNING, STOPPING, SUCCEEDED, FAILED, STOPPED, TIMEOUT, ERROR, EXPIRED, lost, throttle`,
		"throttle 99%":                         "throttle needs a share of calls, at most 95%",
	} {
		got := ""
		plan, err := readScript(glueJobs, src)
		if err != nil {
			got = err.Error()
		} else {
			got = plan.tell()
		}
		if got != want {
			t.Errorf("%q is read as\n%s, want\n%s", src, got, want)
		}
	}
}

// tell is the first run of a script in short.
func (s script) tell() string {
	var lasts time.Duration
	for _, step := range s[0].list {
		lasts += step.lasts
	}
	text := fmt.Sprintf("%d runs, %s then %s", len(s), lasts, s[0].end)
	if s[0].message != "" {
		text += " " + s[0].message
	}
	if s[0].lost {
		text += fmt.Sprint(" lost ", s[0].refused)
	}
	return text
}

// TestGlueGoesOnOverARestart: a run is where the clock says, and a stop holds.
func TestGlueGoesOnOverARestart(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	open := func() *glue {
		g, err := openGlue(nil, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		g.(*glue).now = func() time.Time { return at }
		return g.(*glue)
	}
	g := open()
	for _, script := range []string{"RUNNING 10s, FAILED broken", "RUNNING 1h"} {
		if _, err := g.startJob(&glueCall{JobName: "j", Arguments: map[string]string{scriptArgument: script}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.startCrawler(&glueCall{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	at = at.Add(3 * time.Second)
	if _, err := g.stop(g.of("job", "j")[1]); err != nil {
		t.Fatal(err)
	}
	g.close()
	g = open()
	defer g.close()
	states := func() (out [3]string) {
		for i, r := range append(append([]*work(nil), g.of("job", "j")...), g.crawl("c")) {
			out[i] = r.at(at).state
		}
		return out
	}
	if got := states(); got != [3]string{"RUNNING", "STOPPING", "SUCCEEDED"} {
		t.Errorf("after the restart: %v", got)
	}
	at = at.Add(time.Minute)
	if got := states(); got != [3]string{"FAILED", "STOPPED", "SUCCEEDED"} {
		t.Errorf("a minute later: %v", got)
	}
	if m := g.of("job", "j")[0].at(at); m.message != "broken" || m.worked != 10*time.Second {
		t.Errorf("it failed with %q after %s", m.message, m.worked)
	}
}
