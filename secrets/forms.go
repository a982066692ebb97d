package secrets

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"strconv"
	"strings"
	"unicode"
)

// How long a text must be to count. Shorter secrets stand by chance in any log, and masking them
// would tell more than it hides.
const (
	// MinMasked is the length, in bytes, from which on a secret is masked.
	MinMasked = 4
	// MinKept is the length from which on an output may not hold a secret. It is also the length of
	// the shortest part of one (a line, a member) that is masked by itself.
	MinKept = 8
)

// A form is one way to write a secret, or a part of one.
type form struct {
	text   string
	name   string // of the secret
	folded bool   // line ends may stand in it: programs wrap what they encode
	long   bool   // no output may hold it
}

// A formList gathers forms, each text once. The first to bring a text names it, and what is true of
// one that brings it is true of it.
type formList struct {
	list []form
	at   map[string]int
}

// add takes all forms of a secret: of the whole, and of each part that may turn up alone.
func (l *formList) add(name, value string) {
	for _, part := range parts(value) {
		l.whole(name, part)
	}
}

// whole takes the forms of a text, and of no part of it.
func (l *formList) whole(name, text string) {
	if len(text) < MinMasked {
		return
	}
	long := len(text) >= MinKept
	for _, written := range escapes(text) {
		l.put(form{text: written, name: name, long: long})
	}
	for _, written := range encodings(text) {
		l.put(form{text: written, name: name, long: long, folded: true})
	}
}

func (l *formList) put(f form) {
	if len(f.text) < MinMasked {
		return
	}
	if i, there := l.at[f.text]; there {
		l.list[i].folded = l.list[i].folded || f.folded
		l.list[i].long = l.list[i].long || f.long
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[f.text] = len(l.list)
	l.list = append(l.list, f)
}

// parts are a secret and what of it turns up alone: without the white space around it, its lines,
// and, of one that is JSON, the texts in it.
func parts(value string) []string {
	list := []string{value, strings.TrimSpace(value)}
	if strings.ContainsAny(value, "\r\n") {
		for line := range strings.FieldsFuncSeq(value, isLineEnd) {
			if line = strings.TrimSpace(line); len(line) >= MinKept {
				list = append(list, line)
			}
		}
		// as an error has it, which is one line
		list = append(list, strings.Join(strings.FieldsFunc(value, isLineEnd), " "))
	}
	// As a shell's unquoted $NAME and short messages have it: each run of white space one space.
	if words := strings.Join(strings.FieldsFunc(value, isGap), " "); words != list[1] {
		list = append(list, words)
	}
	var tree any
	if strings.HasPrefix(list[1], "{") || strings.HasPrefix(list[1], "[") {
		if json.Unmarshal([]byte(value), &tree) == nil {
			list = append(list, texts(tree)...)
		}
	}
	return list
}

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

func isGap(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// texts are the texts of a JSON value that are long enough to be masked by themselves.
func texts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		if len(v) >= MinKept {
			list = append(list, v)
		}
	case []any:
		for _, el := range v {
			list = append(list, texts(el)...)
		}
	case map[string]any:
		for _, el := range v {
			list = append(list, texts(el)...)
		}
	}
	return list
}

// escapes are a text as it is, and as it stands in JSON, URLs, shells, HTML and the quotes of
// programming languages. Most texts need no escape, and have one form.
func escapes(s string) []string {
	list := []string{s}
	for _, o := range []jsonStyle{{}, {html: true}, {slash: true}, {slash: true, html: true}, {ascii: true}, {ascii: true, html: true}, {ascii: true, slash: true}} {
		text := o.escape(s)
		list = append(list, text)
		if o.ascii || o.html {
			list = append(list, upperEscapes(text, `\u`, 4))
		}
	}
	list = append(
		list,
		unquoted(strconv.Quote(s)), unquoted(strconv.QuoteToASCII(s)),
		lineEscapes.Replace(s), lineEscapes.Replace(strings.ReplaceAll(s, `'`, `\'`)), // Python's repr
		strings.ReplaceAll(s, `'`, `'\''`), strings.ReplaceAll(s, `'`, `'"'"'`), // in a shell's single quotes
		backslashed(s), octal(s), // bash: printf %q, $'…'
		html.EscapeString(s), xmlEscapes.Replace(s),
	)
	for _, keep := range []string{"", "+", "/", "$&+=:@", "!*'()", "$&+=:@/!*'(),;?#"} {
		text := percent(s, keep)
		list = append(list, text, upperEscapes(text, "%", 2))
	}
	return list
}

var (
	lineEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	xmlEscapes  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
)

func unquoted(s string) string { return s[1 : len(s)-1] }

// encodings are base64 and hex. What is encoded may begin before the secret and end behind it: of
// each of the three places that its first byte can have in a group of base64, the digits that follow
// from the secret alone are a form. Each stands in the list without its first digit too, for a line
// end behind that one.
func encodings(s string) []string {
	raw := []byte(s)
	list := []string{hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw))}
	for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		bare := alphabet.WithPadding(base64.NoPadding)
		list = append(list, alphabet.EncodeToString(raw), bare.EncodeToString(raw))
		for before := range 3 {
			digits := bare.EncodeToString(append(make([]byte, before), raw...))
			core := digits[(8*before+5)/6 : 8*(before+len(raw))/6]
			list = append(list, core)
		}
	}
	for _, text := range list {
		list = append(list, text[1:])
	}
	return list
}
