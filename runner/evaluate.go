package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"weft/expr"
	"weft/machine"
)

// Evaluate answers a question of the machine whose inputs are spilled. A list or map that is too
// large for the journal goes into the handoff. It never panics.
func (x *Executor) Evaluate(ctx context.Context, o machine.Order, cmd machine.Evaluate) (ans machine.Evaluated) {
	defer func() {
		if p := recover(); p != nil {
			ans = machine.Evaluated{ID: cmd.ID, Error: oneLine(fmt.Sprintf("cannot go on: evaluating panicked: %v", p))}
		}
	}()
	ans, err := x.evaluate(ctx, o, cmd)
	if err != nil {
		ans = machine.Evaluated{Error: short(oneLine(err.Error()))}
	}
	ans.ID = cmd.ID
	return ans
}

func (x *Executor) evaluate(ctx context.Context, o machine.Order, cmd machine.Evaluate) (machine.Evaluated, error) {
	src, list := question(o.Task, cmd.What)
	if src == nil && list == nil {
		return machine.Evaluated{}, fmt.Errorf("the task has no %s", cmd.What)
	}
	a := attempt{x: x, o: o, exprs: x.cache()}
	source := string(list)
	if src != nil {
		source = src.Src
	}
	sources := append(taskSources(machine.Order{Plan: o.Plan, Task: &machine.Task{Env: o.Task.Env}}), source)
	if err := x.fetch(ctx, &a.o, sources); err != nil {
		return machine.Evaluated{}, err
	}
	vars, err := a.o.Vars(nil)
	if err != nil {
		return machine.Evaluated{}, err
	}
	if cmd.What != "for_each" {
		yes, err := a.exprs.Bool(source, vars)
		x.caches.Put(a.exprs)
		return machine.Evaluated{Value: fmt.Appendf(nil, "%t", yes)}, err
	}
	var v any
	if src != nil {
		v, err = a.exprs.Eval(source, vars)
	} else {
		v, err = a.exprs.RenderJSON(list, vars)
	}
	x.caches.Put(a.exprs)
	if err != nil {
		return machine.Evaluated{}, err
	}
	return x.answerList(ctx, o, v)
}

// question is the expression, or the literal list, that an Evaluate asks about.
func question(t *machine.Task, what string) (*machine.Expr, machine.Raw) {
	switch {
	case what == "when":
		return t.When, nil
	case what == "retry_if":
		return t.RetryIf, nil
	case what == "for_each" && t.ForEach != nil:
		return t.ForEach.Expr, t.ForEach.List
	}
	return nil, nil
}

func (x *Executor) answerList(ctx context.Context, o machine.Order, v any) (machine.Evaluated, error) {
	size := 0
	switch v := v.(type) {
	case nil:
	case []any:
		size = len(v)
	case map[string]any:
		size = len(v)
	default:
		return machine.Evaluated{}, errors.New("it gives neither a list nor a map")
	}
	raw, err := expr.EncodeJSON(v)
	if err != nil {
		return machine.Evaluated{}, err
	}
	if len(raw) <= machine.InlineLimit {
		return machine.Evaluated{Value: raw, Len: size}, nil
	}
	if len(raw) > maxValue {
		return machine.Evaluated{}, fmt.Errorf("the list has %d bytes, at most %d can be mapped over", len(raw), maxValue)
	}
	// The key has the epoch, as a question has no attempt.
	ref, err := x.spill(ctx, handoffKey(o, fmt.Sprintf("for_each.%d.json", o.Key.Epoch)), o, bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return machine.Evaluated{}, err
	}
	return machine.Evaluated{Ref: ref, Len: size}, nil
}
