package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"weft/expr"
	"weft/plugins"
)

// Where a file lies is for the DAG's author to say; what comes from params and outputs chooses below
// that. So each `..` of a path must be written in the file: one that an expression gives is refused.
// Where an expression begins a path, an author may leave the place to whoever starts the run: such a
// working directory may be absolute, a script may not.

// within refuses a path that an expression leads out of what is written; what names it in the message.
func within(what, tmpl, path string, anywhere bool) error {
	segs, problem := expr.Split(tmpl)
	if problem != nil {
		return nil // it was told when it was rendered
	}
	var b strings.Builder
	for _, s := range segs {
		if s.Expr {
			s.Text = "x"
		}
		b.WriteString(s.Text)
	}
	written := b.String()
	switch {
	case strings.IndexByte(path, 0) >= 0:
		return fmt.Errorf("cannot use the path %q of %s: it holds a NUL", short(path), what)
	case ups(path) > ups(written):
		return fmt.Errorf("cannot use the path %q of %s: what an expression gives cannot lead up by `..` (write the `..` in the file)", short(path), what)
	case !anywhere && filepath.IsAbs(path) && !filepath.IsAbs(written):
		return fmt.Errorf("cannot use the path %q of %s: what an expression gives lies below the working directory (write the first / in the file)", short(path), what)
	}
	return nil
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
	if !ok || !bytes.Contains(a.o.Task.With, []byte("${{")) {
		return nil
	}
	values, _ := input.(map[string]any)
	below, anywhere := p.PathInputs()
	for i, name := range slices.Concat(below, anywhere) {
		path, isText := values[name].(string)
		tmpl := a.templated(name)
		if !isText || tmpl == "" {
			continue
		}
		if err := within(a.named(name), tmpl, path, i >= len(below)); err != nil {
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
	if err := within(key, tmpl, path, true); err != nil {
		return plugins.Errorf(plugins.BadInput, "%s%w", a.place(a.placeOf(key)), err)
	}
	return nil
}
