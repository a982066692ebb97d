package expr

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// WholeText tells whether the texts of a JSON value can be kept as they are: the value is UTF-8, and
// no \ud800 stands for half of a character. It says nothing of the grammar.
func WholeText(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("it is not UTF-8: byte %d", len(b)-len(afterValid(b))+1)
	}
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\\')
		if i < 0 {
			return nil
		}
		at += i
		r, isRune := escaped(b[at:])
		switch low, pair := escaped(b[min(at+6, len(b)):]); {
		case !isRune: // another escape: its second byte may be a backslash
			at += 2
		case !utf16.IsSurrogate(r):
			at += 6
		case pair && utf16.DecodeRune(r, low) != utf8.RuneError:
			at += 12
		default:
			return fmt.Errorf("it holds half of a surrogate pair, which no UTF-8 can hold: byte %d", at+1)
		}
		at = min(at, len(b))
	}
}

// afterValid returns what follows the UTF-8 that a text begins with.
func afterValid(b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			break
		}
		b = b[n:]
	}
	return b
}

// escaped reads \uXXXX at the beginning of b.
func escaped(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
