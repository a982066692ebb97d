package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A script says what becomes of a job's runs: the first, the second … and from the beginning again. It is
// a text, "STARTING 1s, RUNNING 5s, FAILED the warehouse is busy; RUNNING 2s": runs by semicolons, the
// states of each by commas, in order, each with how long it lasts and the last with what Glue says. A run
// whose last state is none that ends it succeeds.
//
// Among the states may stand `lost`: the answer to the start is lost; and `throttle 50%`: that share of
// the calls about the job is refused.
type script []steps

// steps is one run of a script.
type steps struct {
	src     string
	list    []glueStep
	end     string
	message string
	lost    bool
	refused int // percent
}

type glueStep struct {
	state string
	lasts time.Duration
}

var (
	usualJob   = steps{list: []glueStep{{"STARTING", 200 * time.Millisecond}, {"RUNNING", 800 * time.Millisecond}}, end: "SUCCEEDED"}
	usualCrawl = steps{list: []glueStep{{"RUNNING", time.Second}}, end: "SUCCEEDED"}
)

var (
	glueGoes = []string{"WAITING", "STARTING", "RUNNING", "STOPPING"}
	glueEnds = []string{"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}
)

func readScript(src string) (script, error) {
	var all script
	for one := range strings.SplitSeq(src, ";") {
		s, err := readSteps(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func readSteps(src string) (steps, error) {
	if src == "" {
		return usualJob, nil
	}
	s := steps{src: src, end: "SUCCEEDED"}
	for rest := src; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		word, arg, _ := strings.Cut(strings.TrimSpace(part), " ")
		arg = strings.TrimSpace(arg)
		switch {
		case slices.Contains(glueEnds, word): // what is left is what Glue says, commas and all
			s.end = word
			s.message = arg
			if rest != "" {
				s.message += "," + rest
			}
			return s, nil
		case slices.Contains(glueGoes, word):
			d, err := time.ParseDuration(arg)
			if err != nil || d < 0 {
				return s, fmt.Errorf("%s needs how long it lasts, such as 2s", word)
			}
			s.list = append(s.list, glueStep{word, d})
		case word == "lost" && arg == "":
			s.lost = true
		case word == "throttle":
			n, err := strconv.Atoi(strings.TrimSuffix(arg, "%"))
			if err != nil || n < 0 || n > 95 {
				return s, fmt.Errorf("throttle needs a share of calls, at most 95%%")
			}
			s.refused = n
		default:
			return s, fmt.Errorf("%q is none of %s, %s, lost, throttle", word, strings.Join(glueGoes, ", "), strings.Join(glueEnds, ", "))
		}
	}
	return s, nil
}

// A glueMoment is how a run is at some moment.
type glueMoment struct {
	state   string
	message string
	over    bool
	since   time.Time     // in this state
	worked  time.Duration // in RUNNING
}

// stops is how long a run takes to stop.
const stops = 300 * time.Millisecond

// at is where a run has come to.
func (r *glueRun) at(now time.Time) glueMoment {
	m := glueMoment{since: r.Started}
	stopped := !r.Stopped.IsZero()
	for _, s := range r.steps.list {
		m.state = s.state
		until := m.since.Add(s.lasts)
		switch {
		case stopped && until.After(r.Stopped):
			m.state, m.since = "STOPPING", r.Stopped
			if now.Sub(r.Stopped) >= stops {
				m.state, m.since, m.over = "STOPPED", r.Stopped.Add(stops), true
			}
			return m
		case until.After(now):
			return m
		case s.state == "RUNNING":
			m.worked += s.lasts
		}
		m.since = until
	}
	m.state, m.message, m.over = r.steps.end, r.steps.message, true
	return m
}
