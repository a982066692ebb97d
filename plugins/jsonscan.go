package plugins

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrNoJSON is how ScanJSON's errors about the form of a value begin.
var ErrNoJSON = errors.New("it is no JSON")

// ScanJSON tells whether a stream is one JSON value whose numbers are in range, nested at most so
// deep. It holds none of it, however long a text in it is: encoding/json would hold each whole.
func ScanJSON(r io.Reader, deepest int) error {
	size := 64 << 10
	if known, ok := r.(interface{ Len() int }); ok { // most outputs are small, and some come every moment
		size = min(size, known.Len())
	}
	s := jsonScan{r: bufio.NewReaderSize(r, size), deepest: deepest}
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

// A jsonWant is what may come next. Between two values that and what is open is all there is to know.
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

// A jsonScan is one pass over a stream. It takes each byte once and never goes back further than one.
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

// separator is what stands behind a value in a list or map.
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

// close ends the innermost list or map, which is a whole value then.
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

// value begins a value; one that is no list or map is read to its end.
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

// wrong says where what is no JSON begins, in the words of encoding/json.
func (s *jsonScan) wrong(c byte, where string) error {
	return fmt.Errorf("%w: invalid character %s %s (byte %d)", ErrNoJSON, strconv.QuoteRune(rune(c)), where, s.at)
}
