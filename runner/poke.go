package runner

import (
	"context"
	"errors"
	"maps"

	"weft/machine"
	"weft/plugins"
)

// sensor is the task's sensor; a plugin that is one by nature may have none written down.
func (a *attempt) sensor() machine.Sensor {
	if s := a.o.Task.Sensor; s != nil {
		return *s
	}
	return machine.Sensor{}
}

// asks tells whether the task looks at its output before that is kept.
func (a *attempt) asks() bool {
	return len(a.o.Task.Asks) > 0 || a.poke > 0 && a.sensorAsks()
}

func (a *attempt) sensorAsks() bool {
	s := a.sensor()
	return s.Until != nil || s.FailWhen != nil
}

// judge ends a poke that succeeded: `fail_when` first, then `until`. Only an output that holds is
// checked against `outputs` and kept.
func (a *attempt) judge(ctx context.Context, res plugins.Result) (PokeResult, error) {
	if res.NotYet {
		return PokeResult{NotBefore: res.NotBefore}, nil
	}
	if a.question.refuses(res) {
		return PokeResult{}, nil
	}
	out, err := a.take(res)
	if err == nil {
		err = a.answers(out)
	}
	if err != nil {
		return PokeResult{}, err
	}
	s := a.sensor()
	if a.sensorAsks() {
		if out.file != "" {
			return PokeResult{}, plugins.Errorf(plugins.BadInput, "cannot ask about an output of %d bytes, at most %d are read", out.size, maxValue)
		}
		if a.question != nil {
			if err := a.ownVars(ctx); err != nil {
				return PokeResult{}, err
			}
		}
		seen := maps.Clone(a.vars)
		if seen == nil {
			seen = map[string]any{}
		}
		seen["output"], seen["poke"] = out.value, a.poke
		failed, err := a.holds(s.FailWhen, "fail_when", false, seen)
		if err != nil {
			return PokeResult{}, err
		}
		if failed {
			return PokeResult{}, &plugins.Error{
				Kind: plugins.Remote, Final: true, Skip: s.SoftFail, Exit: res.Exit,
				Err: plugins.Errorf(plugins.Remote, "fail_when holds: %s", s.FailWhen.Src),
			}
		}
		ready, err := a.holds(s.Until, "until", true, seen)
		if err != nil {
			return PokeResult{}, err
		}
		if !ready {
			a.note(res)
			return PokeResult{}, nil
		}
	}
	return a.succeed(ctx, res, out)
}

// holds evaluates a question of a sensor; one that is not asked has its default.
func (a *attempt) holds(e *machine.Expr, key string, otherwise bool, vars map[string]any) (bool, error) {
	if e == nil {
		return otherwise, nil
	}
	yes, err := a.exprs.Bool(e.Src, vars)
	if err != nil {
		return false, plugins.Errorf(plugins.BadInput, "%scannot evaluate %s: %w", a.place(e.Pos), key, err)
	}
	return yes, nil
}

// excused tells whether `on_error` may forgive a poke's failure: not one that was asked for (exit
// 99 and 100, fail_when), not a stop, and not a mistake in the file, which no waiting mends.
func (a *attempt) excused(out machine.Outcome) bool {
	return out.State == machine.Failed && !out.Final &&
		out.Kind != string(plugins.Cancelled) && out.Kind != string(plugins.BadInput)
}

// advised adds to the failure of a poke what most who meet it are looking for: "nothing there yet" is a
// failure to many plugins and scripts, and ends a sensor that does not say otherwise.
func (a *attempt) advised(err error) error {
	var e *plugins.Error
	if a.poke == 0 || a.sensor().OnError != "retry" || a.o.Task.Retries > 0 || !a.excused(outcomeOf(err, a.mask)) || !errors.As(err, &e) {
		return err
	}
	told, hint := *e, "on_error: wait takes a failed poke for not yet"
	if e.Hint != "" {
		hint = e.Hint + "; " + hint
	}
	told.Hint = hint
	return &told
}

// notYet tells whether a failed poke counts as "not yet". A process has said why itself; any other
// failure leaves a line in the log.
func (a *attempt) notYet(out machine.Outcome) bool {
	if a.sensor().OnError != "wait" || !a.excused(out) {
		return false
	}
	if out.Exit == nil {
		a.log.weft("not yet: " + out.Error)
	}
	return true
}
