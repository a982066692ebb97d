package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// What a process may write into $WEFT_OUTPUT besides JSON (language, section 4) is the same for
// every plugin that starts one; it is read here.

// OutputErrorf makes the failure of a task whose output cannot be read. It is remote, what the work
// gave back: a retry may give something else.
func OutputErrorf(format string, args ...any) error {
	return Errorf(Remote, "cannot read the output ($WEFT_OUTPUT): %w", fmt.Errorf(format, args...))
}

// UnreadableOutput is the failure of a task whose output file cannot be opened or read: the path,
// which is weft's own, is left out.
func UnreadableOutput(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return OutputErrorf("%w", err)
}

// MeansJSON tells whether the text of an output can only be meant as JSON, right or wrong: no line of
// names and values begins so.
func MeansJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && strings.IndexByte(`{["`, text[0]) >= 0
}

// IrregularOutput is the failure of a task that made something else than a file at $WEFT_OUTPUT.
func IrregularOutput(mode fs.FileMode) error {
	what := "a device"
	switch {
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return OutputErrorf("it is %s, not a file", what)
}

// ParseOutputLines reads the lines of an output file into a JSON object of texts:
//
//	name=value
//	name<<END
//	any lines
//	END
//
// A name is made of letters, digits, "_" and "-", and begins with a letter or "_". Blank
// lines mean nothing; of two values of a name the last counts. What comes first in a line, "=" or
// "<<", decides what it is.
//
// Nothing is put in the place of what is not UTF-8: that is an error, as in JSON.
func ParseOutputLines(text string) (json.RawMessage, error) {
	values := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !utf8.ValidString(line) {
			return nil, OutputErrorf("line %d is not UTF-8: %q", i+1, brief(line))
		}
		name, value, heredoc, ok := cutLine(line)
		if !ok {
			return nil, OutputErrorf("line %d is neither JSON nor name=value: %q", i+1, brief(line))
		}
		if !heredoc {
			values[name] = value
			continue
		}
		end := i + 1
		for end < len(lines) && lines[end] != value {
			end++
		}
		if end == len(lines) {
			return nil, OutputErrorf("line %d begins a text that no line %q ends: %q", i+1, brief(value), brief(line))
		}
		values[name] = strings.Join(lines[i+1:end], "\n")
		if !utf8.ValidString(values[name]) {
			return nil, OutputErrorf("the text that line %d begins is not UTF-8", i+1)
		}
		i = end
	}
	return EncodeOutput(values)
}

// EncodeOutput writes a value as JSON as people would: "<" stays "<".
func EncodeOutput(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

// cutLine splits "name=value" or "name<<END"; value is END then.
func cutLine(line string) (name, value string, heredoc, ok bool) {
	i := strings.IndexAny(line, "=<")
	if i <= 0 {
		return "", "", false, false
	}
	name, value = line[:i], line[i+1:]
	if line[i] == '<' {
		if value, heredoc = strings.CutPrefix(value, "<"); !heredoc || value == "" {
			return "", "", false, false
		}
	}
	return name, value, heredoc, IsOutputName(name)
}

// IsOutputName tells whether a text may stand before the "=" of an output line.
func IsOutputName(s string) bool {
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
