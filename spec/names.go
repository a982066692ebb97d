package spec

import (
	"path"
	"regexp"
	"strings"
	"unicode"
)

const maxID = 200

// An alphabet says which characters a name may have, and how that is said to people.
type alphabet struct {
	pattern *regexp.Regexp
	bad     func(r rune) bool
	words   string
}

var (
	dagID = alphabet{
		regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`),
		func(r rune) bool { return !word(r) && r != '.' && r != '-' },
		"letters, digits, `_`, `-` and `.`, beginning with a letter or `_`",
	}
	taskID = alphabet{
		regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`),
		func(r rune) bool { return !word(r) && r != '-' },
		"letters, digits, `_` and `-`, beginning with a letter or `_`",
	}
	envName = alphabet{
		regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`),
		func(r rune) bool { return !word(r) },
		"letters, digits and `_`, beginning with a letter or `_`",
	}
)

func word(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// id checks a name that the user gave; the wrong character is what gets pointed at.
func (d *DAG) id(n *Node, what string, a alphabet) bool {
	if n.Kind != Scalar || n.Text == "" {
		d.report(nID, d.span(n), "%s must be text of %s", what, a.words)
		return false
	}
	runes := []rune(n.Text)
	if !a.pattern.MatchString(n.Text) {
		i := 0
		for i < len(runes)-1 && !a.bad(runes[i]) {
			i++
		}
		if !a.bad(runes[i]) {
			i = 0 // each character is fine, but not as the first
		}
		code := nID
		if unicode.IsLetter(runes[i]) {
			code = nLookAlike
		}
		diag := d.report(code, d.within(n, i, 1), "%s %q has a character that is not allowed: %s", what, cut(n.Text, 40), runeWords(runes[i], i)).
			help("use %s", a.words)
		if code == nLookAlike {
			diag.note("note", "it may look like a plain letter, and is not: U+%04X", runes[i])
		}
		return false
	}
	if len(runes) > maxID {
		d.report(nLength, d.span(n), "%s is longer than %d characters", what, maxID)
		return false
	}
	return true
}

// runeWords names a character in a message; at is where it stands in the name.
func runeWords(r rune, at int) string {
	switch {
	case r == ' ':
		return "a space"
	case at == 0 && r >= '0' && r <= '9':
		return "a digit at the start"
	case at == 0 && (r == '-' || r == '.'):
		return "`" + string(r) + "` at the start"
	case unicode.IsPrint(r):
		return "`" + string(r) + "`"
	}
	return "one that cannot be seen"
}

// stem is the id that a DAG has by its file's name.
func stem(file string) string {
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	for _, end := range []string{".yaml", ".yml"} {
		if s, ok := strings.CutSuffix(base, end); ok {
			return s
		}
	}
	return base
}
