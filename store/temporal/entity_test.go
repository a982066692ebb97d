package temporal_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/machine"
	wire "weft/runner/temporal"
	"weft/store"
	"weft/store/temporal"
)

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A line is the index of one DAG, to be told of in words.
type line struct {
	*testing.T
	temporal.Index
	now time.Time
}

// do carries out lines of `arrive RUN KIND DAY [max=N]`, `leave RUN STATE`, `lost RUN` or `lost_before RUN`.
func (l *line) do(text string) {
	l.Helper()
	for _, words := range strings.Split(text, ";") {
		w := strings.Fields(words)
		l.now = l.now.Add(time.Second)
		switch w[0] {
		case "arrive":
			a := wire.Arrival{DAG: "d", Run: w[1], Type: w[2], Max: 1}
			var day int
			fmt.Sscan(w[3], &day)
			a.LogicalDate = noon.AddDate(0, 0, day)
			for _, more := range w[4:] {
				if n, ok := strings.CutPrefix(more, "max="); ok {
					fmt.Sscan(n, &a.Max)
				}
				if by, ok := strings.CutPrefix(more, "by="); ok {
					a.By = by
				}
			}
			l.Arrive(a, l.now)
		case "leave":
			l.Leave(wire.Departure{DAG: "d", Run: w[1], State: machine.RunState(w[2]), StartedAt: l.now, FinishedAt: l.now}, l.now)
		case "lost", "lost_before":
			for _, h := range l.Going() {
				if h.Workflow == wire.RunID(w[1]) {
					if w[0] == "lost_before" {
						h.N--
					}
					l.Lost([]temporal.Gone{{Holder: h, State: machine.RunCancelled}}, l.now)
				}
			}
		default:
			l.Fatalf("there is no verb %q", w[0])
		}
	}
}

// stand says who works, who waits and who is over, and who is to be told.
func (l *line) stand() string {
	var out []string
	for _, place := range []string{"work", "held", ""} {
		var ids []string
		for _, k := range l.Runs {
			if k.At == place {
				ids = append(ids, k.ID)
			}
		}
		slices.Sort(ids)
		out = append(out, strings.Join(ids, " "))
	}
	if len(l.Admitted) > 0 {
		out = append(out, "tell "+strings.Join(l.Admitted, " "))
	}
	return strings.Join(out, " | ")
}

func TestTheLineOfADAG(t *testing.T) {
	for _, c := range []struct{ says, does, stand string }{
		{"the first goes, the next waits", "arrive a manual 1; arrive b manual 1", "a | b | "},
		{"who comes twice stands once", "arrive a manual 1; arrive b manual 1; arrive a manual 1; arrive b manual 1", "a | b | "},
		{"without a bound nobody waits", "arrive a manual 1 max=0; arrive b manual 1 max=0", "a b |  | "},
		{"the place of one that is over is the next one's", "arrive a manual 1; arrive b manual 1; leave a success", "b |  | a | tell b"},
		{"the earlier logical date first", "arrive a manual 1; arrive b scheduled 9; arrive c scheduled 3; leave a success", "c | b | a | tell c"},
		{"then who came first", "arrive a manual 1; arrive z manual 3; arrive c manual 3; leave a success", "z | c | a | tell z"},
		{"backfills stand in a line of their own", "arrive a manual 1; arrive b backfill 1; arrive c backfill 2; arrive d scheduled 1", "a b | c d | "},
		{"and let in their own", "arrive a manual 1; arrive b backfill 1; arrive c backfill 2; arrive d scheduled 1; leave b failed", "a c | d | b | tell c"},
		{"one that waited and is over leaves no hole", "arrive a manual 1; arrive b manual 1; arrive c manual 2; leave b cancelled", "a | c | b"},
		{"a run that was over and goes on does not wait", "arrive a manual 1; leave a failed; arrive b manual 1; arrive a manual 1", "a b |  | "},
		{"but holds its place again", "arrive a manual 1; leave a failed; arrive a manual 1; arrive b manual 1", "a | b | "},
		{"a run that vanished leaves its place", "arrive a manual 1; arrive b manual 1; lost a", "b |  | a | tell b"},
		{"one that has come again since does not", "arrive a manual 1; arrive b manual 1; lost_before a", "a | b | "},
		{"one that was let in and vanished before it was told is not told", "arrive a manual 1; arrive b manual 1; arrive c manual 2; leave a success; lost b", "c |  | a b | tell c"},
		{"a wider line lets in as many as it may", "arrive a manual 1 max=2; arrive b manual 1 max=2; arrive c manual 1 max=2; leave a success", "b c |  | a | tell c"},
		{"leaving twice is leaving once", "arrive a manual 1; arrive b manual 1; arrive c manual 2; leave a success; leave a success", "b | c | a | tell b"},
		{"of a run that nobody remembers its end is kept", "leave d/scheduled__2026-01-01T00:00:00+00:00 success", " |  | d/scheduled__2026-01-01T00:00:00+00:00"},
	} {
		t.Run(strings.ReplaceAll(c.says, " ", "_"), func(t *testing.T) {
			l := &line{T: t, now: noon}
			l.do(c.does)
			if got := l.stand(); strings.TrimRight(got, " ") != strings.TrimRight(c.stand, " ") {
				t.Errorf("%s:\n got %q\nwant %q", c.does, got, c.stand)
			}
		})
	}
}

func TestTheIndexIsBounded(t *testing.T) {
	l := &line{T: t, now: noon}
	for i := range 2500 {
		id := fmt.Sprintf("r%04d", i)
		l.do("arrive " + id + " scheduled " + fmt.Sprint(i) + " max=0")
		state := machine.RunSuccess
		if i < 10 {
			state = machine.RunFailed
		}
		l.now = l.now.Add(time.Second)
		l.Leave(wire.Departure{Run: id, State: state, FinishedAt: l.now, Tasks: map[string]machine.State{"a": machine.Success, "b": machine.Success, "c": machine.Success, "d": machine.Success, "e": machine.Success, "f": machine.Success, "g": machine.Success, "h": machine.Success, "i": machine.Success, "j": machine.Success, "k": machine.Success}}, l.now)
	}
	l.do("arrive going manual 0 max=0")
	failed := l.List(temporal.Asked{Filter: store.Filter{States: []machine.RunState{machine.RunFailed}}})
	succeeded := l.List(temporal.Asked{Filter: store.Filter{States: []machine.RunState{machine.RunSuccess}}})
	tasks := 0
	for _, k := range l.Runs {
		tasks += len(k.Tasks)
	}
	same(t, []int{len(failed), len(succeeded), len(l.Going())}, []int{10, 1000, 1})
	same(t, succeeded[0].ID, "r2499")
	if tasks > 10_000 || tasks < 9_900 {
		t.Errorf("%d states of tasks are kept", tasks)
	}
	p := l.Past(wire.Past{LogicalDate: noon.AddDate(0, 0, 2499), Task: "k"})
	if p.Run != "r2498" || p.State == nil || *p.State != machine.Success {
		t.Errorf("the past of the last is %+v", p)
	}
}

func TestThePast(t *testing.T) {
	l := &line{T: t, now: noon}
	l.do("arrive d1 scheduled 1 max=0; arrive m manual 2 max=0; arrive d3 backfill 3 max=0")
	same(t, l.Past(wire.Past{LogicalDate: noon.AddDate(0, 0, 1), Task: "t"}), temporal.Earlier{})
	same(t, l.Past(wire.Past{LogicalDate: noon.AddDate(0, 0, 3), Task: "t"}), temporal.Earlier{Run: "d1"})
	same(t, l.Past(wire.Past{LogicalDate: noon.AddDate(0, 0, 4), Task: "t"}), temporal.Earlier{Run: "d3"})
}

func TestWhoHadARunBeginAgain(t *testing.T) {
	l := &line{T: t, now: noon}
	l.do("arrive a scheduled 1; leave a failed; arrive a scheduled 1 by=ann; leave a failed; arrive a scheduled 1 by=bob; arrive a scheduled 1 by=bob")
	same(t, l.List(temporal.Asked{Run: "a"})[0].By, []string{"ann", "bob"})
}

func TestOfMissedTicksTheNewestThousandAreKept(t *testing.T) {
	var e temporal.Entity
	for i := range 1200 {
		_, err := e.Settle(temporal.Settle{Token: 1, Seq: int64(i) + 1, Missed: []temporal.Numbered{{Missed: store.Missed{Count: i}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	list := e.ListMissed(0)
	same(t, []int{len(list), list[0].Count, list[999].Count}, []int{1000, 1199, 200})
	if list[0].N <= list[1].N {
		t.Errorf("numbers do not rise: %d, %d", list[1].N, list[0].N)
	}
}
