package logs

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// shownAs are what a task writes and what of it reaches a terminal.
var shownAs = []struct{ name, wrote, shown string }{
	{"text", "plain\ttext\r\nüñ€😀\n", "plain\ttext\r\nüñ€😀\n"},
	{"colours", "\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[m", "\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mrgb\x1b[m"},
	{"a progress bar", "10%\r20%\r\x1b[2K30%\n", "10%\r20%\r30%\n"},
	{"the cursor moved, the screen cleared", "a\x1b[2J\x1b[H\x1b[3A\x1b[?1049hb", "ab"},
	{"the title, by BEL and by ST", "a\x1b]0;owned\x07b\x1b]2;owned\x1b\\c", "abc"},
	{"the clipboard", "a\x1b]52;c;cm0gLXJmIH4=\x07b", "ab"},
	{"a link", "\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text"},
	{"a device string", "a\x1bP+q544e\x1b\\b", "ab"},
	{"what makes the terminal answer", "a\x1b[c\x1b[6n\x1b[>q\x05\x1bZb", "ab"},
	{"modes of the keyboard, which end like a colour", "a\x1b[>4;2m\x1b[?4mb", "ab"},
	{"a reset, a character set", "a\x1bc\x1b(0b\x1b#8c", "abc"},
	{"bells, backspaces, NULs", "a\x07\b\x00\x7f\x0e\x0fb", "ab"},
	{"controls of one character", "a\u009b31mr\u009d0;owned\x07b\u0085c\u008e", "a\x1b[31mrbc"},
	{"what is not UTF-8", "a\xffb\xc3(\xed\xa0\x80\x9b31m\xe2\x82", "a\ufffdb\ufffd(\ufffd\ufffd\ufffd\ufffd31m\ufffd"},
	{"a string that never ends", "a\x1b]0;owned\nb\x1bPx\nc", "a\nb\nc"},
	{"a command that never ends", "a\x1b[31\nb", "a\nb"},
	{"a sequence in a sequence", "a\x1b\x1b[\x1b[31mb\x1b]x\x1b[32mc", "a\x1b[31mb\x1b[32mc"},
	{"a colour of too many numbers", "a\x1b[" + strings.Repeat("1;", 100) + "mb", "ab"},
	{"cut at the end", "a\x1b[3", "a"},
}

func TestATaskDoesNotGetHoldOfTheTerminal(t *testing.T) {
	for _, c := range shownAs {
		for piece := 1; piece <= len(c.wrote); piece++ { // however the log is cut into pieces
			var out bytes.Buffer
			term := NewTerminal(&out, false)
			for rest := []byte(c.wrote); len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				if n, err := term.Write(rest[:min(piece, len(rest))]); err != nil || n != min(piece, len(rest)) {
					t.Fatal(n, err)
				}
			}
			if err := term.Reset(); err != nil {
				t.Fatal(err)
			}
			want := c.shown
			if strings.Contains(want, "\x1b[") {
				want += "\x1b[0m" // a colour is not left on
			}
			if out.String() != want {
				t.Fatalf("%s, %d bytes at a time:\n got %q\nwant %q", c.name, piece, out.String(), want)
			}
		}
	}
}

func TestATerminalWithoutColours(t *testing.T) {
	var out bytes.Buffer
	term := NewTerminal(&out, true)
	_, _ = term.Write([]byte("\x1b[31mred\x1b[0m\n"))
	if _ = term.Reset(); out.String() != "red\n" {
		t.Errorf("got %q", out.String())
	}
}

// FuzzTerminal: whatever is written, what comes out is text, and each ESC in it begins a colour.
func FuzzTerminal(f *testing.F) {
	for _, c := range shownAs {
		f.Add([]byte(c.wrote))
	}
	f.Fuzz(func(t *testing.T, wrote []byte) {
		var out bytes.Buffer
		term := NewTerminal(&out, false)
		_, _ = term.Write(wrote)
		_ = term.Reset()
		got := out.String()
		if !utf8.ValidString(got) {
			t.Fatalf("not UTF-8: %q", got)
		}
		for i, r := range got {
			if r < ' ' && !strings.ContainsRune("\t\n\r\x1b", r) || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q passes at %d: %q", r, i, got)
			}
			if rest, ok := strings.CutPrefix(got[i:], "\x1b"); ok {
				end := strings.TrimLeft(rest, "[0123456789;:")
				if !strings.HasPrefix(rest, "[") || !strings.HasPrefix(end, "m") {
					t.Fatalf("a sequence passes at %d: %q", i, got)
				}
			}
		}
		if strings.Count(got, "\n") != strings.Count(string(wrote), "\n") {
			t.Fatalf("lines are lost: %q", got)
		}
	})
}
