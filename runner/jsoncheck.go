package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep an output may nest: what expressions can read back.
const maxDepth = 1000

// checkJSON tells whether a stream is one JSON value that expressions can read, without building it.
func checkJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	for depth, first := 0, true; ; first = false {
		tok, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && !first && depth == 0:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("it is no JSON: it ends too soon")
		case err != nil:
			return jsonFault(err)
		case depth == 0 && !first:
			return fmt.Errorf("it is no JSON: something follows the value (byte %d)", d.InputOffset())
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '[' || tok == '{' {
				depth++
			} else {
				depth--
			}
			if depth > maxDepth {
				return fmt.Errorf("it is nested too deeply: at most %d levels", maxDepth)
			}
		case json.Number:
			if f, err := strconv.ParseFloat(string(tok), 64); err != nil || math.IsInf(f, 0) {
				return fmt.Errorf("the number %.40s in it is out of range", string(tok))
			}
		}
	}
}

func jsonFault(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("it is no JSON: %w (byte %d)", err, syntax.Offset)
	}
	return err
}

// checkUTF8 tells where a text stops being UTF-8.
func checkUTF8(raw []byte) error {
	if utf8.Valid(raw) {
		return nil
	}
	i := 0
	for {
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n <= 1 {
			return notUTF8(i)
		}
		i += n
	}
}

// A notUTF8 is how many bytes came before the one that is no UTF-8.
type notUTF8 int64

func (n notUTF8) Error() string { return fmt.Sprintf("it is not UTF-8: byte %d", int64(n)+1) }

// utf8Reader fails at the first byte that is no UTF-8.
type utf8Reader struct {
	r    io.Reader
	text []byte // seen, not yet checked: between two reads the beginning of one character
	at   int64  // bytes checked
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.text = append(u.text, p[:n]...)
	whole := len(u.text)
	if err == nil {
		whole -= unfinished(u.text)
	}
	var bad notUTF8
	if errors.As(checkUTF8(u.text[:whole]), &bad) {
		return 0, bad + notUTF8(u.at)
	}
	u.at += int64(whole)
	u.text = append(u.text[:0], u.text[whole:]...)
	return n, err
}

// unfinished counts the bytes at the end of a text that may go on as one character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
