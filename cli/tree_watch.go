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
	color bool
	zone  *time.Location
	width int
	logs  logTail
}

func newLineWatcher(p *machine.Plan, out io.Writer, color bool, zone *time.Location, logs logTail) *lineWatcher {
	w := &lineWatcher{board: newBoard(p), pipe: newPipe(out), color: color, zone: zone, logs: logs, width: len("run")}
	for i := range p.Tasks {
		n := len(p.Tasks[i].ID)
		if p.Tasks[i].ForEach != nil {
			n += len("[000]")
		}
		w.width = max(w.width, n)
	}
	w.width = max(w.width, w.board.widest)
	w.width = min(w.width, 40)
	return w
}

// Update implements watcher.
func (w *lineWatcher) Update(u runner.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.board.fold(u)
	if line := w.line(u); line != "" {
		w.pipe.write(line + "\n")
	}
}

// line is "" for what nobody waits to see: the steps of a task on its way to a slot.
func (w *lineWatcher) line(u runner.Update) string {
	name, state, style := "run", u.State, runLook(u.State)
	var parts []string
	switch u.Type {
	case "run_started":
		state = "started"
		parts = append(parts, w.board.dag, u.Run)
	case "run_decided":
		return "" // run_finished says it, after the callbacks
	case "run_finished":
	case childStarted, childFinished:
		w.width = max(w.width, min(len(u.DAG), 40))
		return childLine(u, w.zone, w.width, w.color)
	case "task":
		queued := u.State == machine.Queued.String() && u.Reason == "" // else it waits for more than a slot
		if u.State == machine.Scheduled.String() || queued || u.State == machine.None.String() {
			return ""
		}
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
			parts = append(parts, word+clockText(u.Next, u.At.In(w.zone)))
		}
	}
	if u.Reason != "" {
		parts = append(parts, clean(u.Reason))
	}
	return eventLine(u.At.In(w.zone), w.width, name, w.color, style, state, parts)
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
	w.pipe.write(w.board.report(w.color, w.logs))
	w.pipe.close()
}

// A jsonWatcher writes one object a line; the last is the run's summary.
type jsonWatcher struct{ pipe *pipe }

func newJSONWatcher(out io.Writer) *jsonWatcher { return &jsonWatcher{pipe: newPipe(jsonText{out})} }

// Update implements watcher.
func (w *jsonWatcher) Update(u runner.Update) {
	var what any = u
	if u.Summary != nil {
		what = u.Summary
	}
	body, err := json.Marshal(what)
	if err != nil {
		panic("cli: an update does not marshal: " + err.Error()) // only Raw values that are no JSON
	}
	w.pipe.write(string(body) + "\n")
}

// Close implements watcher.
func (w *jsonWatcher) Close() { w.pipe.close() }

// A pipe writes in a goroutine of its own, so that a reader who is slow slows no run. A reader who
// has gone is no error: the run is worth more than its picture.
type pipe struct {
	mu     sync.Mutex
	more   *sync.Cond
	text   []byte
	closed bool
	done   chan struct{}
}

func newPipe(out io.Writer) *pipe {
	p := &pipe{done: make(chan struct{})}
	p.more = sync.NewCond(&p.mu)
	go p.pump(out)
	return p
}

func (p *pipe) write(s string) {
	p.mu.Lock()
	p.text = append(p.text, s...)
	p.mu.Unlock()
	p.more.Signal()
}

func (p *pipe) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.more.Signal()
	<-p.done
}

func (p *pipe) pump(out io.Writer) {
	defer close(p.done)
	gone := false
	for {
		p.mu.Lock()
		for len(p.text) == 0 && !p.closed {
			p.more.Wait()
		}
		text := p.text
		p.text = nil
		p.mu.Unlock()
		if len(text) == 0 {
			return
		}
		if !gone {
			_, err := out.Write(text)
			gone = err != nil
		}
	}
}

var (
	_ watcher = (*tree)(nil)
	_ watcher = (*lineWatcher)(nil)
	_ watcher = (*jsonWatcher)(nil)
)
