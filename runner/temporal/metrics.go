package temporal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"weft/machine"
)

// Metrics are what a worker counts, as Prometheus reads it (text format 0.0.4), with all that Temporal's SDK counts: its
// Handler is for client.Options. The client library of Prometheus would cost each start of weft 1.3 ms, whatever the command.
type Metrics struct {
	mu     sync.Mutex
	series map[string]*series // by name and labels, as they are written
	gauges []gauge            // asked when somebody reads
	begun  int                // attempts that run
}

// A gauge is a number that somebody else keeps.
type gauge struct {
	name, help string
	read       func() float64
}

// A series is one line, or those of one histogram.
type series struct {
	family, labels string
	kind           string // counter, gauge, histogram
	value          float64
	count          uint64
	buckets        []uint64 // of a histogram: below each bound, not those below the one before
}

// bounds are the upper ends of buckets, in seconds.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

// helps are what the families of weft's own are.
var helps = map[string]string{
	"weft_attempts_total":            "attempts that ended here, by what became of them",
	"weft_pokes_total":               "pokes of sensors",
	"weft_unready_total":             "what came and could not be done here: no such plugin, plan or folder",
	"weft_heartbeats_missed_total":   "heartbeats that Temporal did not answer",
	"weft_queue_seconds":             "from when an attempt was ordered to when a worker took it",
	"weft_worker_slots":              "slots for attempts",
	"weft_worker_slots_used":         "slots that attempts hold",
	"weft_worker_waiting":            "attempts that came and wait for a slot",
	"weft_worker_attempts":           "attempts that run",
	"weft_worker_activities":         "all that the worker has in hand",
	"weft_worker_draining":           "1 while the worker is being stopped",
	"weft_worker_logs_under_way":     "logs that are on their way into the handoff",
	"weft_worker_info":               "the version of weft",
	"weft_worker_start_time_seconds": "when the worker began, in seconds since 1970",
}

// NewMetrics makes them.
func NewMetrics() *Metrics { return &Metrics{series: map[string]*series{}} }

// Gauge adds a number that is asked for when somebody reads. Its name is one of helps.
func (m *Metrics) Gauge(name string, read func() float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gauges = append(m.gauges, gauge{name, helps[name], read})
}

// change makes one change to a series. A nil Metrics counts nothing.
func (m *Metrics) change(family, labels, kind string, do func(*series)) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := family + labels
	s := m.series[key]
	if s == nil {
		s = &series{family: family, labels: labels, kind: kind}
		m.series[key] = s
	}
	do(s)
}

func (m *Metrics) add(family, labels string, n float64) {
	m.change(family, labels, "counter", func(s *series) { s.value += n })
}

func (m *Metrics) observe(family, labels string, d time.Duration) {
	m.change(family, labels, "histogram", func(s *series) {
		if s.buckets == nil {
			s.buckets = make([]uint64, len(bounds))
		}
		s.value += d.Seconds()
		s.count++
		if i, _ := slices.BinarySearch(bounds, d.Seconds()); i < len(bounds) {
			s.buckets[i]++
		}
	})
}

// came notes an attempt that was taken from its queue.
func (m *Metrics) came(info activity.Info) {
	if info.Attempt == 1 && !info.ScheduledTime.IsZero() { // both moments are the server's
		m.observe("weft_queue_seconds", labelsOf(map[string]string{"queue": info.TaskQueue}), max(0, info.StartedTime.Sub(info.ScheduledTime)))
	}
}

func (m *Metrics) began() {
	if m != nil {
		m.mu.Lock()
		m.begun++
		m.mu.Unlock()
	}
}

// ended counts what became of an attempt.
func (m *Metrics) ended(out machine.Outcome, err error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.begun--
	m.mu.Unlock()
	how := out.State.String()
	var app *temporal.ApplicationError
	switch {
	case err == nil && out.State == machine.Failed && out.Kind != "":
		how = out.Kind
	case errors.As(err, &app):
		how = strings.TrimPrefix(app.Type(), "weft.")
	case err != nil:
		how = "cancelled"
	}
	m.add("weft_attempts_total", labelsOf(map[string]string{"outcome": how}), 1)
}

func (m *Metrics) poked()   { m.add("weft_pokes_total", "", 1) }
func (m *Metrics) unready() { m.add("weft_unready_total", "", 1) }
func (m *Metrics) missed()  { m.add("weft_heartbeats_missed_total", "", 1) }

// WriteTo writes all as Prometheus reads it.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	m.mu.Lock()
	gauges, all := slices.Clone(m.gauges), make([]series, 0, len(m.series)+len(m.gauges)+1)
	for _, s := range m.series {
		one := *s
		one.buckets = slices.Clone(s.buckets)
		all = append(all, one)
	}
	all = append(all, series{family: "weft_worker_attempts", kind: "gauge", value: float64(m.begun)})
	m.mu.Unlock()
	for _, g := range gauges {
		all = append(all, series{family: g.name, kind: "gauge", value: g.read()})
	}
	slices.SortFunc(all, func(a, b series) int {
		return strings.Compare(a.family+"\x00"+a.labels, b.family+"\x00"+b.labels)
	})
	out := &counted{w: bufio.NewWriter(w)}
	family := ""
	for _, s := range all {
		if s.family != family {
			family = s.family
			if help := helps[family]; help != "" {
				fmt.Fprintf(out, "# HELP %s %s\n", family, help)
			}
			fmt.Fprintf(out, "# TYPE %s %s\n", family, s.kind)
		}
		s.write(out)
	}
	return out.n, out.w.Flush()
}

type counted struct {
	w *bufio.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (s series) write(w io.Writer) {
	if s.kind != "histogram" {
		fmt.Fprintf(w, "%s%s %s\n", s.family, s.labels, number(s.value))
		return
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(s.labels, "{"), "}")
	if inner != "" {
		inner += ","
	}
	below := uint64(0)
	for i, le := range bounds {
		below += s.buckets[i]
		fmt.Fprintf(w, "%s_bucket{%sle=\"%s\"} %d\n", s.family, inner, number(le), below)
	}
	fmt.Fprintf(w, "%s_bucket{%sle=\"+Inf\"} %d\n", s.family, inner, s.count)
	fmt.Fprintf(w, "%s_sum%s %s\n%s_count%s %d\n", s.family, s.labels, number(s.value), s.family, s.labels, s.count)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// labelsOf writes labels in the order of their names.
func labelsOf(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	esc := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(tags)) {
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, `%s="%s"`, wordOf(name), esc.Replace(tags[name]))
	}
	return b.String() + "}"
}

// wordOf makes a name that Prometheus takes.
func wordOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// Handler takes what Temporal's SDK counts. Its names begin with temporal_.
func (m *Metrics) Handler() client.MetricsHandler { return sdkMetrics{m: m} }

type sdkMetrics struct {
	m      *Metrics
	tags   map[string]string
	labels string
}

// WithTags implements client.MetricsHandler.
func (h sdkMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(h.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return sdkMetrics{h.m, all, labelsOf(all)}
}

// Counter implements client.MetricsHandler.
func (h sdkMetrics) Counter(name string) client.MetricsCounter {
	return count(func(n int64) { h.m.add(wordOf(name)+"_total", h.labels, float64(n)) })
}

// Gauge implements client.MetricsHandler.
func (h sdkMetrics) Gauge(name string) client.MetricsGauge {
	return level(func(v float64) {
		h.m.change(wordOf(name), h.labels, "gauge", func(s *series) { s.value = v })
	})
}

// Timer implements client.MetricsHandler.
func (h sdkMetrics) Timer(name string) client.MetricsTimer {
	return span(func(d time.Duration) { h.m.observe(wordOf(name)+"_seconds", h.labels, d) })
}

type (
	count func(int64)
	level func(float64)
	span  func(time.Duration)
)

func (f count) Inc(n int64)           { f(n) }
func (f level) Update(v float64)      { f(v) }
func (f span) Record(d time.Duration) { f(d) }
