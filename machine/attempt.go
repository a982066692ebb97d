package machine

import (
	"fmt"
	"math"
	"time"
)

// maxLost is how often in a row an attempt may be cut off by a crash before its task fails.
const maxLost = 3

// enqueue orders the next attempt of an instance.
func (r *Run) enqueue(n *node, k int) {
	in := &n.inst[k]
	in.attempt++
	in.started, in.retryAt = time.Time{}, time.Time{}
	r.setInst(n, k, Queued, "")
	r.order(StartAttempt{n.key(k)})
}

func (r *Run) attemptStarted(f AttemptStarted) {
	n, k, ok := r.find(f.Key)
	if !ok || n.inst[k].state != Queued {
		return
	}
	in := &n.inst[k]
	in.started = r.now
	if n.def.Sensor == nil {
		r.setInst(n, k, Running, "")
		return
	}
	if in.since.IsZero() {
		in.since = r.now
		if d := time.Duration(n.def.Sensor.Timeout); d > 0 {
			r.setTimer(r.timerName("sensor", n, k), r.now.Add(d), n, k)
		}
	}
	r.setInst(n, k, UpForReschedule, "")
}

func (r *Run) timerName(what string, n *node, k int) string {
	if what == "retry" || what == attemptTimer { // one an attempt
		return what + "/" + n.key(k).String()
	}
	return fmt.Sprintf("%s/%s/%d/%d", what, n.id, n.inst[k].index, n.epoch)
}

// attemptEnded takes an outcome: the end of the instance, or a retry.
func (r *Run) attemptEnded(f AttemptEnded) {
	if (f.State != Success && f.State != Failed && f.State != Skipped) || r.drained(f.Key) {
		return
	}
	n, k, ok := r.find(f.Key)
	if !ok || !n.inst[k].alive() {
		return
	}
	in := &n.inst[k]
	in.result, in.lost = f.Outcome, 0
	elsewhere := r.endRemote(n, k)
	switch {
	case f.State == Success:
		r.finishInst(n, k, Success, "")
	case r.atDeadline(n, k):
		r.sensorTimedOut(n, k)
	case in.stop == Overtime:
		r.overtime(n, k)
	case in.stop != "" && elsewhere && f.Error != "": // what became of it over there is worth knowing
		r.finishInst(n, k, Failed, r.stopReason(in)+": "+f.Error)
	case in.stop != "":
		r.finishInst(n, k, Failed, r.stopReason(in))
	case f.State == Skipped:
		r.finishInst(n, k, Skipped, orElse(f.Error, "the task asked to be skipped"))
	default:
		r.attemptFailed(n, k)
	}
}

// attemptFailed retries, or fails the instance.
func (r *Run) attemptFailed(n *node, k int) {
	in := &n.inst[k]
	in.tries++
	why := in.result.Error
	switch again, err := r.mayRetry(n, k); {
	case err != nil:
		why = fmt.Sprintf("%s; %scannot evaluate retry_if: %s", why, r.place(n.def.RetryIf), err)
	case again:
		in.retryAt = r.now.Add(r.retryDelay(n, k))
		in.stop = ""
		r.setInst(n, k, UpForRetry, why)
		r.setTimer(r.timerName("retry", n, k), in.retryAt, n, k)
		return
	}
	r.finishInst(n, k, Failed, why)
}

func (r *Run) mayRetry(n *node, k int) (bool, error) {
	in := &n.inst[k]
	if in.result.Final || in.result.Kind == "bad_input" || in.tries > n.def.Retries {
		return false, nil
	}
	if n.def.RetryIf == nil {
		return true, nil
	}
	o := r.orderOf(n, k)
	o.Attempt = in.tries // the one that failed
	vars, err := o.Vars(nil)
	if err != nil {
		return false, err
	}
	return r.exprs.Bool(n.def.RetryIf.Src, vars)
}

// retryDelay is delay × backoff^n, capped, × (1 + jitter × u), with n the number of retries before
// this one and u in [0, 1) from a hash of run, task, index and attempt.
func (r *Run) retryDelay(n *node, k int) time.Duration {
	d := float64(n.def.RetryDelay)
	if b := n.def.RetryBackoff; b > 0 && d > 0 {
		d *= math.Pow(b, float64(n.inst[k].tries-1))
	}
	if limit := float64(n.def.MaxRetryDelay); limit > 0 && d > limit {
		d = limit
	}
	if n.def.RetryJitter > 0 {
		// The conversion keeps a processor that fuses the two from giving another moment.
		d *= 1 + float64(n.def.RetryJitter*Chance(r.info.Run, n.key(k)))
	}
	return time.Duration(min(d, float64(365*24*time.Hour))).Round(time.Millisecond)
}

// Chance is a number in [0, 1) that is always the same for one attempt of one run: jitter without
// randomness (FNV-1a, the upper 53 bits after a finishing multiply).
func Chance(run string, key Key) float64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(run + "/" + key.String()) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93 // spreads the low bits upwards
	h ^= h >> 32
	return float64(h>>11) / (1 << 53)
}

// finishInst ends an instance for this epoch.
func (r *Run) finishInst(n *node, k int, s State, reason string) {
	if n.def.Sensor != nil {
		r.dropTimer(r.timerName("sensor", n, k))
	}
	r.setInst(n, k, s, reason)
	if s == Failed {
		r.failed(n, k)
	}
}

// failed starts a task's own on_failure callbacks: once for each instance that failed for good.
func (r *Run) failed(n *node, k int) {
	if n.ti < 0 || len(n.def.OnFailure) == 0 || r.ending == byCancel {
		return
	}
	r.startChain(n, "on_failure", n.inst[k].index, n.def.OnFailure)
}

func (r *Run) stopReason(in *instance) string {
	if r.endingBy != "" {
		return in.stop + " by " + r.endingBy
	}
	return in.stop
}

// attemptLost runs an attempt again under its key: what cut it off was not the task's fault.
func (r *Run) attemptLost(f AttemptLost) {
	if d := r.drains[f.Key]; d != nil && d.remote != nil {
		return // what lives elsewhere is not cut off
	}
	if r.drained(f.Key) {
		return
	}
	n, k, ok := r.find(f.Key)
	if !ok || !n.inst[k].alive() || n.inst[k].remote != nil {
		return
	}
	in := &n.inst[k]
	if !f.Ordered {
		in.lost++
	}
	switch {
	case r.atDeadline(n, k):
		r.sensorTimedOut(n, k)
	case in.stop != "":
		r.finishInst(n, k, Failed, r.stopReason(in))
	case in.lost >= maxLost && !f.Ordered:
		in.result = Outcome{State: Failed, Kind: "internal", Error: fmt.Sprintf("cut off %d times in a row: %s", in.lost, orElse(f.Reason, "weft ended"))}
		r.finishInst(n, k, Failed, in.result.Error)
	default:
		r.setInst(n, k, Queued, "runs again: "+orElse(f.Reason, "weft ended while it ran"))
		r.order(StartAttempt{n.key(k)})
	}
}

// instanceTimer is a retry whose moment has come, a sensor's deadline, or the timeout of remote work.
func (r *Run) instanceTimer(name string, n *node, k int) {
	if k >= len(n.inst) || (r.ending != notEnding && n.ti >= 0) {
		return
	}
	in := &n.inst[k]
	switch {
	case in.state == UpForRetry && name == r.timerName("retry", n, k):
		r.enqueue(n, k)
	case name == r.timerName(attemptTimer, n, k):
		if in.remote != nil && in.stop == "" {
			r.stop(n, k, Overtime)
		}
	case n.def.Sensor == nil || in.state.Finished():
	case in.state == UpForRetry:
		r.dropTimer(r.timerName("retry", n, k))
		r.sensorTimedOut(n, k)
	case in.alive() && in.stop == "":
		r.stop(n, k, "timeout")
	}
}

// stop orders the end of an attempt that may be alive, once.
func (r *Run) stop(n *node, k int, reason string) {
	in := &n.inst[k]
	if in.stop == reason {
		return
	}
	if in.stop == "" {
		r.order(StopAttempt{n.key(k), reason})
	}
	in.stop = reason
	r.mix(uint64(in.attempt), uint64(len(reason)))
}

// atDeadline tells whether an attempt that has ended was stopped because its sensor's time was up.
func (r *Run) atDeadline(n *node, k int) bool {
	return n.inst[k].stop == "timeout" && n.def.Sensor != nil && (r.ending == notEnding || n.ti < 0)
}

// sensorTimedOut ends a sensor at its deadline: no retry.
func (r *Run) sensorTimedOut(n *node, k int) {
	why := fmt.Sprintf("the sensor waited longer than its timeout of %s", time.Duration(n.def.Sensor.Timeout))
	n.inst[k].result = Outcome{State: Failed, Kind: "timeout", Error: why, Final: true}
	if n.def.Sensor.SoftFail {
		r.finishInst(n, k, Skipped, why)
		return
	}
	r.finishInst(n, k, Failed, why)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
