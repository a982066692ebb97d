package plugins

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// maxNumber is the length of a number beyond which nobody means it: a number is the one thing of
// which ScanJSON has to hold all at once, to know its range.
const maxNumber = 64 << 10

// text reads to the end of a text.
func (s *jsonScan) text() error {
	for {
		c, err := s.next()
		switch {
		case err != nil:
			return err
		case c == '"':
			return nil
		case c < ' ':
			return s.wrong(c, "in string literal")
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
}

// escape reads what follows a backslash. Halves of surrogate pairs pass, as in encoding/json.
func (s *jsonScan) escape() error {
	c, err := s.next()
	switch {
	case err != nil:
		return err
	case c != 'u' && strings.IndexByte(`"\/bfnrt`, c) < 0:
		return s.wrong(c, "in string escape code")
	case c != 'u':
		return nil
	}
	for range 4 {
		c, err := s.next()
		if err != nil {
			return err
		}
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return s.wrong(c, "in \\u hexadecimal character escape")
		}
	}
	return nil
}

// word reads the rest of true, false or null.
func (s *jsonScan) word(word string) error {
	for i := 1; i < len(word); i++ {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c != word[i] {
			return s.wrong(c, fmt.Sprintf("in literal %s (expecting '%c')", word, word[i]))
		}
	}
	return nil
}

// number reads a number whole, and checks its form and its range.
func (s *jsonScan) number(first byte) error {
	digits := []byte{first}
	for {
		c, err := s.next()
		if err == nil && (c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E') {
			if digits = append(digits, c); len(digits) > maxNumber {
				return fmt.Errorf("the number %.40s in it is out of range", digits)
			}
			continue
		}
		if err == nil { // it belongs to what follows
			s.at--
			err = s.r.UnreadByte()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		break
	}
	if !wholeNumber(digits) {
		return fmt.Errorf("%w: invalid number %.40s (byte %d)", ErrNoJSON, digits, s.at)
	}
	if f, err := strconv.ParseFloat(string(digits), 64); err != nil || math.IsInf(f, 0) {
		return fmt.Errorf("the number %.40s in it is out of range", digits)
	}
	return nil
}

// wholeNumber is the grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func wholeNumber(b []byte) bool {
	run := func() (n int) {
		for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
			b, n = b[1:], n+1
		}
		return n
	}
	if b[0] == '-' {
		b = b[1:]
	}
	zero := len(b) > 0 && b[0] == '0'
	if n := run(); n == 0 || zero && n > 1 {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		b = b[1:]
		if run() == 0 {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if run() == 0 {
			return false
		}
	}
	return len(b) == 0
}
