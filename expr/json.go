package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxJSONDepth bounds what DecodeJSON and EncodeJSON go into.
const maxJSONDepth = 1000

// DecodeJSON reads one JSON value: integers that fit become int, other numbers float64, the rest
// nil, bool, string, []any and map[string]any. Nothing may follow it. Text that no UTF-8 can hold is
// an error, as encoding/json would put U+FFFD in its place.
func DecodeJSON(b []byte) (any, error) {
	if deep(b) {
		return nil, errors.New("cannot read JSON: it is nested too deeply")
	}
	if err := WholeText(b); err != nil {
		return nil, fmt.Errorf("cannot read JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("cannot read JSON: something follows the value")
	}
	return numbered(v)
}

// deep tells whether brackets outside strings nest beyond the bound, before anything is built.
func deep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > maxJSONDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("cannot read JSON: it ends too soon")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("cannot read JSON: %s (byte %d)", syntax.Error(), syntax.Offset)
	}
	return errors.New("cannot read JSON: a value in it is out of range")
}

// numbered replaces json.Number in place.
func numbered(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			x, err := numbered(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = x
		}
	case map[string]any:
		for k := range v {
			x, err := numbered(v[k])
			if err != nil {
				return nil, firstFault(v)
			}
			v[k] = x
		}
	}
	return v, nil
}

// firstFault is why numbered refuses a map: of several faults always that of the first key.
func firstFault(m map[string]any) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, err := numbered(m[k]); err != nil {
			return err
		}
	}
	return nil
}

func number(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return int(n), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("cannot read JSON: number %.40s is out of range", s)
	}
	return f, nil
}

// EncodeJSON writes a value as canonical JSON: keys sorted, no spaces, no HTML escapes, times as
// RFC 3339 and durations as text.
func EncodeJSON(v any) ([]byte, error) { return appendJSON(nil, v, 0) }

func appendJSON(out []byte, v any, depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return nil, errors.New("cannot write JSON: it is nested too deeply")
	}
	v, err := admit(v)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case int:
		return strconv.AppendInt(out, int64(v), 10), nil
	case float64:
		return appendFloat(out, v)
	case string:
		return appendString(out, v), nil
	case time.Time:
		return appendString(out, timeText(v)), nil
	case time.Duration:
		return appendString(out, durationText(v)), nil
	case []any:
		return appendList(out, v, depth)
	case map[string]any:
		return appendMap(out, v, depth)
	}
	return nil, errors.New("cannot write JSON: a value in it is none of the language's") // admit lets none through
}

func appendList(out []byte, list []any, depth int) ([]byte, error) {
	out = append(out, '[')
	for i, x := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendJSON(out, x, depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendMap(out []byte, m map[string]any, depth int) ([]byte, error) {
	out = append(out, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, k), ':')
		var err error
		if out, err = appendJSON(out, m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendFloat(out []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, errors.New("cannot write JSON: a number in it is infinite or none")
	}
	return append(out, floatText(f)...), nil
}

const hexDigits = "0123456789abcdef"

func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			out = utf8.AppendRune(out, r) // a byte that is no UTF-8 becomes U+FFFD
			i += n
			continue
		}
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c == '\t':
			out = append(out, '\\', 't')
		case c < 0x20 || c == 0x7f:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			out = append(out, c)
		}
		i++
	}
	return append(out, '"')
}
