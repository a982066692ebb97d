package local

import "weft/machine"

// Standing tells where a run stands that is driven here, by what the machine has stepped on: that may be a moment
// ahead of the journal, as updates are. seq is that of the newest record. here is false where the run is not driven here.
func (e *Engine) Standing(run string) (info machine.RunInfo, sum machine.Summary, seq uint64, here bool) {
	done := make(chan struct{})
	e.post(func() {
		defer close(done)
		if d := e.core.drives[run]; d != nil {
			info, sum, seq, here = d.run.Info(), d.run.Summarize(), d.stepped, true
		}
	})
	select {
	case <-done:
		return info, sum, seq, here
	case <-e.done:
		return machine.RunInfo{}, machine.Summary{}, 0, false
	}
}
