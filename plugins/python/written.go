package python

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"weft/plugins"
)

const (
	// inMemory is the size up to which an output is held in memory; larger ones stay in the file.
	inMemory = 64 << 10
	// maxLines bounds a file of name=value lines.
	maxLines = 4 << 20
)

// written takes the output from its file: the return value that runner.py left, else what the
// script wrote there itself, JSON or lines, as any process may (language, section 4). No file, or
// nothing but blanks: null.
func written(path string) (plugins.Result, error) {
	exit := 0
	r := plugins.Result{Exit: &exit}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo put there must not hold us up
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, outputErrorf("%w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r, outputErrorf("%w", err)
	}
	if !info.Mode().IsRegular() {
		return r, outputErrorf("%s is no regular file", path)
	}
	if info.Size() > inMemory {
		var first [1]byte
		if _, err := f.ReadAt(first[:], 0); err != nil {
			return r, outputErrorf("%w", err)
		}
		if !isName(string(first[:])) { // JSON, if anything; whoever reads it checks
			r.OutputFile = path
			return r, nil
		}
		if info.Size() > maxLines {
			return r, outputErrorf("it is too long for name=value lines (%d bytes)", info.Size())
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLines))
	if err != nil {
		return r, outputErrorf("%w", err)
	}
	switch {
	case len(bytes.TrimSpace(b)) == 0:
	case json.Valid(b):
		r.Output = bytes.TrimSpace(b)
	default:
		r.Text = true
		r.Output, err = parseLines(strings.ToValidUTF8(string(b), "\ufffd"))
	}
	return r, err
}

// outputErrorf makes the failure of a task whose output cannot be read. It is remote, what the work
// gave back: a retry may give something else.
func outputErrorf(format string, args ...any) error {
	return plugins.Errorf(plugins.Remote, "cannot read the output ($WEFT_OUTPUT): %w", fmt.Errorf(format, args...))
}

// parseLines reads lines `name=value`, and `name<<END` with any lines up to END, into a map of
// texts. Blank lines mean nothing; of two values of a name the last counts.
func parseLines(text string) (json.RawMessage, error) {
	values := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.TrimSpace(line) == "" {
			continue
		}
		at := strings.IndexAny(line, "=<")
		if at <= 0 || !isName(line[:at]) {
			return nil, outputErrorf("line %d is neither JSON nor name=value: %q", i+1, brief(line))
		}
		name, value := line[:at], line[at+1:]
		if line[at] == '=' {
			values[name] = value
			continue
		}
		end, heredoc := strings.CutPrefix(value, "<")
		last := i + 1
		for last < len(lines) && lines[last] != end {
			last++
		}
		if !heredoc || end == "" {
			return nil, outputErrorf("line %d is neither JSON nor name=value: %q", i+1, brief(line))
		}
		if last == len(lines) {
			return nil, outputErrorf("line %d begins a text that no line %q ends: %q", i+1, brief(end), brief(line))
		}
		values[name] = strings.Join(lines[i+1:last], "\n")
		i = last
	}
	return json.Marshal(values)
}

func isName(s string) bool {
	for i, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-'):
		default:
			return false
		}
	}
	return s != ""
}

// brief cuts a line that is quoted in an error.
func brief(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
