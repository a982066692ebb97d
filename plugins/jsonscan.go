package plugins

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ErrNoJSON is how ScanJSON's errors about the form of a value begin.
var ErrNoJSON = errors.New("it is no JSON")

// ScanJSON tells whether a stream is one JSON value whose numbers are in range, nested at most so
// deep. It holds none of it, however long a text in it is: encoding/json would hold each whole.
func ScanJSON(r io.Reader, deepest int) error {
	s := jsonScan{r: bufio.NewReaderSize(r, 64<<10), deepest: deepest}
	for {
		c, err := s.visible()
		if errors.Is(err, io.EOF) && s.want == wantEnd {
			return nil
		}
		if err == nil {
			err = s.take(c)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: it ends too soon", ErrNoJSON)
		}
		if err != nil {
			return err
		}
	}
}

// maxNumber is the length of a number beyond which no one means it.
const maxNumber = 64 << 10

type jsonWant uint8

const (
	wantValue jsonWant = iota
	wantFirst          // a value, or the end of the list
	wantKey
	wantFirstKey // a key, or the end of the map
	wantColon
	wantNext // a comma, or the end of the list or map
	wantEnd
)

type jsonScan struct {
	r       *bufio.Reader
	at      int64 // bytes read
	want    jsonWant
	open    []byte // '{' and '[' that are not closed
	deepest int
}

func (s *jsonScan) next() (byte, error) {
	c, err := s.r.ReadByte()
	if err == nil {
		s.at++
	}
	return c, err
}

// visible is the next byte that is no space.
func (s *jsonScan) visible() (byte, error) {
	for {
		c, err := s.next()
		if err != nil || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, err
		}
	}
}

// take reads what begins with c.
func (s *jsonScan) take(c byte) error {
	switch s.want {
	case wantValue:
		return s.value(c)
	case wantFirst:
		if c == ']' {
			s.close()
			return nil
		}
		return s.value(c)
	case wantFirstKey, wantKey:
		switch {
		case c == '}' && s.want == wantFirstKey:
			s.close()
			return nil
		case c != '"':
			return s.wrong(c, "looking for beginning of object key string")
		}
		s.want = wantColon
		return s.text()
	case wantColon:
		if c != ':' {
			return s.wrong(c, "after object key")
		}
		s.want = wantValue
	case wantNext:
		return s.separator(c)
	default:
		return fmt.Errorf("%w: something follows the value (byte %d)", ErrNoJSON, s.at)
	}
	return nil
}

func (s *jsonScan) separator(c byte) error {
	in := s.open[len(s.open)-1]
	switch {
	case c == ',' && in == '{':
		s.want = wantKey
	case c == ',':
		s.want = wantValue
	case c == '}' && in == '{', c == ']' && in == '[':
		s.close()
		return nil
	case in == '{':
		return s.wrong(c, "after object key:value pair")
	default:
		return s.wrong(c, "after array element")
	}
	return nil
}

func (s *jsonScan) close() {
	s.open = s.open[:len(s.open)-1]
	s.done()
}

// done says what follows a whole value.
func (s *jsonScan) done() {
	s.want = wantNext
	if len(s.open) == 0 {
		s.want = wantEnd
	}
}

func (s *jsonScan) value(c byte) error {
	switch {
	case c == '{' || c == '[':
		if s.open = append(s.open, c); len(s.open) > s.deepest {
			return fmt.Errorf("it is nested too deeply: at most %d levels", s.deepest)
		}
		if s.want = wantFirst; c == '{' {
			s.want = wantFirstKey
		}
		return nil
	case c == '"':
		s.done()
		return s.text()
	case c == '-' || '0' <= c && c <= '9':
		s.done()
		return s.number(c)
	}
	for _, word := range []string{"true", "false", "null"} {
		if c == word[0] {
			s.done()
			return s.word(word)
		}
	}
	return s.wrong(c, "looking for beginning of value")
}

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

func (s *jsonScan) wrong(c byte, where string) error {
	return fmt.Errorf("%w: invalid character %s %s (byte %d)", ErrNoJSON, strconv.QuoteRune(rune(c)), where, s.at)
}
