package runner

import (
	"encoding/json"
	"fmt"
	"strings"

	"weft/expr"
	"weft/plugins"
)

// Where a file lies is for the DAG's author to say; what comes from params and outputs chooses below
// that. So each `..` of a path must be written in the file: one that an expression gives is refused.
// An absolute path is the data's only where an expression begins the path, which is how an author
// leaves the place to whoever starts the run.

// within refuses a path that an expression leads up; what names it in the message.
func within(what, tmpl, path string) error {
	segs, problem := expr.Split(tmpl)
	if problem != nil {
		return nil // it was told when it was rendered
	}
	var written strings.Builder
	for _, s := range segs {
		if s.Expr {
			s.Text = "x"
		}
		written.WriteString(s.Text)
	}
	if ups(path) <= ups(written.String()) && strings.IndexByte(path, 0) < 0 {
		return nil
	}
	return fmt.Errorf("cannot use the path %q of %s: what an expression gives cannot lead up by `..`, nor hold a NUL (write the `..` in the file, or give an absolute path)", short(path), what)
}

// ups counts the parts of a path that lead up.
func ups(path string) (n int) {
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			n++
		}
	}
	return n
}

// pathInputs holds the inputs that a plugin opens as files to the rule above.
func (a *attempt) pathInputs(input any) error {
	p, ok := a.plugin.(plugins.NamesFiles)
	if !ok {
		return nil
	}
	values, _ := input.(map[string]any)
	for _, name := range p.PathInputs() {
		path, isText := values[name].(string)
		tmpl := a.templated(name)
		if !isText || tmpl == "" {
			continue
		}
		if err := within(a.named(name), tmpl, path); err != nil {
			return plugins.Errorf(plugins.BadInput, "%s%w", a.at(name), err)
		}
	}
	return nil
}

// templated returns an input as the file has it, if it is one text with an expression.
func (a *attempt) templated(name string) string {
	var with map[string]json.RawMessage
	var text string
	if json.Unmarshal(a.o.Task.With, &with) != nil || json.Unmarshal(with[name], &text) != nil || !expr.HasExpr(text) {
		return ""
	}
	return text
}

// placedWithin is within for a key of the task itself.
func (a *attempt) placedWithin(key, tmpl, path string) error {
	if !expr.HasExpr(tmpl) {
		return nil
	}
	if err := within(key, tmpl, path); err != nil {
		return plugins.Errorf(plugins.BadInput, "%s%w", a.place(a.placeOf(key)), err)
	}
	return nil
}
