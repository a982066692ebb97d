package local

import (
	"weft/machine"
	"weft/runner"
)

// tell passes the changes of the last step to whoever watches.
func (d *drive) tell(ev machine.Event) {
	for _, ch := range d.run.Changes() {
		u := runner.Update{
			At: ev.At, Run: d.id, Task: ch.Task, Attempt: ch.Attempt,
			State: ch.State.String(), Reason: ch.Reason, Next: ch.Next, Type: "task", Seq: d.stepped,
		}
		if ch.Index >= 0 {
			i := ch.Index
			u.Index = &i
		}
		if ch.Task == "" && !d.tellRun(ev, ch, &u) {
			continue
		}
		if start, ok := ev.Fact.(machine.AttemptStarted); ok && ch.Task != "" && d.core.opt.LogPath != nil {
			u.Log = d.core.opt.LogPath(d.id, d.run.Plan().DAG, start.Key)
		}
		d.core.opt.Observe(u)
	}
}

// tellRun fills in an update about the run itself; false if nobody needs it.
func (d *drive) tellRun(ev machine.Event, ch machine.Change, u *runner.Update) bool {
	u.State = string(ch.Run)
	switch ev.Fact.(type) {
	case machine.RunStarted: // queued, and at once running unless it is held: one update
		u.Type = "run_started"
		return ch.Run == d.run.State()
	case machine.RunDecided:
		u.Type = "run_decided"
	case machine.RunFinished:
		u.Type = "run_finished"
		sum := d.run.Summarize()
		u.Summary = &sum
	default:
		u.Type = ev.Name() // run_admitted, reopened, marked, cancel_asked
	}
	return true
}
