// Command cronlibs counts, for weft's scheduler and for two cron libraries, how many of the changes of offset of
// every zone in some years a daily job comes through: it must fire once.
//
// For each change the job's wall time is the middle of what the clocks leave out or show twice, and what
// counts is how often it fires within twelve hours of the change, before or after.
//
// It prints one line for each: name, changes, fired once, not at all, more than once. Wants the file of zone names.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
	_ "time/tzdata"

	netresearch "github.com/netresearch/go-cron"
	robfig "github.com/robfig/cron/v3"

	"weft/machine"
	"weft/schedule"
)

// A next returns a cron text's first moment after another; zero: there is none.
type next func(time.Time) time.Time

var runners = []struct {
	name  string
	start func(text, zone string) (next, error)
}{
	{"weft", weft},
	{"robfig/cron", func(text, zone string) (next, error) {
		s, err := robfig.ParseStandard("CRON_TZ=" + zone + " " + text)
		if err != nil {
			return nil, err
		}
		return s.Next, nil
	}},
	{"netresearch/go-cron", func(text, zone string) (next, error) {
		s, err := netresearch.ParseStandard("CRON_TZ=" + zone + " " + text)
		if err != nil {
			return nil, err
		}
		return s.Next, nil
	}},
}

func weft(text, zone string) (next, error) {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	s, err := schedule.New(&machine.Plan{DAG: "count", Schedule: raw}, where, time.Unix(0, 0))
	if err != nil {
		return nil, err
	}
	return func(t time.Time) time.Time {
		tick, _ := s.Next(t)
		return tick.At
	}, nil
}

const (
	firstYear = 2020
	lastYear  = 2030
	around    = 12 * time.Hour
)

func main() {
	if err := count(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "cannot count:", err)
		os.Exit(1)
	}
}

func count(file string) error {
	names, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, r := range runners {
		all, times := 0, [3]int{}
		for _, zone := range strings.Fields(string(names)) {
			where, err := time.LoadLocation(zone)
			if err != nil {
				return err
			}
			for _, c := range changes(where) {
				n, err := fires(r.start, zone, c)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", r.name, zone, err)
				}
				all++
				times[min(n, 2)]++
			}
		}
		fmt.Printf("%s %d %d %d %d\n", r.name, all, times[1], times[0], times[2])
	}
	return nil
}

// A change is one of a zone's offset; mid is the wall time in the middle of it.
type change struct{ at, mid time.Time }

func changes(zone *time.Location) (out []change) {
	t := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
	for {
		_, next := t.ZoneBounds()
		if next.IsZero() || next.UTC().Year() > lastYear {
			return out
		}
		_, before := next.Add(-time.Second).Zone()
		_, after := next.Zone()
		if before != after {
			out = append(out, change{next, next.UTC().Add(time.Duration(before+after) * time.Second / 2)})
		}
		t = next
	}
}

func fires(start func(text, zone string) (next, error), zone string, c change) (int, error) {
	next, err := start(fmt.Sprintf("%d %d * * *", c.mid.Minute(), c.mid.Hour()), zone)
	if err != nil {
		return 0, err
	}
	n := 0
	for at := next(c.at.Add(-around)); !at.IsZero() && at.Before(c.at.Add(around)) && n < 10; at = next(at) {
		n++
	}
	return n, nil
}
