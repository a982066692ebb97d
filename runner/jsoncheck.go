package runner

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"weft/plugins"
)

// maxDepth is how deep an output may nest: what expressions can read back.
const maxDepth = 1000

// checkJSON tells whether a stream is one JSON value that expressions can read, without building it.
func checkJSON(r io.Reader) error { return plugins.ScanJSON(r, maxDepth) }

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
