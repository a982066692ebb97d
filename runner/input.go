package runner

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"weft/expr"
	"weft/plugins"
	"weft/schema"
)

// shell is the plugin of `run`, the one whose input becomes a process's arguments.
const shell = "shell"

// input renders `with` and checks it: whatever a template gave, the plugin gets what it asked for.
func (a *attempt) input() (json.RawMessage, error) {
	raw, err := a.renderInput()
	if err != nil {
		return nil, err
	}
	literal := !expr.HasExpr(string(a.o.Task.With))
	if literal && a.x.literals.good(a.o.Task.Uses, raw) {
		return raw, nil
	}
	check, err := a.x.checkers.of(a.plugin.Schema().Input)
	if err != nil {
		return nil, plugins.Errorf(plugins.Internal, "cannot check the input of %s: %w", a.o.Task.Uses, err)
	}
	value, err := expr.DecodeJSON(raw)
	if err != nil {
		return nil, plugins.Errorf(plugins.BadInput, "%scannot use the input of %s: %w", a.place(a.o.Task.Pos), a.o.Task.Uses, err)
	}
	if bad := check.Check(value); len(bad) > 0 {
		return nil, plugins.Errorf(plugins.BadInput, "%scannot use %s: %s",
			a.at(strings.Join(bad[0].Path, ".")), a.o.Task.Uses, violations(bad, a.named))
	}
	if err := a.refuseAsks(check, value); err != nil {
		return nil, err
	}
	if err := a.pathInputs(value); err != nil {
		return nil, err
	}
	if a.o.Task.Uses == shell {
		if err := a.arguments(value); err != nil {
			return nil, err
		}
	}
	if literal {
		a.x.literals.put(a.o.Task.Uses, raw)
	}
	return raw, nil
}

// arguments checks that each word of a `run` list can be one.
func (a *attempt) arguments(input any) error {
	m, _ := input.(map[string]any)
	list, _ := m["run"].([]any)
	for i, word := range list {
		path := fmt.Sprintf("run.%d", i)
		if text, ok := word.(string); ok {
			err := fits(path, text)
			if err == nil {
				err = a.exposes(path, text, i)
			}
			if err != nil {
				return plugins.Errorf(plugins.BadInput, "%s%w", a.at(path), err)
			}
		}
	}
	return nil
}

// literals remembers inputs without expressions that were found to be good: the instances of a mapped
// task have one between them, and so have the attempts and pokes of any.
type literals struct {
	mu   sync.Mutex
	seen map[string]bool
}

// How many are remembered, and up to what length.
const maxLiterals, maxLiteral = 1000, 4 << 10

func (l *literals) good(uses string, raw json.RawMessage) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[uses+" "+string(raw)]
}

func (l *literals) put(uses string, raw json.RawMessage) {
	if len(raw) > maxLiteral {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil || len(l.seen) >= maxLiterals {
		l.seen = map[string]bool{}
	}
	l.seen[uses+" "+string(raw)] = true
}

// violations puts a schema's findings into one line: the first three, and how many more.
func violations(list []schema.Violation, named func(path string) string) string {
	const shown = 3
	var parts []string
	for _, v := range list[:min(shown, len(list))] {
		part := named(strings.Join(v.Path, ".")) + " " + v.Message
		if v.Got != "" { // no file shows what an expression gave
			part += fmt.Sprintf(", not %q", v.Got)
		}
		parts = append(parts, part)
	}
	if more := len(list) - shown; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// checkers keeps compiled schemas by their text. There are few: a plugin's input, a task's outputs.
type checkers struct{ byText sync.Map }

func (c *checkers) of(raw json.RawMessage) (*schema.Checker, error) {
	if len(raw) == 0 {
		raw = json.RawMessage("true")
	}
	if known, ok := c.byText.Load(string(raw)); ok {
		return known.(*schema.Checker), nil
	}
	made, err := schema.Compile(raw)
	if err != nil {
		return nil, err
	}
	c.byText.Store(string(raw), made)
	return made, nil
}
