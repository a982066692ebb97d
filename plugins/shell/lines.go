package shell

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// parseLines reads the lines of an output file into a JSON object of texts:
//
//	name=value
//	name<<END
//	any lines
//	END
//
// A name is made of letters, digits, "_" and "-", and begins with a letter or "_". Blank
// lines mean nothing; of two values of a name the last counts. What comes first in a line, "=" or
// "<<", decides what it is.
func parseLines(text string) (json.RawMessage, error) {
	values := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, heredoc, ok := cutLine(line)
		if !ok {
			return nil, outputErrorf("line %d is neither JSON nor name=value: %q", i+1, brief(line))
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
			return nil, outputErrorf("line %d begins a text that no line %q ends: %q", i+1, brief(value), brief(line))
		}
		values[name] = strings.Join(lines[i+1:end], "\n")
		i = end
	}
	return encode(values)
}

// encode writes a value as JSON as people would: "<" stays "<".
func encode(v any) (json.RawMessage, error) {
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
	return name, value, heredoc, isName(name)
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
