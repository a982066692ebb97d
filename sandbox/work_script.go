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
//
// Which states there are is each service's own: its words.
type script []steps

// steps is one run of a script.
type steps struct {
	*words
	src     string
	list    []step
	end     string
	message string
	lost    bool
	refused int // percent
}

type step struct {
	state string
	lasts time.Duration
}

// words are the states that a service's works pass through.
type words struct {
	goes, ends        []string
	success           string // the end of a work that its script does not end
	stopping, stopped string // of one that was asked to stop
	usual             []step // of one without a script
}

// running is, in every service, the state in which work is done.
const running = "RUNNING"

func readScript(w *words, src string) (script, error) {
	var all script
	for one := range strings.SplitSeq(src, ";") {
		s, err := readSteps(w, strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func readSteps(w *words, src string) (steps, error) {
	s := steps{words: w, src: src, end: w.success}
	if src == "" {
		s.list = w.usual
		return s, nil
	}
	for rest := src; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		word, arg, _ := strings.Cut(strings.TrimSpace(part), " ")
		arg = strings.TrimSpace(arg)
		switch {
		case slices.Contains(w.ends, word): // what is left is what the service says, commas and all
			s.end = word
			s.message = arg
			if rest != "" {
				s.message += "," + rest
			}
			return s, nil
		case slices.Contains(w.goes, word):
			d, err := time.ParseDuration(arg)
			if err != nil || d < 0 {
				return s, fmt.Errorf("%s needs how long it lasts, such as 2s", word)
			}
			s.list = append(s.list, step{word, d})
		case word == "lost" && arg == "":
			s.lost = true
		case word == "throttle":
			n, err := strconv.Atoi(strings.TrimSuffix(arg, "%"))
			if err != nil || n < 0 || n > 95 {
				return s, fmt.Errorf("throttle needs a share of calls, at most 95%%")
			}
			s.refused = n
		default:
			return s, fmt.Errorf("%q is none of %s, %s, lost, throttle", word, strings.Join(w.goes, ", "), strings.Join(w.ends, ", "))
		}
	}
	return s, nil
}

// An instant is how a work is at some moment.
type instant struct {
	state   string
	message string
	over    bool
	since   time.Time     // in this state
	began   time.Time     // RUNNING; zero = not yet
	worked  time.Duration // in RUNNING
}

// stops is how long a work takes to stop.
const stops = 300 * time.Millisecond

// at is where a work has come to.
func (r *work) at(now time.Time) instant {
	m := instant{since: r.Started}
	for _, s := range r.steps.list {
		m.state = s.state
		if s.state == running && m.began.IsZero() && !m.since.After(now) {
			m.began = m.since
		}
		until := m.since.Add(s.lasts)
		switch {
		case !r.Stopped.IsZero() && until.After(r.Stopped):
			m.state, m.since = r.steps.stopping, r.Stopped
			if now.Sub(r.Stopped) >= stops {
				m.state, m.since, m.over = r.steps.stopped, r.Stopped.Add(stops), true
			}
			return m
		case until.After(now):
			return m
		case s.state == running:
			m.worked += s.lasts
		}
		m.since = until
	}
	m.state, m.message, m.over = r.steps.end, r.steps.message, true
	return m
}

// halted tells whether a work was stopped before its end.
func (r *work) halted(m instant) bool {
	return m.over && !r.Stopped.IsZero() && m.since.After(r.Stopped)
}
