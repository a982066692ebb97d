package logs

import (
	"bytes"
	"os"
	"strings"
	"unicode/utf8"
)

// lastLineWithin is how far back LastLine looks.
const lastLineWithin = 8 << 10

// LastLine returns the last line of a log that is not blank, for a line of a screen: without
// control sequences, of a progress bar its last state. "" if there is none.
func (s *Store) LastLine(id ID) string {
	f, err := s.file(id, os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _, err := tailOf(f, lastLineWithin)
	if err != nil {
		return ""
	}
	return lastLine(b)
}

func lastLine(b []byte) string {
	for len(b) > 0 {
		i := bytes.LastIndexAny(b, "\r\n")
		if line := Plain(b[i+1:]); line != "" {
			return line
		}
		b = b[:max(i, 0)]
	}
	return ""
}

// Plain makes text of what a program has sent to a terminal: no control sequences or characters,
// nothing that turns the direction of writing, U+FFFD for what is not UTF-8, no blanks at the ends.
// A sequence that is cut off at the end is taken for whole.
func Plain(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		if n := sequence(b); n > 0 {
			b = b[n:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			out.WriteByte(' ')
		case r < ' ', 0x7f <= r && r < 0xa0: // C0, DEL, C1
		case 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		default:
			out.WriteRune(r)
		}
	}
	return strings.TrimSpace(out.String())
}

// sequence returns the length of the control sequence (ECMA-48) that b begins with, 0 if none.
func sequence(b []byte) int {
	if b[0] != 0x1b {
		return 0
	}
	if len(b) == 1 {
		return 1
	}
	switch c := b[1]; {
	case c == '[':
		return 2 + final(b[2:], 0x40)
	case strings.IndexByte("]PX^_", c) >= 0: // OSC, DCS, SOS, PM, APC: text up to BEL or ESC \
		for i := 2; i < len(b); i++ {
			if b[i] == 0x07 {
				return i + 1
			}
			if b[i] == 0x1b {
				if i+1 < len(b) && b[i+1] == '\\' {
					return i + 2
				}
				return i // broken off by another sequence
			}
		}
		return len(b)
	case 0x20 <= c && c < 0x7f:
		return 1 + final(b[1:], 0x30)
	}
	return 1
}

// final returns the length of what goes on up to the first byte from first to "~", that included.
func final(b []byte, first byte) int {
	for i, c := range b {
		switch {
		case c >= first && c < 0x7f:
			return i + 1
		case c < 0x20 || c >= 0x7f: // broken off
			return i
		}
	}
	return len(b)
}
