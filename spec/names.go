package spec

import (
	"path"
	"strings"
	"unicode"
)

// maxID is the longest id in characters. Ids stand in keys of S3 and names of files, each several
// times: 200 leaves room for all of them below the 1,024 bytes of the one and the 255 of the other.
const maxID = 200

// An alphabet says which characters a name may have behind its first one, and how that is said to
// people. Every name begins with a letter or `_`.
type alphabet struct {
	bad   func(r rune) bool
	words string
}

// fits tells whether a name is one of the alphabet, however long.
func (a alphabet) fits(name string) bool {
	if name == "" || !word(rune(name[0])) || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return strings.IndexFunc(name, a.bad) < 0
}

var (
	dagID = alphabet{
		func(r rune) bool { return !word(r) && r != '.' && r != '-' },
		"letters, digits, `_`, `-` and `.`, beginning with a letter or `_`",
	}
	taskID = alphabet{
		func(r rune) bool { return !word(r) && r != '-' },
		"letters, digits, `_` and `-`, beginning with a letter or `_`",
	}
	envName = alphabet{
		func(r rune) bool { return !word(r) },
		"letters, digits and `_`, beginning with a letter or `_`",
	}
)

func word(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// id checks a name that the user gave; the wrong character is what gets pointed at. A letter of
// another alphabet has a code of its own: one that looks like a plain one cannot be seen in the
// message, so its number is said.
func (d *DAG) id(n *Node, what string, a alphabet) bool {
	if n.Kind != Scalar || n.Text == "" {
		d.report(nID, d.span(n), "%s must be text of %s", what, a.words)
		return false
	}
	runes := []rune(n.Text)
	if !a.fits(n.Text) {
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
		if code == nLookAlike && !diag.lookAlike(d, d.span(n), n.Text, func(id string) bool { return d.root.At("tasks", id) != nil }) {
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
