package expr

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// textArg reads an argument that must be a text.
func textArg(name string, v any) (string, error) {
	if t, ok := v.(string); ok {
		return t, nil
	}
	return "", wrongArg(name, v, "a text")
}

func wrongArg(name string, v any, want string) error {
	hint := ""
	if v == nil {
		hint = "; say what null stands for with default(…, …)"
	}
	return faultf("cannot call %s with %s: it takes %s%s", name, kindOf(v), want, hint)
}

// textArgs reads arguments that must all be texts, and counts their reading.
func (s *state) textArgs(name string, args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, a := range args {
		t, err := textArg(name, a)
		if err != nil {
			return nil, err
		}
		if err := s.scan(len(t)); err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

func runLen(s *state, args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return utf8.RuneCountInString(v), s.scan(len(v))
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return nil, wrongArg("len", args[0], "a text, a list or a map")
}

func runUpper(s *state, args []any) (any, error) { return s.mapText("upper", args, strings.ToUpper) }

func runLower(s *state, args []any) (any, error) { return s.mapText("lower", args, strings.ToLower) }

func (s *state) mapText(name string, args []any, f func(string) string) (any, error) {
	t, err := textArg(name, args[0])
	if err != nil {
		return nil, err
	}
	if err := s.grow(len(t)); err != nil {
		return nil, err
	}
	return f(t), s.spend(len(t) / 8)
}

func runTrim(s *state, args []any) (any, error) {
	t, err := s.textArgs("trim", args)
	if err != nil {
		return nil, err
	}
	if len(t) == 1 {
		return strings.TrimSpace(t[0]), nil
	}
	if err := s.spend(len(t[0]) / 64 * len(t[1])); err != nil {
		return nil, err
	}
	return strings.Trim(t[0], t[1]), nil
}

// runSplit cuts at each separator; an empty one cuts between the letters.
func runSplit(s *state, args []any) (any, error) {
	t, err := s.textArgs("split", args)
	if err != nil {
		return nil, err
	}
	n := strings.Count(t[0], t[1]) + 1
	if err := s.grow(2 * elemBytes * n); err != nil {
		return nil, err
	}
	parts := strings.Split(t[0], t[1])
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, s.spend(n)
}

func runJoin(s *state, args []any) (any, error) {
	list, ok := args[0].([]any)
	if !ok {
		return nil, wrongArg("join", args[0], "a list")
	}
	sep := ""
	if len(args) == 2 {
		var err error
		if sep, err = textArg("join", args[1]); err != nil {
			return nil, err
		}
	}
	var b strings.Builder
	for i, v := range list {
		t, err := Text(v)
		if err != nil {
			return nil, faultf("cannot join: element %d of the list is a list or map", i)
		}
		if i > 0 {
			t = sep + t
		}
		if err := s.grow(len(t)); err != nil {
			return nil, err
		}
		b.WriteString(t)
		if err := s.spend(1); err != nil {
			return nil, err
		}
	}
	return b.String(), nil
}

func runReplace(s *state, args []any) (any, error) {
	t, err := s.textArgs("replace", args)
	if err != nil {
		return nil, err
	}
	n := strings.Count(t[0], t[1])
	size := len(t[0]) + n*(len(t[2])-len(t[1]))
	if len(t[2]) > maxMade && n > 0 {
		size = maxMade + 1 // the product above may not be trusted
	}
	if err := s.grow(size); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(t[0], t[1], t[2]), s.spend(n)
}

// runContains looks for a part of a text, or for an element of a list.
func runContains(s *state, args []any) (any, error) {
	list, ok := args[0].([]any)
	if !ok {
		if _, isText := args[0].(string); !isText {
			return nil, wrongArg("contains", args[0], "a text or a list")
		}
		t, err := s.textArgs("contains", args)
		if err != nil {
			return nil, err
		}
		return strings.Contains(t[0], t[1]), nil
	}
	return s.in(args[1], list)
}

// in answers `x in list` and `key in map`.
func (s *state) in(x, of any) (any, error) {
	switch of := of.(type) {
	case []any:
		for _, v := range of {
			if same, err := s.equal(x, v); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		key, ok := x.(string)
		_, found := of[key]
		return ok && found, nil
	case string:
		return nil, fault("cannot look for something in a text with in; write contains(text, part)")
	}
	return nil, faultf("cannot look for something in %s", kindOf(of))
}

func runStartsWith(s *state, args []any) (any, error) {
	t, err := s.textArgs("startsWith", args)
	if err != nil {
		return nil, err
	}
	return strings.HasPrefix(t[0], t[1]), nil
}

func runEndsWith(s *state, args []any) (any, error) {
	t, err := s.textArgs("endsWith", args)
	if err != nil {
		return nil, err
	}
	return strings.HasSuffix(t[0], t[1]), nil
}

func runToJSON(s *state, args []any) (any, error) {
	if err := s.weigh(args[0], 0); err != nil {
		return nil, err
	}
	b, err := EncodeJSON(args[0])
	if err != nil {
		return nil, fault(err.Error())
	}
	return string(b), nil
}

// weigh counts a value as JSON before it is written.
func (s *state) weigh(v any, depth int) error {
	if depth > maxDepth {
		return fault("cannot write JSON: a value is nested too deeply")
	}
	switch v := v.(type) {
	case string:
		return s.weighText(v)
	case []any:
		for _, x := range v {
			if err := s.weigh(x, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := s.spend(2 * len(v)); err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(v)) { // so that the same bound is always met first
			if err := s.weighText(k); err != nil {
				return err
			}
			if err := s.weigh(v[k], depth+1); err != nil {
				return err
			}
		}
	}
	if err := s.spend(1); err != nil {
		return err
	}
	return s.grow(8)
}

func (s *state) weighText(t string) error {
	if err := s.spend(1 + len(t)/16); err != nil {
		return err
	}
	return s.grow(len(t) + 4)
}

func runFromJSON(s *state, args []any) (any, error) {
	t, err := textArg("fromJSON", args[0])
	if err != nil {
		return nil, err
	}
	if err := s.grow(len(t)); err != nil {
		return nil, err
	}
	if err := s.spend(len(t) / 4); err != nil {
		return nil, err
	}
	v, err := DecodeJSON([]byte(t))
	if err != nil {
		return nil, fault(err.Error())
	}
	return v, nil
}

func runStrftime(s *state, args []any) (any, error) {
	t, ok := args[0].(time.Time)
	if !ok {
		if _, text := args[0].(string); text {
			return nil, fault("cannot call strftime with a text: it takes a time; make one with date(…)")
		}
		return nil, wrongArg("strftime", args[0], "a time")
	}
	format, err := textArg("strftime", args[1])
	if err != nil {
		return nil, err
	}
	if err := s.grow(16 * len(format)); err != nil { // no verb gives more than 24 characters for two
		return nil, err
	}
	return wrapText(strftime(t, format))
}

func wrapText(t string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return t, nil
}

func runDuration(_ *state, args []any) (any, error) {
	if d, ok := args[0].(time.Duration); ok {
		return d, nil
	}
	t, err := textArg("duration", args[0])
	if err != nil {
		return nil, err
	}
	return ParseDuration(t)
}

func runDate(_ *state, args []any) (any, error) {
	if d, ok := args[0].(time.Time); ok {
		return d, nil
	}
	t, err := textArg("date", args[0])
	if err != nil {
		return nil, err
	}
	return parseDate(t)
}
