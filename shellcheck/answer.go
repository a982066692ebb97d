package shellcheck

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"weft/spec"
)

// unasked are the remarks that cannot be right of a script in a DAG: files that it reads at run time are not
// beside the copy that shellcheck sees.
var unasked = []string{"SC1090", "SC1091"}

// written is a script as a file. Its first line, which the script does not have, names the shell and its
// flags; a first line of its own that does so is a comment for the shell that weft starts.
func written(s spec.Script) []byte {
	head, text := "#!/bin/"+s.Dialect, s.Text
	if s.Exits {
		head += " -e"
	}
	if rest, ok := strings.CutPrefix(text, "#!"); ok {
		text = "# " + rest
	}
	return []byte(head + "\n" + text + "\n")
}

// An answer is what shellcheck writes as json1.
type answer struct {
	Comments []struct {
		File                             string
		Line, Column, EndLine, EndColumn int
		Level                            string
		Code                             int
		Message                          string
	}
}

var severities = map[string]spec.Severity{"error": spec.Error, "warning": spec.Warning, "info": spec.Info, "style": spec.Info}

// unassigned are the remarks about a variable that nothing assigns, whose name comes first.
var (
	unassigned = []int{2153, 2154}
	firstName  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:Possible misspelling: )?([A-Za-z_][A-Za-z0-9_]*) `)
	})
)

// read reads an answer: the remarks of each script, in the order of shellcheck.
func (c *Checker) read(body []byte, scripts []spec.Script) ([][]spec.Remark, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("what %s wrote is not understood: %w", c.program, err)
	}
	out := make([][]spec.Remark, len(scripts))
	for _, said := range a.Comments {
		n, err := strconv.Atoi(said.File)
		sev, ok := severities[said.Level]
		if err != nil || n < 0 || n >= len(scripts) || !ok || said.Code <= 0 {
			return nil, fmt.Errorf("what %s wrote is not understood", c.program)
		}
		code := fmt.Sprintf("SC%d", said.Code)
		r := spec.Remark{
			Code: code, Severity: sev, Line: said.Line - 1, Column: said.Column, EndLine: said.EndLine - 1, EndColumn: said.EndColumn,
			Message: sentence(said.Message), Page: "https://www.shellcheck.net/wiki/" + code,
		}
		if m := firstName().FindStringSubmatch(said.Message); m != nil && slices.Contains(unassigned, said.Code) {
			r.Names = m[1]
		}
		out[n] = append(out[n], r)
	}
	return out, nil
}

// sentence is a message as ours are: without the full stop, and small at the beginning unless that is a name.
func sentence(s string) string {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "."))
	first, size := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[size:]); unicode.IsUpper(first) && (unicode.IsLower(second) || second == ' ') {
		return string(unicode.ToLower(first)) + s[size:]
	}
	return s
}
