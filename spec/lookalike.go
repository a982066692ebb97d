package spec

import (
	"strings"
	"unicode"
)

// Letters of other alphabets that look like a Latin one in most fonts, as in Unicode's confusables (UTS #39). They
// come into names by a keyboard that was set to another language, and cannot be seen.
var lookAlikes = map[rune]rune{
	'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'і': 'i', 'ј': 'j', 'ѕ': 's', 'ԁ': 'd', 'һ': 'h', 'ԛ': 'q', 'ԝ': 'w',
	'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': 'O', 'Р': 'P', 'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X', 'І': 'I', 'Ј': 'J', 'Ѕ': 'S',
	'ο': 'o', 'ν': 'v', 'ι': 'i', 'κ': 'k', 'ρ': 'p', 'υ': 'u',
	'Α': 'A', 'Β': 'B', 'Ε': 'E', 'Ζ': 'Z', 'Η': 'H', 'Ι': 'I', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ο': 'O', 'Ρ': 'P', 'Τ': 'T', 'Υ': 'Y', 'Χ': 'X',
}

// latin writes a name with the Latin letters that its own look like; a full-width letter looks like its plain one.
func latin(name string) string {
	return strings.Map(func(r rune) rune {
		if plain, ok := lookAlikes[r]; ok {
			return plain
		}
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, name)
}

// alphabetOf says whose letter one is.
func alphabetOf(r rune) string {
	switch {
	case unicode.Is(unicode.Cyrillic, r):
		return "Cyrillic"
	case unicode.Is(unicode.Greek, r):
		return "Greek"
	}
	return "full-width"
}

// lookAlike says that a name differs from a plain one by letters that look the same, and fixes it; false if it
// does not. at is the name's own place.
func (d *Diagnostic) lookAlike(dag *DAG, at Span, name string, taken func(string) bool) bool {
	plain := latin(name)
	if plain == name || !taskID.fits(plain) && !dagID.fits(plain) {
		return false
	}
	for _, r := range name {
		if l := latin(string(r)); l != string(r) {
			d.label("a %s %c, not a Latin %s", alphabetOf(r), r, l)
			break
		}
	}
	if in, ok := dag.src.exactly(at, name); ok && !taken(plain) {
		d.note("fix", "write `%s`", plain).edit(in, plain)
	}
	return true
}

// isLookAlike tells whether a name is a task's but for letters that look the same; the task's id is reported then, or
// the name itself is.
func (d *DAG) isLookAlike(name string) (id string, ok bool) {
	if d.plainIDs == nil {
		d.plainIDs = make(map[string][]string, len(d.tasks))
		for _, t := range d.tasks {
			plain := latin(t.ID)
			d.plainIDs[plain] = append(d.plainIDs[plain], t.ID)
		}
	}
	for _, id := range d.plainIDs[latin(name)] {
		if id != name {
			return id, true
		}
	}
	return "", false
}
