package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weft/store"
)

// TestEveryTickBecomesOneRunOrOneRecord is laws L1 and L2 for ticks (R10, R11): whatever happens to the server, its
// disk, its clock and the files, in the end each tick until now has one run or stands in one record of missed ones,
// never both; and what `catchup` says is kept.
func TestEveryTickBecomesOneRunOrOneRecord(t *testing.T) {
	seeds := 12
	if os.Getenv("WEFT_SOAK") != "" {
		seeds = 1000
	}
	first := rand.Uint64()
	if s := os.Getenv("WEFT_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
		seeds = 1
	}
	for _, on := range memories {
		for i := range seeds {
			seed := first + uint64(i)
			ok := t.Run(on.name+"/"+strconv.FormatUint(seed, 10), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { newNight(t, on, seed).play() })
			})
			if !ok {
				t.Fatalf("WEFT_SEED=%d tells it again", seed)
			}
		}
	}
}

// A night is a story by chance.
type night struct {
	*bench
	rng    *rand.Rand
	up     bool
	paused map[string]bool
	gone   map[string]string
	told   []string
}

var policies = map[string]string{
	"never": `{every: 7m, catchup: false, start: 2026-03-02T12:00:00Z}`,
	"last":  `{cron: "*/5 * * * *", catchup: last, start: 2026-03-02T12:00:00Z}`,
	"three": `{every: 11m, catchup: {max: 3}, start: 2026-03-02T12:00:00Z, interval: none}`,
	"all":   `{cron: "*/20 * * * *", catchup: all, start: 2026-03-02T12:00:00Z, jitter: 3m}`,
}

func newNight(t *testing.T, on memory, seed uint64) *night {
	n := &night{bench: newBench(t, on), rng: rand.New(rand.NewPCG(seed, 0)), paused: map[string]bool{}, gone: map[string]string{}}
	for id, text := range policies {
		n.files[id] = "schedule: " + text + "\ntasks: {t: {run: echo}}\n"
	}
	if n.far != nil { // answers are lost, now and then
		chance := rand.New(rand.NewPCG(seed, 1))
		lost := map[string]bool{}
		n.far.Lose = func(dag string) bool { // not twice on end: then it is a while until the next try
			lost[dag] = !lost[dag] && chance.IntN(10) == 0
			return lost[dag]
		}
	}
	n.publish()
	return n
}

func (n *night) play() {
	n.do("serve")
	n.up = true
	for range 10 + n.rng.IntN(40) {
		n.chance()
	}
	n.full = false
	for id, text := range n.gone {
		n.files[id] = text
	}
	n.publish()
	if !n.up {
		n.do("serve")
	}
	n.do("wait 1m") // what failed is tried again
	for id := range policies {
		n.must(n.svc.Pause(n.Context(), id, "ann", false))
	}
	synctest.Wait()
	n.do("wait 30s")
	for id := range policies {
		n.check(id)
	}
	n.end(false)
	if n.Failed() {
		n.Logf("the story:\n%s", strings.Join(n.told, "\n"))
	}
}

func (n *night) do(line string) {
	n.told = append(n.told, fmt.Sprintf("%s  %s", n.clock.Now().Format("01-02 15:04:05"), line))
	verb, arg, _ := strings.Cut(line, " ")
	verbs[verb](n.bench, arg)
}

func (n *night) minutes(most int) string {
	return (time.Duration(1+n.rng.IntN(most*60)) * time.Second).String()
}

// chance has something happen.
func (n *night) chance() {
	ids := []string{"never", "last", "three", "all"}
	id := ids[n.rng.IntN(len(ids))]
	switch k := n.rng.IntN(16); {
	case k < 6:
		n.do("wait " + n.minutes(40))
	case k < 9 && n.up:
		n.do([]string{"stop", "kill"}[n.rng.IntN(2)])
		n.up = false
	case k < 9:
		n.do("serve")
		n.up = true
	case k == 9 && n.up:
		n.do("freeze " + n.minutes(60))
	case k == 10:
		n.jump(n.rng.IntN(2) == 0)
	case k == 11:
		n.do([]string{"full", "space"}[n.rng.IntN(2)])
	case k == 12 && n.up && !n.full && n.gone[id] == "":
		verb := map[bool]string{false: "pause ", true: "unpause "}[n.paused[id]]
		n.paused[id] = !n.paused[id]
		n.do(verb + id)
	case k == 13 && n.gone[id] == "":
		n.gone[id] = n.files[id]
		n.do("remove " + id)
	case k == 13:
		n.files[id] = n.gone[id]
		delete(n.gone, id)
		n.publish()
		n.told = append(n.told, "back "+id)
	}
}

func (n *night) jump(back bool) {
	d := n.minutes(90)
	if back {
		d = "-" + d
	}
	if !n.up {
		n.clock.Jump(n.duration(d))
		n.told = append(n.told, "jump while it is down "+d)
		return
	}
	n.do("jump " + d)
}

// check counts what became of each tick of a DAG until now.
func (n *night) check(id string) {
	ctx := context.Background()
	rows, err := n.looks().Scheduled(ctx)
	n.must(err)
	var row store.DAG
	for _, r := range rows.DAGs {
		if r.ID == id {
			row = r
		}
	}
	s, err := read(row)
	n.must(err)
	if len(rows.Due) > 0 {
		n.Errorf("%s: still due: %v", id, rows.Due)
	}
	became := map[time.Time][]string{}
	runs, err := n.looks().ListRuns(ctx, store.Filter{DAG: id})
	n.must(err)
	for _, r := range runs {
		became[r.LogicalDate] = append(became[r.LogicalDate], "a run")
	}
	missed, err := n.looks().ListMissed(ctx, id, 0)
	n.must(err)
	for _, m := range missed {
		count := 0
		for at := m.Due.Add(-time.Hour); ; {
			t, ok := s.Next(at)
			if !ok || t.From.After(m.Last) {
				break
			}
			if at = t.At; t.From.Before(m.First) {
				continue
			}
			became[t.From] = append(became[t.From], fmt.Sprintf("missed (%s)", m.Why))
			count++
		}
		if count != m.Count {
			n.Errorf("%s: the record %+v is of %d ticks", id, m, count)
		}
	}
	now := n.clock.Now()
	for at := row.FirstSeen.Add(-24 * time.Hour); ; {
		t, ok := s.Next(at)
		if !ok || t.Due.After(now) {
			break
		}
		at = t.At
		if is := became[t.From]; len(is) != 1 {
			n.Errorf("%s: the tick of %s (due %s) is %v", id, t.From.Format("01-02 15:04"), t.Due.Format("01-02 15:04:05"), is)
		}
	}
	for _, m := range missed {
		if id == "all" && m.Why != "refused" { // which is for a file that is gone for long
			n.Errorf("all: missed %+v", m)
		}
	}
}
