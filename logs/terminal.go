package logs

import (
	"io"
	"unicode/utf8"
)

// A Terminal passes a log on to a terminal, of which a task's output must not get hold: of escape
// sequences only colours and the like (SGR) pass, of control characters only tab, line end and
// carriage return, which progress bars draw with. What would move the cursor, clear the screen, set
// the title, write the clipboard or make the terminal answer is left out, as are bytes that are not
// UTF-8 (they show as U+FFFD). A sequence that does not end is over at the end of its line, so nothing
// after that is lost. The log itself stays as it was written; who reads it by a pipe gets every byte.
type Terminal struct {
	w       io.Writer
	plain   bool // no colours either
	state   termState
	seq     []byte // of a sequence that may be a colour, or the beginning of a character
	painted bool   // a colour is on
	out     []byte
}

// A termState is where in a sequence a Terminal is.
type termState uint8

const (
	inText      termState = iota
	inEscape              // after ESC
	inCommand             // after ESC [
	inString              // after ESC ] and its like, up to BEL or ESC \
	afterString           // after an ESC in a string
)

// maxColour is the longest sequence that is taken for a colour.
const maxColour = 64

// NewTerminal makes a Terminal that writes to w; plain leaves colours out too.
func NewTerminal(w io.Writer, plain bool) *Terminal { return &Terminal{w: w, plain: plain} }

// Write implements io.Writer. A sequence or character may be cut between two calls.
func (t *Terminal) Write(p []byte) (int, error) {
	t.out = t.out[:0]
	for _, b := range p {
		t.take(b)
	}
	if len(t.out) > 0 {
		if _, err := t.w.Write(t.out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Reset ends what the log has left open: a sequence, a character, its colours. To be called before
// anything else is written to the terminal.
func (t *Terminal) Reset() error {
	t.out = t.out[:0]
	if t.state == inText && len(t.seq) > 0 {
		t.out = append(t.out, "\ufffd"...)
	}
	t.state, t.seq = inText, t.seq[:0]
	if t.painted {
		t.out = append(t.out, "\x1b[0m"...)
		t.painted = false
	}
	if len(t.out) == 0 {
		return nil
	}
	_, err := t.w.Write(t.out)
	return err
}

// take goes one byte on.
func (t *Terminal) take(b byte) {
	switch t.state {
	case inText:
		t.text(b)
	case inEscape:
		t.escape(b)
	case inCommand:
		t.command(b)
	case inString:
		switch b {
		case 0x07, 0x18, 0x1a: // BEL, CAN, SUB
			t.state = inText
		case 0x1b:
			t.state = afterString
		case '\n':
			t.back(b)
		}
	case afterString:
		if b == '\\' {
			t.state = inText
			return
		}
		t.state = inEscape
		t.escape(b)
	}
}

// back leaves a sequence at a byte that is not of it.
func (t *Terminal) back(b byte) {
	t.state, t.seq = inText, t.seq[:0]
	t.text(b)
}

func (t *Terminal) text(b byte) {
	if len(t.seq) > 0 || b >= utf8.RuneSelf {
		t.character(b)
		return
	}
	switch {
	case b == 0x1b:
		t.state = inEscape
	case b >= ' ' && b != 0x7f, b == '\t', b == '\n', b == '\r':
		t.out = append(t.out, b)
	}
}

// character gathers the bytes of one character of several.
func (t *Terminal) character(b byte) {
	if len(t.seq) > 0 && utf8.RuneStart(b) { // the one before was cut off
		t.out = append(t.out, "\ufffd"...)
		t.seq = t.seq[:0]
		t.text(b)
		return
	}
	t.seq = append(t.seq, b)
	if !utf8.FullRune(t.seq) {
		return
	}
	r, n := utf8.DecodeRune(t.seq)
	rest := len(t.seq) - n
	t.seq = t.seq[:0]
	switch {
	case r == 0x9b: // ESC [ in one character
		t.state = inCommand
	case r == 0x90, r == 0x98, r == 0x9d, r == 0x9e, r == 0x9f: // those that begin a string
		t.state = inString
	case r < 0xa0: // the other controls of one character
	default:
		t.out = utf8.AppendRune(t.out, r) // U+FFFD for what is none
	}
	for range rest {
		t.out = append(t.out, "\ufffd"...)
	}
}

func (t *Terminal) escape(b byte) {
	switch {
	case b == '[':
		t.state = inCommand
	case b == ']', b == 'P', b == 'X', b == '^', b == '_':
		t.state = inString
	case b == 0x1b:
	case b < ' ', b >= 0x7f:
		t.back(b)
	case b >= 0x30: // the end of a short sequence; what is less goes on
		t.state = inText
	}
}

// command gathers ESC [ … up to its last byte; of those only a colour is passed on.
func (t *Terminal) command(b byte) {
	switch {
	case b == 0x1b:
		t.state, t.seq = inEscape, t.seq[:0]
	case b < ' ', b >= 0x7f:
		t.back(b)
	case b < 0x40:
		if len(t.seq) <= maxColour {
			t.seq = append(t.seq, b)
		}
	default:
		if b == 'm' && !t.plain && isColour(t.seq) {
			t.out = append(append(append(t.out, "\x1b["...), t.seq...), 'm')
			t.painted = true
		}
		t.state, t.seq = inText, t.seq[:0]
	}
}

// isColour tells whether parameters are of SGR: numbers alone. ESC [ > 4 m and its like set modes of
// the keyboard.
func isColour(seq []byte) bool {
	for _, b := range seq {
		if (b < '0' || b > '9') && b != ';' && b != ':' {
			return false
		}
	}
	return len(seq) <= maxColour
}
