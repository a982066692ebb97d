// Package schedule says when a DAG is due, as a pure function of time: it reads a plan's schedule, and says which
// ticks come after a moment (Next), and which of them become runs once somebody is there to start them (Due). It
// knows no clock, no store and no server; zones are handed in.
//
// A series names moments: of cron texts, of `every`, of `at`. A tick is one of them with its data interval.
// Everything is computed forward from a moment, never from what was computed before, so that the answer is
// the same whoever asks, and when.
package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"weft/cron"
	"weft/expr"
	"weft/machine"
)

// A Kind is what makes a schedule's ticks.
type Kind uint8

// The kinds of schedules.
const (
	Manual     Kind = iota // no schedule: no ticks
	Timed                  // cron texts, `every`, `at`
	Once                   // one run ever, at `start` or when the DAG was first seen
	Continuous             // the next run when the last has ended
)

// A Schedule is one that has been read. It is never changed, so many may ask it at once.
type Schedule struct {
	kind     Kind
	zone     *time.Location
	from     time.Time // no tick's interval begins before
	seen     time.Time
	end      time.Time // the last logical date there may be; zero: none
	source   series
	instants bool          // interval: none
	shift    time.Duration // by jitter
	catchup  catchup
	texts    []*cron.Expr
	every    string // as written
	at       int    // how many moments are listed
}

// written is a schedule as the plan keeps it: as it stands in the file.
type written struct {
	Cron     texts           `json:"cron"`
	Every    string          `json:"every"`
	At       []string        `json:"at"`
	Start    string          `json:"start"`
	End      string          `json:"end"`
	Interval string          `json:"interval"`
	Jitter   string          `json:"jitter"`
	Catchup  json.RawMessage `json:"catchup"`
	DST      struct {
		Gap  string `json:"gap"`
		Fold string `json:"fold"`
	} `json:"dst"`
}

// texts are one text or a list of them.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// New reads the schedule of a plan. Zone is the plan's Timezone, loaded (nil: UTC); seen is when the DAG was first
// seen: the `start` of a schedule that has none. A schedule that the validator let pass has no error but that it
// never fires.
func New(p *machine.Plan, zone *time.Location, seen time.Time) (*Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	s := &Schedule{zone: zone, seen: seen.UTC().Truncate(time.Microsecond)}
	w, err := read(p.Schedule)
	if err != nil {
		return nil, fmt.Errorf("cannot read the schedule of %s: %w", p.DAG, err)
	}
	if w == nil {
		return s, nil
	}
	if err := s.take(w, p.DAG); err != nil {
		return nil, fmt.Errorf("cannot read the schedule of %s: %w", p.DAG, err)
	}
	return s, nil
}

// read tells the two forms of a schedule apart: a text or a list of them, and a mapping. There may be none.
func read(raw machine.Raw) (*written, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var short texts
	if err := json.Unmarshal(raw, &short); err == nil {
		w := &written{Cron: short}
		if len(short) == 1 {
			if d, ok := strings.CutPrefix(strings.TrimSpace(short[0]), "every "); ok {
				w.Cron, w.Every = nil, strings.TrimSpace(d)
			}
		}
		return w, nil
	}
	w := &written{}
	if err := json.Unmarshal(raw, w); err != nil {
		return nil, errors.New("it is neither a text, a list of texts nor a mapping of its keys")
	}
	return w, nil
}

// take makes a schedule of what was written.
func (s *Schedule) take(w *written, dag string) error {
	if err := s.bounds(w); err != nil {
		return err
	}
	if err := s.moments(w); err != nil {
		return err
	}
	var err error
	if s.catchup, err = readCatchup(w.Catchup); err != nil {
		return err
	}
	s.instants = w.Interval == "none" || s.kind != Timed || s.at > 0 && w.Interval == ""
	if w.Jitter != "" {
		most, err := expr.ParseDuration(w.Jitter)
		if err != nil {
			return fmt.Errorf("`jitter`: %w", err)
		}
		s.shift = share(dag, most)
	}
	return nil
}

// bounds reads `start` and `end`.
func (s *Schedule) bounds(w *written) error {
	s.from = s.seen
	var err error
	if w.Start != "" {
		if s.from, err = Moment(w.Start, s.zone); err != nil {
			return fmt.Errorf("`start`: %w", err)
		}
	}
	if w.End != "" {
		if s.end, err = Moment(w.End, s.zone); err != nil {
			return fmt.Errorf("`end`: %w", err)
		}
	}
	return nil
}

// moments reads what says when.
func (s *Schedule) moments(w *written) error {
	s.kind = Timed
	var all []series
	for _, text := range w.Cron {
		if text = strings.TrimSpace(text); text == "@once" || text == "@continuous" {
			if len(w.Cron) > 1 {
				return fmt.Errorf("%s stands alone", text)
			}
			if s.kind = Once; text == "@continuous" {
				s.kind = Continuous
			}
			return nil
		}
		e, err := readCron(text)
		if err != nil {
			return err
		}
		s.texts = append(s.texts, e)
		all = append(all, &walls{e: e, zone: s.zone, each: e.EachHour(), skipGap: w.DST.Gap == "skip", bothFold: w.DST.Fold == "both"})
	}
	if w.Every != "" {
		d, err := expr.ParseDuration(w.Every)
		if err != nil || d <= 0 {
			return fmt.Errorf("`every` %s is no duration longer than 0", w.Every)
		}
		s.every = w.Every
		steps := steps{first: time.Unix(0, 0).UTC(), by: d}
		if w.Start != "" {
			steps.first = s.from
		}
		all = append(all, steps)
	}
	if len(w.At) > 0 {
		var list listed
		for _, text := range w.At {
			t, err := Moment(text, s.zone)
			if err != nil {
				return fmt.Errorf("`at`: %w", err)
			}
			list = append(list, t)
		}
		slices.SortFunc(list, time.Time.Compare)
		s.at = len(list)
		all = append(all, list)
	}
	switch len(all) {
	case 0:
		return errors.New("it does not say when")
	case 1:
		s.source = all[0]
	default:
		s.source = merged(all)
	}
	return nil
}

// readCron reads a cron text, or the preset that stands for one.
func readCron(text string) (*cron.Expr, error) {
	for _, p := range cron.Presets {
		if p.Name == text {
			text = p.Text
		}
	}
	e, problems := cron.Parse(text)
	if e == nil {
		return nil, fmt.Errorf("%q: %s", text, problems[0].Msg)
	}
	return e, nil
}

// momentLayouts are how a point in time may be written; the first has its offset.
var momentLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// Moment reads a point in time, to the microsecond, as run ids have it. One without an offset is wall time of the
// zone: in a gap the moment after it, of two the first.
func Moment(text string, zone *time.Location) (time.Time, error) {
	for i, layout := range momentLayouts {
		t, err := time.Parse(layout, text)
		switch {
		case err != nil:
		case i == 0:
			return t.UTC().Truncate(time.Microsecond), nil
		default:
			return instant(t, zone), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time like 2026-01-31 or 2026-01-31T12:00:00Z", text)
}

// share is the part of a jitter that falls to a DAG: 0 ≤ share < most, the same each time, so that the distance of
// its ticks stays what it is, and DAGs that are due at the same moment come one after another.
func share(dag string, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(dag))
	v := h.Sum64() // of names alike only low bits differ: mix them (the finaliser of MurmurHash3)
	v = (v ^ v>>33) * 0xff51afd7ed558ccd
	v = (v ^ v>>33) * 0xc4ceb9fe1a85ec53
	v ^= v >> 33
	return time.Duration(v % uint64(most)).Truncate(time.Millisecond)
}

// Kind returns what makes the ticks.
func (s *Schedule) Kind() Kind { return s.kind }

// Zone returns the zone that wall times are read in.
func (s *Schedule) Zone() *time.Location { return s.zone }

// Bounds returns when the schedule begins, and the last logical date it has: zero if it has no end.
func (s *Schedule) Bounds() (from, end time.Time) { return s.from, s.end }

// Shift returns how much later than its moment each tick is due: the DAG's share of the jitter.
func (s *Schedule) Shift() time.Duration { return s.shift }
