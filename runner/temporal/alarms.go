package temporal

import (
	"cmp"
	"slices"
	"time"
)

// alarms are the moments that a run waits for: those of its machine's timers, and a few of its own. A workflow has
// one timer, for the first of them. Each name is there once.
type alarms struct {
	list []alarm // by time, then by name
}

type alarm struct {
	at   time.Time
	name string
	own  bool // none of the machine's
}

func (a *alarms) set(name string, at time.Time, own bool) {
	a.drop(name, own)
	one := alarm{at, name, own}
	i, _ := slices.BinarySearchFunc(a.list, one, compareAlarms)
	a.list = slices.Insert(a.list, i, one)
}

func (a *alarms) drop(name string, own bool) {
	a.list = slices.DeleteFunc(a.list, func(x alarm) bool { return x.name == name && x.own == own })
}

// has tells whether a moment of the run's own is waited for.
func (a *alarms) has(name string) bool {
	return slices.ContainsFunc(a.list, func(x alarm) bool { return x.name == name && x.own })
}

// due takes out what has come.
func (a *alarms) due(now time.Time) []alarm {
	n := 0
	for n < len(a.list) && !a.list[n].at.After(now) {
		n++
	}
	out := slices.Clone(a.list[:n])
	a.list = slices.Delete(a.list, 0, n)
	return out
}

// first is the next moment; zero if there is none.
func (a *alarms) first() time.Time {
	if len(a.list) == 0 {
		return time.Time{}
	}
	return a.list[0].at
}

func compareAlarms(a, b alarm) int {
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name))
}
