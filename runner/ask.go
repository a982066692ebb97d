package runner

import (
	"maps"
	"strings"

	"weft/machine"
	"weft/plugins"
	"weft/schema"
)

// Some inputs are conditions on the output (schema.Ask). The plan holds them beside the plugin's input,
// and they are asked here: a plugin never sees an expression.

// refuseAsks: an expression that a template gave would be asked of nobody, and the output taken.
func (a *attempt) refuseAsks(check *schema.Checker, input any) error {
	for _, ask := range check.Asks() {
		at := input
		for _, key := range ask.Path {
			m, _ := at.(map[string]any)
			at = m[key] // of no map nil
		}
		if at != nil {
			path := strings.Join(ask.Path, ".")
			return plugins.Errorf(plugins.BadInput, "%scannot use %s: %s is an expression and must stand in the file, it cannot come of another one",
				a.at(path), a.o.Task.Uses, path)
		}
	}
	return nil
}

// answers holds an output to what the task asks of it. What does not is `remote`, what the work gave
// back: a retry may give something else.
func (a *attempt) answers(out *output) error {
	for _, ask := range a.o.Task.Asks {
		if out.file != "" {
			return plugins.Errorf(plugins.BadInput, "cannot ask about an output of %d bytes, at most %d are read", out.size, maxValue)
		}
		seen := maps.Clone(a.vars)
		seen["output"] = out.value
		if err := a.answer(ask, out, seen); err != nil {
			return err
		}
	}
	return nil
}

// answer asks one. Where an expression cannot be evaluated, that is the output's doing as well: the file
// has been checked, and a list came where a map was meant.
func (a *attempt) answer(ask machine.Ask, out *output, seen map[string]any) error {
	yes, err := a.exprs.Bool(ask.Expr.Src, seen)
	if yes && err == nil {
		return nil
	}
	e := plugins.Errorf(plugins.Remote, "cannot take the output: %s is false: %s", ask.Path, clipped(ask.Expr.Src))
	if err != nil {
		e = plugins.Errorf(plugins.Remote, "%scannot evaluate %s: %w", a.place(ask.Expr.Pos), ask.Path, err)
	}
	if t, ok := a.plugin.(plugins.Teller); ok {
		e.Hint = t.Tell(a.given, out.raw)
	}
	return e
}

// maxQuoted is how much of an expression a message quotes; the place of the rest is in the file.
const maxQuoted = 300

func clipped(src string) string {
	src = strings.Join(strings.Fields(src), " ")
	if r := []rune(src); len(r) > maxQuoted {
		return string(r[:maxQuoted]) + "…"
	}
	return src
}
