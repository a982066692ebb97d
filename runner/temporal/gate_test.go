package temporal

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"weft/machine"
)

// A caller is the SDK's poller of one queue, as far as a gate sees it.
type caller struct {
	worker.SlotReservationInfo
	queue string
}

func (c caller) TaskQueue() string { return c.queue }

type marked struct {
	worker.SlotMarkUsedInfo
	p *worker.SlotPermit
}

func (m marked) Permit() *worker.SlotPermit { return m.p }

type released struct {
	worker.SlotReleaseInfo
	p *worker.SlotPermit
}

func (r released) Permit() *worker.SlotPermit { return r.p }

// asks reserves until it would have to wait, and returns what it got.
func asks(t *testing.T, g *gate, queue string) (got []*worker.SlotPermit) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		p, err := g.ReserveSlot(ctx, caller{queue: queue})
		cancel()
		if err != nil {
			return got
		}
		got = append(got, p)
	}
}

func TestAWorkerAsksForNoMoreThanItHasRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(3)
		one := asks(t, g, "a")
		if len(one) != 3 {
			t.Fatalf("a queue alone asks %d times at once, want 3", len(one))
		}
		two := asks(t, g, "b")
		if len(two) != 1 {
			t.Fatalf("beside it another asks %d times, want once: a queue that has nothing must not keep those that have", len(two))
		}
		for _, p := range one {
			g.MarkSlotUsed(marked{p: p})
		}
		if more := append(asks(t, g, "a"), asks(t, g, "b")...); len(more) != 0 {
			t.Fatalf("a worker that is full asks %d times more", len(more))
		}
		g.MarkSlotUsed(marked{p: two[0]}) // one more came: it waits within
		var leave []func()
		for range 3 {
			l, ok := g.enter(t.Context())
			if !ok {
				t.Fatal("there is no slot for what came")
			}
			leave = append(leave, l)
		}
		if held, waiting := g.busy(); held != 3 || waiting != 1 {
			t.Fatalf("%d slots are held, %d wait; want 3 and 1", held, waiting)
		}
		entered := make(chan bool)
		go func() { _, ok := g.enter(t.Context()); entered <- ok }()
		synctest.Wait()
		select {
		case <-entered:
			t.Fatal("a fourth got one of three slots")
		default:
		}
		leave[0]()
		leave[0]() // twice does no harm
		if ok := <-entered; !ok {
			t.Fatal("the fourth got no slot though one is free")
		}
		g.ReleaseSlot(released{p: one[0]})
		if more := asks(t, g, "a"); len(more) != 0 {
			t.Fatalf("it asks for more with three of three in hand: %d", len(more))
		}
		g.ReleaseSlot(released{p: one[1]})
		if more := asks(t, g, "b"); len(more) != 1 {
			t.Fatalf("with one free it asks %d times, want once", len(more))
		}
	})
}

func TestAPollThatBroughtNothingGivesItsSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		for range 3 {
			got := asks(t, g, "a")
			if len(got) != 1 {
				t.Fatalf("it asks %d times, want once", len(got))
			}
			g.ReleaseSlot(released{p: got[0]})
		}
	})
}

func TestAClosedGateTakesNothingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		if _, ok := g.enter(t.Context()); !ok {
			t.Fatal("no slot")
		}
		waiting := make(chan bool)
		go func() { _, ok := g.enter(t.Context()); waiting <- ok }()
		synctest.Wait()
		g.close()
		if <-waiting {
			t.Error("who waited got in")
		}
		if got := asks(t, g, "a"); len(got) != 0 {
			t.Error("it still asks")
		}
	})
}

func TestMetricsAsPrometheusReadsThem(t *testing.T) {
	m := NewMetrics()
	m.Gauge("weft_worker_slots", func() float64 { return 16 })
	m.began()
	m.began()
	m.ended(machine.Outcome{State: machine.Success}, nil)
	m.ended(machine.Outcome{State: machine.Failed, Kind: "timeout"}, nil)
	m.began()
	m.ended(machine.Outcome{}, lost(Lost{Reason: "x"}))
	now := time.Now()
	m.came(activity.Info{Attempt: 1, TaskQueue: `weft-a"b`, ScheduledTime: now, StartedTime: now.Add(30 * time.Millisecond)})
	m.came(activity.Info{Attempt: 2, TaskQueue: "weft-a", ScheduledTime: now, StartedTime: now.Add(time.Hour)}) // a wait of its own making
	h := m.Handler().WithTags(map[string]string{"task.queue": "q"})
	h.WithTags(map[string]string{"b": "1"}).Counter("temporal_requests").Inc(2)
	h.WithTags(map[string]string{"b": "1"}).Counter("temporal_requests").Inc(3)
	h.Gauge("temporal_pollers").Update(4)
	h.Timer("temporal_latency").Record(2 * time.Hour)
	var b strings.Builder
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"# TYPE weft_attempts_total counter",
		`weft_attempts_total{outcome="success"} 1`,
		`weft_attempts_total{outcome="timeout"} 1`,
		`weft_attempts_total{outcome="lost"} 1`,
		"# HELP weft_worker_slots slots for attempts",
		"weft_worker_slots 16",
		"weft_worker_attempts 0",
		"# TYPE weft_queue_seconds histogram",
		`weft_queue_seconds_bucket{queue="weft-a\"b",le="0.025"} 0`,
		`weft_queue_seconds_bucket{queue="weft-a\"b",le="0.05"} 1`,
		`weft_queue_seconds_bucket{queue="weft-a\"b",le="+Inf"} 1`,
		`weft_queue_seconds_sum{queue="weft-a\"b"} 0.03`,
		`weft_queue_seconds_count{queue="weft-a\"b"} 1`,
		`temporal_requests_total{b="1",task_queue="q"} 5`,
		`temporal_pollers{task_queue="q"} 4`,
		`temporal_latency_seconds_bucket{task_queue="q",le="1800"} 0`,
		`temporal_latency_seconds_bucket{task_queue="q",le="+Inf"} 1`,
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		t.Log(b.String())
	}
}
