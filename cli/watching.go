package cli

import (
	"sync"
	"sync/atomic"
	"time"

	"weft/machine"
	"weft/runner"
)

// A watching shows the runs that a command drives: one as the terminal allows, several as lines.
type watching struct {
	make        func(p *machine.Plan) watcher
	json        bool
	again       string // what another Ctrl-C does
	interrupted atomic.Bool

	mu       sync.Mutex
	starting *machine.Plan // of the run that begins: its first update makes its watcher
	byRun    map[string]watcher
	finished map[string]bool
	closed   bool
	children int             // that go on: of a program's summaries none comes before their ends
	held     []runner.Update // summaries
}

// watch prepares to show runs; alone tells that there will be one.
func (e *env) watch(asJSON, alone bool) *watching {
	form := watchForm{json: asJSON, lines: !alone, color: e.color}
	return &watching{
		json: asJSON, again: "Ctrl-C again kills", byRun: map[string]watcher{}, finished: map[string]bool{},
		make: func(p *machine.Plan) watcher { return newWatcher(p, e.stdout, form, tailFile) },
	}
}

// begin names the plan of the run that starts next.
func (w *watching) begin(p *machine.Plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.starting = p
}

// follow shows a run that has been going on: where it stands, as if that had just happened.
func (w *watching) follow(r *machine.Run) { w.followSince(r, r.Info().StartedAt) }

// begins makes the watcher of a run that has been going on, and is not shown yet.
func (w *watching) begins(r *machine.Run) {
	run := r.Info().Key()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byRun[run] != nil {
		return
	}
	show := w.make(r.Plan())
	w.byRun[run], w.starting = show, nil
	if !w.json {
		show.Update(runner.Update{Type: "run_started", At: r.Info().StartedAt, Run: run, State: string(r.State())})
	}
}

// followSince shows such a run with another beginning: that of its newest epoch.
func (w *watching) followSince(r *machine.Run, since time.Time) {
	sum := r.Summarize()
	w.mu.Lock()
	show := w.make(r.Plan())
	w.byRun[r.Info().Key()] = show
	w.mu.Unlock()
	if w.json {
		return
	}
	show.Update(runner.Update{Type: "run_started", At: since, Run: r.Info().Key(), State: string(sum.State)})
	for _, u := range standing(r.Plan(), sum, stands) {
		show.Update(u)
	}
}

// standing is where the tasks of a run stand, as updates: of those whose state is wanted.
func standing(p *machine.Plan, sum machine.Summary, wanted func(machine.State) bool) (out []runner.Update) {
	run := sum.Run
	for _, id := range taskOrder(p, sum) {
		t := sum.Tasks[id]
		for _, in := range t.Instances {
			if wanted(in.State) {
				out = append(out, runner.Update{Type: "task", At: orNow(t.EndedAt), Run: run, Task: id, Index: &in.Index, Attempt: in.Attempts, State: in.State.String(), Reason: in.Reason})
			}
		}
		if wanted(t.State) {
			attempt, at := t.Attempts, t.EndedAt
			if len(t.Instances) > 0 {
				attempt = 0
			}
			if !t.State.Finished() {
				at = t.StartedAt
			}
			out = append(out, runner.Update{Type: "task", At: orNow(at), Run: run, Task: id, Attempt: attempt, State: t.State.String(), Reason: whyNot(t), Next: t.Next})
		}
	}
	return out
}

// stands tells that a task is in its state although nobody drives the run: it has finished, or
// waits. What was cut off begins again, and says so then.
func stands(s machine.State) bool {
	return s.Finished() || s == machine.UpForReschedule || s == machine.UpForRetry || s == machine.Deferred
}

// whyNot is the reason of a state that needs one: of a success nobody asks for it.
func whyNot(t machine.TaskSummary) string {
	if t.State == machine.Success {
		return ""
	}
	return t.Reason
}

func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}

// Update passes a change on. It is called on the engine's thread.
func (w *watching) Update(u runner.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if isChild(u) {
		w.child(u)
		return
	}
	show := w.byRun[u.Run]
	if show == nil && w.starting != nil {
		show = w.make(w.starting)
		w.byRun[u.Run], w.starting = show, nil
	}
	if show == nil {
		return
	}
	w.finished[u.Run] = w.finished[u.Run] || u.Type == "run_finished"
	if w.json && w.children > 0 && u.Summary != nil {
		w.held = append(w.held, u)
		return
	}
	show.Update(u)
}

// child shows the beginning or the end of a run that a task of another one started.
func (w *watching) child(u runner.Update) {
	if u.Type == childStarted {
		w.children++
	} else {
		w.children = max(0, w.children-1)
	}
	for _, run := range sortedKeys(w.byRun)[:min(1, len(w.byRun))] {
		w.byRun[run].Update(u)
	}
	if w.children == 0 {
		w.release()
	}
}

// release shows the summaries that were held.
func (w *watching) release() {
	for _, u := range w.held {
		w.byRun[u.Run].Update(u)
	}
	w.held = nil
}

// finish shows the end of a run that was over before it could be watched.
func (w *watching) finish(sum machine.Summary) {
	w.mu.Lock()
	seen := w.finished[sum.Run]
	w.mu.Unlock()
	if !seen {
		w.Update(runner.Update{Type: "run_finished", At: sum.FinishedAt, Run: sum.Run, State: string(sum.State), Reason: sum.Reason, Summary: &sum})
	}
}

// interrupt says that a signal has been heard, and what another one does.
func (w *watching) interrupt() {
	w.interrupted.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	for run, show := range w.byRun {
		if !w.finished[run] && !w.closed {
			show.Update(runner.Update{Type: cancelling, At: time.Now(), Run: run, State: cancelling, Reason: w.again})
		}
	}
}

// cancelling is the run's state, on the screen alone, from Ctrl-C to its end.
const cancelling = "cancelling"

// Close returns when everything is shown; calling it again does nothing.
func (w *watching) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	w.release()
	for _, run := range sortedKeys(w.byRun) {
		w.byRun[run].Close()
	}
}
