package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
)

// see gathers what expressions see, spilled values read back and secrets looked up, and renders the
// environment.
func (a *attempt) see(ctx context.Context) error {
	a.views = a.o.Tasks
	if a.literal() {
		return nil
	}
	if err := a.x.fetch(ctx, &a.o, taskSources(a.o)); err != nil {
		return err
	}
	values, err := a.unlock(ctx)
	if err != nil {
		return err
	}
	vars, err := a.o.Vars(values)
	if err != nil {
		return &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	a.vars = vars
	if values != nil && !a.blind {
		a.hideDerived(values)
	}
	return nil
}

// literal tells whether there is nothing to evaluate.
func (a *attempt) literal() bool {
	t := a.o.Task
	return len(a.o.Plan.Env)+len(t.Env)+len(t.ScriptEnv)+len(t.Inputs)+len(t.Artifacts)+len(t.Asks) == 0 && t.Sensor == nil &&
		!expr.HasExpr(string(t.With)) && !expr.HasExpr(t.Workdir)
}

// taskSources are the templates that an attempt of the order renders, for telling what they read.
func taskSources(o machine.Order) []string {
	src := []string{string(o.Task.With), o.Task.Workdir}
	for _, list := range [][]machine.Var{o.Plan.Env, o.Task.Env, o.Task.ScriptEnv, o.Task.Inputs, o.Task.Artifacts} {
		for _, v := range list {
			src = append(src, v.Value)
		}
	}
	for _, ask := range o.Task.Asks {
		src = append(src, ask.Expr.Src)
	}
	if s := o.Task.Sensor; s != nil {
		for _, e := range []*machine.Expr{s.Until, s.FailWhen} {
			if e != nil {
				src = append(src, e.Src)
			}
		}
	}
	return src
}

// renderInput fills the templates of `with`. Without any it is what the plan holds.
func (a *attempt) renderInput() (json.RawMessage, error) {
	with := a.o.Task.With
	if len(with) == 0 {
		return json.RawMessage("{}"), nil
	}
	if !bytes.Contains(with, []byte("${{")) {
		return with, nil
	}
	v, err := a.exprs.RenderJSON(with, a.vars)
	if err == nil && a.o.Task.Uses == shell {
		err = argvTexts(v)
	}
	if err == nil {
		with, err = expr.EncodeJSON(v)
	}
	if err == nil {
		return with, nil
	}
	path := ""
	var e *expr.Error
	if errors.As(err, &e) {
		path = e.Path
	}
	return nil, plugins.Errorf(plugins.BadInput, "%scannot evaluate %s: %w", a.at(path), a.named(path), err)
}

// argvTexts makes texts of the elements of a `run` list: a program's arguments are texts, and a
// number has a plain one.
func argvTexts(input any) error {
	m, ok := input.(map[string]any)
	if !ok {
		return nil
	}
	argv, ok := m["run"].([]any)
	if !ok {
		return nil
	}
	for i, v := range argv {
		text, err := expr.Text(v)
		if err != nil {
			return &expr.Error{Msg: err.Error(), Path: fmt.Sprintf("run.%d", i)}
		}
		argv[i] = text
	}
	return nil
}

// renderText renders a template to text.
func (a *attempt) renderText(tmpl string) (string, error) {
	if !expr.HasExpr(tmpl) {
		return tmpl, nil
	}
	v, err := a.exprs.Render(tmpl, a.vars)
	if err != nil {
		return "", err
	}
	return expr.Text(v)
}

func (a *attempt) workdir() (string, error) {
	dir, err := a.renderText(a.o.Task.Workdir)
	if err != nil {
		return "", plugins.Errorf(plugins.BadInput, "%scannot evaluate workdir: %w", a.place(a.placeOf("workdir")), err)
	}
	if err := a.placedWithin("workdir", a.o.Task.Workdir, dir); err != nil {
		return "", err
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(a.home(), dir)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", plugins.Errorf(plugins.Internal, "cannot tell the working directory: %w", err)
	}
	return dir, nil
}

// home is the folder of the DAG's file.
func (a *attempt) home() string {
	if a.x.Dir == nil {
		return ""
	}
	return a.x.Dir(a.o.Run.Key())
}

// at is the place in the file of a path of the input, to stand before a message.
func (a *attempt) at(path string) string {
	if p := a.placeOf(join("with", path)); p != a.o.Task.Pos {
		return a.place(p)
	}
	return a.place(a.placeOf(path)) // `run` and `shell` are keys of the task itself
}

// named is a path of the input as its author knows it.
func (a *attempt) named(path string) string {
	if a.o.Task.Uses == shell && path != "" {
		return path
	}
	return join("with", path)
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}

// placeOf finds the place of a path of the task: its own, that of what it is a part of, or the task's.
func (a *attempt) placeOf(path string) machine.Pos {
	for path != "" {
		for _, p := range a.o.Task.Places {
			if p.Path == path {
				return p.Pos
			}
		}
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return a.o.Task.Pos
}

// place writes a place as messages begin with it: "dags/x.yaml:14:13: ".
func (a *attempt) place(p machine.Pos) string {
	if p.Line == 0 || a.o.Plan.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d: ", a.o.Plan.File, p.Line, p.Col)
}
