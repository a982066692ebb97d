package expr

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Render gives the value of a template: of one whole ${{ x }} the value itself, with its type;
// else the text, with each expression as Text. An error is an *Error.
func Render(tmpl string, vars map[string]any) (any, error) { return (*Cache)(nil).Render(tmpl, vars) }

// RenderJSON renders every text in a JSON value that holds an expression; keys stay as they are.
func RenderJSON(raw json.RawMessage, vars map[string]any) (any, error) {
	return (*Cache)(nil).RenderJSON(raw, vars)
}

// Render is the package's Render with programs kept.
func (c *Cache) Render(tmpl string, vars map[string]any) (any, error) {
	if !HasExpr(tmpl) {
		return tmpl, nil
	}
	parts, err := c.split(tmpl)
	if err != nil {
		return nil, err
	}
	s := newState(vars)
	if len(parts) == 1 && parts[0].Expr {
		return c.piece(parts[0], s)
	}
	var b strings.Builder
	for _, part := range parts {
		text := part.Text
		if part.Expr {
			v, err := c.piece(part, s)
			if err != nil {
				return nil, err
			}
			if text, err = Text(v); err != nil {
				return nil, &Error{Msg: err.Error(), Offset: part.Offset + lead(part.Text)}
			}
			if err = s.grow(len(text)); err != nil {
				return nil, &Error{Msg: err.Error(), Offset: part.Offset + lead(part.Text)}
			}
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// split is Split with its answers kept.
func (c *Cache) split(tmpl string) ([]Segment, error) {
	key := cacheKey{'t', tmpl}
	if v, ok := c.get(key); ok {
		return v.([]Segment), nil
	}
	parts, p := Split(tmpl)
	if p != nil {
		return nil, p.asError()
	}
	c.put(key, parts)
	return parts, nil
}

// piece evaluates one expression of a template; all pieces share the template's bounds.
func (c *Cache) piece(part Segment, s *state) (any, error) {
	p, err := c.program(part.Text)
	if err == nil {
		var v any
		if v, err = p.run(s); err == nil {
			return v, nil
		}
	}
	if failed, ok := errors.AsType[*Error](err); ok {
		failed.Offset += part.Offset
	}
	return nil, err
}

func lead(text string) int { return runes(text) - runes(strings.TrimLeft(text, " \t\r\n")) }

// RenderJSON is the package's RenderJSON with programs kept.
func (c *Cache) RenderJSON(raw json.RawMessage, vars map[string]any) (any, error) {
	v, err := DecodeJSON(raw)
	if err != nil {
		return nil, err
	}
	return c.renderTree(v, vars, "")
}

func (c *Cache) renderTree(v any, vars map[string]any, path string) (any, error) {
	var err error
	switch v := v.(type) {
	case string:
		out, err := c.Render(v, vars)
		if failed, ok := err.(*Error); ok {
			failed.Path = path
		}
		return out, err
	case []any:
		for i := range v {
			if v[i], err = c.renderTree(v[i], vars, under(path, strconv.Itoa(i))); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) { // sorted: of several failures always the same
			if v[k], err = c.renderTree(v[k], vars, under(path, k)); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
