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

// utf8Reader fails at the first byte that is no UTF-8.
type utf8Reader struct {
	r    io.Reader
	part []byte // the beginning of a character that the next bytes go on with
	at   int64
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	text := append(u.part, p[:n]...)
	i := 0
	for i < len(text) && (err != nil || utf8.FullRune(text[i:])) {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return 0, fmt.Errorf("it is not UTF-8: byte %d", u.at+int64(i)+1)
		}
		i += size
	}
	u.at += int64(i)
	u.part = append([]byte(nil), text[i:]...)
	return n, err
}
