package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"weft/machine"
)

// A scene is what a frame is drawn for. The same board and scene give the same frame.
type scene struct {
	width, height int // height 0 = no limit
	now           time.Time
	color         bool
	lastLine      func(log string) string // of a log; nil = none
	final         bool                    // the frame that stays: nothing moves any more
}

// view draws a frame: a headline, then a row a task. What does not fit the height is left out,
// first what has finished and what has not begun, and counted in a last line.
func (b *board) view(s scene) string {
	lines := append(b.headline(s), "")
	shown, hidden := b.rows, []*row(nil)
	if room := s.height - len(lines) - 1; s.height > 0 && len(b.rows) > room {
		shown, hidden = choose(b.rows, max(room-1, 1))
	}
	idWidth := b.widest
	for _, r := range b.rows {
		idWidth = max(idWidth, ansi.StringWidth(r.id))
	}
	for _, c := range b.children {
		idWidth = max(idWidth, ansi.StringWidth("↳ "+c.dag))
	}
	idWidth = min(idWidth, 40, max(s.width/2, 8))
	for _, r := range shown {
		lines = append(lines, r.line(s, idWidth, b.shows(r)))
	}
	if len(hidden) > 0 {
		counts := map[string]int{}
		for _, r := range hidden {
			counts[b.shows(r)]++
		}
		lines = append(lines, paint(s.color, faint, "  … "+tally(sumsOf(counts))+" not shown"))
	}
	lines = append(lines, b.childRows(s, idWidth, s.height-1-len(lines))...)
	if s.height > 0 {
		lines = lines[:min(len(lines), max(s.height-1, 1))]
	}
	for i, l := range lines {
		lines[i] = strings.TrimRight(ansi.Truncate(l, s.width, "…"), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// headline is the DAG, the run, its state and how long; then how many tasks are in which state. Always
// two lines, so that nothing below jumps; the state stands on the first if it fits there.
func (b *board) headline(s scene) []string {
	end := s.now
	if !b.finished.IsZero() {
		end = b.finished
	}
	parts := []string{paint(s.color, strong, b.dag), b.run}
	state := b.state
	if !b.started.IsZero() {
		state += " " + elapsed(end.Sub(b.started))
	}
	if b.state == cancelling {
		state += " (" + b.reason + ")"
	}
	state = paint(s.color, runLook(b.state), state)
	var counts []string
	for _, c := range b.sums() {
		look := looks[c.look]
		counts = append(counts, paint(s.color, look.style, fmt.Sprintf("%s %d %s", look.glyph, c.n, c.word)))
	}
	name, sums := strings.Join(parts, "  "), strings.Join(counts, "  ")
	if ansi.StringWidth(name)+2+ansi.StringWidth(state) <= s.width {
		return []string{name + "  " + state, sums}
	}
	return []string{name, state + "  " + sums}
}

// countOrder is how the headline and the tally sum up states.
var countOrder = []struct {
	word   string
	states []string
}{
	{"running", []string{"running", "deferred"}},
	{"waiting", []string{"up_for_reschedule"}},
	{"to retry", []string{"up_for_retry"}},
	{"failed", []string{"failed"}},
	{"cancelled", []string{cancelled}},
	{"not reached", []string{"upstream_failed"}},
	{"success", []string{"success"}},
	{"skipped", []string{"skipped"}},
	{"queued", []string{"queued", "scheduled"}},
	{"to come", []string{"none"}},
}

// A sum is how many rows are in states that one word names.
type sum struct {
	look, word string
	n          int
}

// sums are the board's rows by countOrder. It is asked for with every frame, so only a cancelled run
// has its rows counted anew.
func (b *board) sums() []sum {
	counts := b.counts
	if b.state == string(machine.RunCancelled) {
		counts = map[string]int{}
		for _, r := range b.rows {
			counts[b.shows(r)]++
		}
	}
	return sumsOf(counts)
}

func sumsOf(counts map[string]int) (sums []sum) {
	for _, c := range countOrder {
		n := 0
		for _, s := range c.states {
			n += counts[s]
		}
		if n > 0 {
			sums = append(sums, sum{c.states[0], c.word, n})
		}
	}
	return sums
}

func tally(sums []sum) string {
	var parts []string
	for _, c := range sums {
		parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
	}
	return strings.Join(parts, ", ")
}

// rank says what a row is worth on a small screen; smaller is more.
var rank = map[string]int{
	"running": 0, "deferred": 0, "up_for_retry": 0, "failed": 1, "up_for_reschedule": 2,
	"queued": 3, "scheduled": 3, "upstream_failed": 5, "success": 6, "none": 7, "skipped": 8,
}

// choose keeps the n rows that are worth most, in their order; of equals that have finished the
// latest, of others the first.
func choose(rows []*row, n int) (shown, hidden []*row) {
	byWorth := slices.Clone(rows)
	slices.SortStableFunc(byWorth, func(a, b *row) int {
		return cmp.Or(cmp.Compare(rank[a.state], rank[b.state]), b.ended.Compare(a.ended))
	})
	keep := make(map[*row]bool, n)
	for _, r := range byWorth[:min(n, len(byWorth))] {
		keep[r] = true
	}
	for _, r := range rows {
		if keep[r] {
			shown = append(shown, r)
		} else {
			hidden = append(hidden, r)
		}
	}
	return shown, hidden
}

// line is one row: glyph, name, how long, and what is worth saying in the state that it shows.
func (r *row) line(s scene, idWidth int, state string) string {
	look := looks[state]
	glyph := look.glyph
	if r.state == machine.Running.String() && !s.final {
		glyph = spinner[int(s.now.UnixMilli()/100)%len(spinner)]
	}
	id := ansi.Truncate(r.id, idWidth, "…")
	id += strings.Repeat(" ", idWidth-ansi.StringWidth(id))
	if r.state == machine.None.String() {
		id = paint(s.color, faint, id)
	}
	took := ""
	if !r.begun.IsZero() {
		end := s.now
		if !r.ended.IsZero() {
			end = r.ended
		}
		took = elapsed(end.Sub(r.begun))
	}
	return fmt.Sprintf("%s %s  %7s  %s", paint(s.color, look.style, glyph), id, took, r.detail(s, state))
}

func (r *row) detail(s scene, state string) string {
	var parts []string
	if r.mapped && r.size > 0 {
		done, failed := r.done()
		p := fmt.Sprintf("%d/%d", done, r.size)
		if failed > 0 && !finished(r.state) { // then the reason says it
			p += paint(s.color, red, fmt.Sprintf(" %d failed", failed))
		}
		parts = append(parts, p)
	}
	if r.attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", r.attempt))
	}
	switch state {
	case "running":
		parts = r.said(parts, s)
	case "deferred":
		w := clean(r.reason)
		if !r.next.IsZero() {
			w += ", gives up at " + clockText(r.next, s.now)
		}
		parts = append(parts, paint(s.color, faint, w))
	case "up_for_reschedule":
		w := "waits"
		if !r.next.IsZero() {
			w += ", gives up at " + clockText(r.next, s.now)
		}
		parts = append(parts, paint(s.color, faint, w))
	case "up_for_retry":
		w := "again"
		if !r.next.IsZero() {
			w = "again at " + clockText(r.next, s.now)
			if d := r.next.Sub(s.now); d > 0 && !s.final {
				w += " (in " + elapsed(d) + ")"
			}
		}
		parts = append(parts, paint(s.color, yellow, w))
		if r.reason != "" {
			parts = append(parts, paint(s.color, faint, clean(r.reason)))
		}
		parts = r.said(parts, s)
	case "success", "none":
	case cancelled:
		parts = append(parts, paint(s.color, looks[state].style, clean(r.reason)))
	default:
		text := strings.ReplaceAll(r.state, "_", " ")
		if r.reason != "" {
			text += ": " + clean(r.reason)
		}
		parts = append(parts, paint(s.color, looks[r.state].style, text))
	}
	return strings.Join(parts, "  ")
}

// said adds the last line that the row's attempt wrote, if it is known.
func (r *row) said(parts []string, s scene) []string {
	if s.lastLine == nil || r.log == "" {
		return parts
	}
	if l := clean(s.lastLine(r.log)); l != "" {
		parts = append(parts, paint(s.color, faint, l))
	}
	return parts
}

// clockText is a moment as short as it is clear: the day only where it is another.
func clockText(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// elapsed is a duration in at most six columns.
func elapsed(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// clean makes text from a task fit for one line of a terminal: no escapes, nothing that moves.
func clean(s string) string { return strings.TrimSpace(harmless(s)) }

// harmless is clean for a line that keeps its indentation: what a caret points at stands above it.
func harmless(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		}
		return r
	}, ansi.Strip(s)), " ")
}
