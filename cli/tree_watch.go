package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"

	"weft/machine"
	"weft/runner"
)

// A watcher shows a run while it goes on.
//
// Update is called with each change, in order, by whoever drives the run, and never waits for the
// screen. Close is called once, after the last update; it returns when everything is shown.
type watcher interface {
	Update(u runner.Update)
	Close()
}

// A watchForm says how a run is shown.
type watchForm struct {
	json  bool // one object a line
	lines bool // one line an event, also at a terminal
	color bool
}

// newWatcher chooses: JSON if asked for, the tree at a terminal, else a line an event.
func newWatcher(p *machine.Plan, out io.Writer, form watchForm, logs logTail) watcher {
	if form.json {
		return newJSONWatcher(out)
	}
	if file, ok := out.(*os.File); ok && !form.lines && isTerminal(out) {
		return newTree(p, file, form.color, logs)
	}
	return newLineWatcher(p, out, form.color, time.Local, logs)
}

// A lineWatcher writes one line an event: "15:04:05  greet  running  attempt 1".
type lineWatcher struct {
	mu    sync.Mutex
	board *board
	pipe  *pipe
	form  lineForm
	logs  logTail
}

// A lineForm is how lines look.
type lineForm struct {
	dag   string
	color bool
	zone  *time.Location
	width int // of names
}

func newLineWatcher(p *machine.Plan, out io.Writer, color bool, zone *time.Location, logs logTail) *lineWatcher {
	w := &lineWatcher{board: newBoard(p), pipe: newPipe(out), logs: logs}
	width := len("run")
	for i := range p.Tasks {
		n := len(p.Tasks[i].ID)
		if p.Tasks[i].ForEach != nil {
			n += len("[000]")
		}
		width = max(width, n)
	}
	width = max(width, w.board.widest)
	w.form = lineForm{dag: p.DAG, color: color, zone: zone, width: min(width, maxName)}
	return w
}

// maxName is how wide the column of names becomes at most.
const maxName = 40

// Update implements watcher.
func (w *lineWatcher) Update(u runner.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.board.fold(u)
	if isChild(u) {
		w.form.width = max(w.form.width, min(len(u.DAG), maxName))
	}
	if worthALine(u) {
		form := w.form
		w.pipe.write(func() string { return form.line(u) + "\n" })
	}
}

// worthALine is false for what nobody waits to see: the steps of a task on its way to a slot (unless it waits for
// more), and the verdict on a run, which its end repeats.
func worthALine(u runner.Update) bool {
	switch {
	case u.Type == "run_decided":
		return false
	case u.Type != "task":
		return true
	case u.State == machine.Queued.String():
		return u.Reason != ""
	}
	return u.State != machine.Scheduled.String() && u.State != machine.None.String()
}

func (f lineForm) line(u runner.Update) string {
	name, state, style := "run", u.State, runLook(u.State)
	var parts []string
	switch u.Type {
	case "run_started":
		state = "started"
		parts = append(parts, f.dag, u.Run)
	case childStarted, childFinished:
		return childLine(u, f.zone, f.width, f.color)
	case "task":
		name, style = u.Task, looks[u.State].style
		if u.Index != nil {
			name = fmt.Sprintf("%s[%d]", u.Task, *u.Index)
		}
		if u.Attempt > 0 {
			parts = append(parts, fmt.Sprintf("attempt %d", u.Attempt))
		}
		if !u.Next.IsZero() {
			word := "gives up at "
			if u.State == machine.UpForRetry.String() {
				word = "again at "
			}
			parts = append(parts, word+clockText(u.Next, u.At.In(f.zone)))
		}
	}
	if u.Reason != "" {
		parts = append(parts, clean(u.Reason))
	}
	return eventLine(u.At.In(f.zone), f.width, name, f.color, style, state, parts)
}

// eventLine is one event as a line.
func eventLine(at time.Time, width int, name string, color bool, style lipgloss.Style, state string, parts []string) string {
	const stateWidth = len("up_for_reschedule")
	line := fmt.Sprintf("%s  %-*s  %s%s  %s", at.Format(time.TimeOnly), width, name,
		paint(color, style, state), strings.Repeat(" ", max(stateWidth-len(state), 0)), strings.Join(parts, "  "))
	return strings.TrimRight(line, " ")
}

// Close implements watcher.
func (w *lineWatcher) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	report := w.board.report(w.form.color, w.logs)
	w.pipe.write(func() string { return report })
	w.pipe.close()
}

// A jsonWatcher writes one object a line; the last is the run's summary.
type jsonWatcher struct{ pipe *pipe }

func newJSONWatcher(out io.Writer) *jsonWatcher { return &jsonWatcher{pipe: newPipe(jsonText{out})} }

// Update implements watcher.
func (w *jsonWatcher) Update(u runner.Update) {
	w.pipe.write(func() string {
		var what any = u
		if u.Summary != nil {
			what = u.Summary
		}
		body, err := json.Marshal(what)
		if err != nil {
			panic("cli: an update does not marshal: " + err.Error()) // only Raw values that are no JSON
		}
		return string(body) + "\n"
	})
}

// Close implements watcher.
func (w *jsonWatcher) Close() { w.pipe.close() }

// A pipe writes in a goroutine of its own, so that a reader who is slow slows no run. A reader who
// has gone is no error: the run is worth more than its picture.
//
// What comes within a few milliseconds is written together: to put an event into words, and to wake somebody
// who writes it, would be a good part of what a short attempt costs.
type pipe struct {
	more    chan struct{}
	closing chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	pieces []func() string
}

// gather is how long a piece waits for others.
const gather = 20 * time.Millisecond

func newPipe(out io.Writer) *pipe {
	p := &pipe{more: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go p.pump(out)
	return p
}

// write takes a piece in; its text is asked for later, on another goroutine.
func (p *pipe) write(text func() string) {
	p.mu.Lock()
	p.pieces = append(p.pieces, text)
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

func (p *pipe) close() {
	close(p.closing)
	<-p.done
}

func (p *pipe) pump(out io.Writer) {
	defer close(p.done)
	gone := false
	for open := true; open; {
		select {
		case <-p.more:
			open = p.wait()
		case <-p.closing:
			open = false
		}
		if text := p.take(); !gone && len(text) > 0 {
			_, err := out.Write(text)
			gone = err != nil
		}
	}
}

// wait waits for others; false if there will be none.
func (p *pipe) wait() bool {
	select {
	case <-time.After(gather):
		return true
	case <-p.closing:
		return false
	}
}

func (p *pipe) take() (text []byte) {
	p.mu.Lock()
	pieces := p.pieces
	p.pieces = nil
	p.mu.Unlock()
	for _, piece := range pieces {
		text = append(text, piece()...)
	}
	return text
}

var (
	_ watcher = (*tree)(nil)
	_ watcher = (*lineWatcher)(nil)
	_ watcher = (*jsonWatcher)(nil)
)
