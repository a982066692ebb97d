package temporal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"

	"weft/machine"
	"weft/runner"
)

// How often a run is looked at that somebody follows. A snapshot of a large run takes its time; then it is less often.
const (
	leastFollow = 250 * time.Millisecond
	mostFollow  = 5 * time.Second
	patience    = 10 * time.Minute // with a server or worker that is not there
)

// Follow tells of what changes in a run until it is over, and returns its summary then. from is what has been told of it
// already; nil: nothing. A worker or server that is not there is waited for; missing is told of it once, and with nil
// once it is back.
func (e *Engine) Follow(ctx context.Context, run string, from *machine.Summary, observe func(runner.Update), missing func(error)) (machine.Summary, error) {
	v := view{engine: e, run: run}
	seen := sights{}
	if from != nil {
		seen.news(&machine.Plan{}, from, time.Time{})
	}
	var failing time.Time
	for pause := time.Duration(0); ; {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return machine.Summary{}, ctx.Err()
		}
		began := time.Now()
		sum, err := v.summary(ctx)
		switch {
		case err == nil && !failing.IsZero():
			failing = time.Time{}
			missing(nil)
		case err == nil:
		case ctx.Err() != nil:
			return machine.Summary{}, ctx.Err()
		case !isTemporary(err) || !failing.IsZero() && time.Since(failing) > patience:
			return machine.Summary{}, err
		case failing.IsZero():
			failing = began
			missing(err)
		}
		if err == nil {
			for _, u := range seen.news(v.state.Plan(), &sum, began) {
				observe(u)
			}
			if sum.State.Terminal() && !sum.FinishedAt.IsZero() {
				return sum, nil
			}
		}
		pause = min(max(leastFollow, 4*time.Since(began)), mostFollow)
	}
}

// summary is how the run stands now, with what waits for a worker.
func (v *view) summary(ctx context.Context) (machine.Summary, error) {
	if _, err := v.look(ctx); err != nil {
		return machine.Summary{}, err
	}
	sum := v.state.Summarize()
	if sum.State.Terminal() {
		return sum, nil
	}
	d, err := v.engine.describe(ctx, v.run)
	if err != nil {
		return sum, err
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		_, err := v.look(ctx) // it may have ended in the same moment
		if sum = v.state.Summarize(); err == nil && !sum.State.Terminal() {
			err = fmt.Errorf("cannot look at run %s: its workflow was ended in Temporal, as %s", v.run, strings.ToLower(d.GetWorkflowExecutionInfo().GetStatus().String()))
		}
		return sum, err
	}
	overlay(&sum, v.engine.waiting(ctx, d.GetPendingActivities()))
	return sum, nil
}

// sights are what of a run has been told, by task and instance.
type sights map[string]sight

type sight struct {
	state   string
	attempt int
	reason  string
}

// news are the updates that lead from what was told to what is. What began and ended between two looks is told of as
// two updates, with their times.
func (s sights) news(p *machine.Plan, sum *machine.Summary, now time.Time) (out []runner.Update) {
	for id, t := range sum.Tasks {
		for i := range t.Instances {
			in := &t.Instances[i]
			out = append(out, s.task(id, &in.Index, in.Attempts, in.State, in.Reason, time.Time{}, time.Time{}, time.Time{}, now)...)
		}
		attempt := t.Attempts
		if len(t.Instances) > 0 {
			attempt = 0
		}
		out = append(out, s.task(id, nil, attempt, t.State, t.Reason, t.StartedAt, t.EndedAt, t.Next, now)...)
	}
	for i := range out {
		out[i].Run = sum.Run
	}
	slices.SortStableFunc(out, func(a, b runner.Update) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(p.Position(a.Task), p.Position(b.Task)), cmp.Compare(a.Task, b.Task), place(a)-place(b))
	})
	return s.run(sum, out, now)
}

func place(u runner.Update) int {
	if u.Index == nil {
		return 1 << 30
	}
	return *u.Index
}

// run puts what changed of the run itself round what changed of its tasks.
func (s sights) run(sum *machine.Summary, out []runner.Update, now time.Time) []runner.Update {
	was, known := s[""]
	s[""] = sight{state: string(sum.State)}
	u := runner.Update{Run: sum.Run, State: string(sum.State), Reason: sum.Reason, At: now}
	over := sum.State.Terminal() && !sum.FinishedAt.IsZero()
	switch {
	case !known:
		begins := runner.Update{Type: "run_started", Run: sum.Run, State: string(sum.State), At: sum.StartedAt}
		if begins.At.IsZero() {
			begins.At = now
		}
		if over {
			begins.State = string(machine.RunRunning)
		}
		out = slices.Insert(out, 0, begins)
	case was.state == string(sum.State):
		return out
	case was.state == string(machine.RunQueued) && !over:
		u.Type = "run_admitted"
		return slices.Insert(out, 0, u)
	case !over:
		u.Type = "run_decided"
		return append(out, u)
	}
	if over {
		u.Type, u.At, u.Summary = "run_finished", sum.FinishedAt, sum
		out = append(out, u)
	}
	return out
}

func (s sights) task(id string, index *int, attempt int, state machine.State, reason string, began, ended, next, now time.Time) (out []runner.Update) {
	key := id
	if index != nil {
		key += "[" + strconv.Itoa(*index) + "]"
	}
	is, was := sight{state.String(), attempt, reason}, s[key]
	if state == machine.None || is == was {
		return nil
	}
	s[key] = is
	u := runner.Update{Type: "task", At: now, Task: id, Index: index, Attempt: attempt, State: is.state, Reason: reason, Next: next}
	running := machine.Running.String()
	if state.Finished() {
		if !ended.IsZero() {
			u.At = ended
		}
		waited := was.state == machine.UpForReschedule.String() || was.state == machine.Deferred.String()
		if attempt > 0 && !began.IsZero() && !waited && (was.state != running || was.attempt != attempt) {
			out = append(out, runner.Update{Type: "task", At: began, Task: id, Index: index, Attempt: attempt, State: running})
		}
	} else if state == machine.Running && !began.IsZero() {
		u.At = began
	}
	return append(out, u)
}

// attemptOf reads the id of an attempt's activity; see machine.Key.String.
func attemptOf(id string) (key machine.Key, ok bool) {
	id, _, _ = strings.Cut(id, "#")
	parts := strings.Split(id, "/")
	if len(parts) != 4 {
		return key, false
	}
	key = machine.Key{Task: parts[0], Index: -1}
	var errs [3]error
	if parts[1] != "-" {
		key.Index, errs[0] = strconv.Atoi(parts[1])
	}
	key.Epoch, errs[1] = strconv.Atoi(parts[2])
	key.Attempt, errs[2] = strconv.Atoi(parts[3])
	return key, errors.Join(errs[:]...) == nil
}
