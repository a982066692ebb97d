package expr

import (
	"errors"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Eval gives the value of a bare expression, or of one whole ${{ }}. An error is an *Error.
func Eval(src string, vars map[string]any) (any, error) { return (*Cache)(nil).Eval(src, vars) }

// Bool is Eval where truth is asked: anything but true or false is an error.
func Bool(src string, vars map[string]any) (bool, error) { return (*Cache)(nil).Bool(src, vars) }

// Eval is the package's Eval with programs kept.
func (c *Cache) Eval(src string, vars map[string]any) (any, error) {
	p, err := c.program(src)
	if err != nil {
		return nil, err
	}
	return p.run(newState(vars))
}

// Bool is the package's Bool with programs kept.
func (c *Cache) Bool(src string, vars map[string]any) (bool, error) {
	v, err := c.Eval(src, vars)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, &Error{Msg: "cannot decide by " + kindOf(v).String() + ": truth is asked, true or false"}
	}
	return b, nil
}

// run evaluates a program. Whatever goes wrong inside comes back as an *Error with its place.
func (p *program) run(s *state) (v any, failed error) {
	defer func() {
		if recover() != nil {
			v, failed = nil, &Error{Msg: "cannot evaluate the expression", Offset: p.base}
		}
	}()
	machine := vm.VM{MemoryBudget: maxMade / elemBytes}
	v, err := machine.Run(p.code, map[string]any{stateName: s})
	if err == nil {
		v, err = admit(v)
	}
	if err == nil {
		return v, nil
	}
	out := &Error{Msg: "cannot evaluate the expression", Offset: p.base}
	if f, ok := errors.AsType[fault](err); ok {
		out.Msg = string(f)
	}
	if at, ok := errors.AsType[*file.Error](err); ok {
		out.Offset += at.From
		if at.Message == "memory budget exceeded" {
			out.Msg = "cannot go on: the expression makes more than 1 MB"
		}
	}
	return nil, out
}
