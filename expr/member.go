package expr

import (
	"math"
	"unicode/utf8"
)

// member answers a.b and a[b]. What is not there is null, and so is any member of null.
func (s *state) member(of, key any) (any, error) {
	switch of := of.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			if name, ok = numberText(key); !ok {
				return nil, faultf("cannot look up %s in a map: a key is a text", kindOf(key))
			}
		}
		return admit(of[name])
	case []any:
		i, ok := wholeNumber(key)
		if !ok {
			return nil, faultf("cannot look up %s in a list: a place is an integer", kindOf(key))
		}
		if i < 0 {
			i += len(of) // from the end
		}
		if i < 0 || i >= len(of) {
			return nil, nil
		}
		return admit(of[i])
	}
	if name, ok := key.(string); ok {
		help := ""
		if _, text := of.(string); text {
			help = " (fromJSON reads a text that is JSON)"
		}
		return nil, faultf("cannot read member %q of %s%s", clip(name), kindOf(of), help)
	}
	return nil, faultf("cannot look into %s", kindOf(of))
}

func numberText(v any) (string, bool) {
	switch v.(type) {
	case int, float64:
		t, err := Text(v)
		return t, err == nil
	}
	return "", false
}

// wholeNumber reads an integer, also one that a division gave.
func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), true
		}
	}
	return 0, false
}

// slice answers a[from:to] of lists and texts; bounds beyond the ends are the ends.
func (s *state) slice(of, from, to any) (any, error) {
	var size int
	list, isList := of.([]any)
	str, isText := of.(string)
	switch {
	case of == nil:
		return nil, nil
	case isList:
		size = len(list)
	case isText:
		if err := s.scan(2 * len(str)); err != nil {
			return nil, err
		}
		size = utf8.RuneCountInString(str)
	default:
		return nil, faultf("cannot cut a part out of %s", kindOf(of))
	}
	lo, err := bound(from, 0, size)
	if err != nil {
		return nil, err
	}
	hi, err := bound(to, size, size)
	if err != nil {
		return nil, err
	}
	hi = max(lo, hi)
	if isText {
		start := byteAt(str, lo)
		return str[start : start+byteAt(str[start:], hi-lo)], nil
	}
	return list[lo:hi:hi], nil
}

// byteAt is where the n-th code point begins.
func byteAt(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func bound(v any, absent, size int) (int, error) {
	if v == nil {
		return absent, nil
	}
	n, ok := wholeNumber(v)
	if !ok {
		return 0, faultf("cannot cut at %s: a place is an integer", kindOf(v))
	}
	if n < 0 {
		n += size
	}
	return max(0, min(n, size)), nil
}
