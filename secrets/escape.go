package secrets

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// A jsonStyle is how a program writes texts as JSON: they differ in what they escape besides what
// they must.
type jsonStyle struct{ ascii, html, slash bool }

// escape writes a text as it stands between the quotes of JSON.
func (o jsonStyle) escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch short := strings.IndexRune("\"\\\n\r\t\b\f", r); {
		case short >= 0:
			b.WriteString(`\` + `"\nrtbf`[short:short+1])
		case r < ' ', o.html && strings.ContainsRune("<>&\u2028\u2029", r), o.ascii && r > '~':
			writeUTF16(&b, r)
		case r == '/' && o.slash:
			b.WriteString(`\/`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func writeUTF16(b *strings.Builder, r rune) {
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(b, `\u%04x`, unit)
	}
}

// upperEscapes writes the hexadecimal digits behind each mark in capitals.
func upperEscapes(s, mark string, digits int) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, mark)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n := min(digits, len(rest))
		b.WriteString(mark + strings.ToUpper(rest[:n]))
		s = rest[n:]
	}
}

// percent escapes a text for a URL, in small hexadecimal digits. Letters, digits and -_.~ stay, and
// of all else what keep holds; a "+" that stands first in keep means that a space becomes one, as in
// a form.
func percent(s, keep string) string {
	const always = "-_.~"
	form := keep == "+"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(always, c) >= 0:
			b.WriteByte(c)
		case form && c == ' ':
			b.WriteByte('+')
		case !form && strings.IndexByte(keep, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// backslashed puts a backslash before each character that means something to a shell.
func backslashed(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(" \t\"'\\$`&|;<>()[]{}*?!#~^,", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// octal writes a text as it stands in $'…' where the locale knows no more than ASCII.
func octal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\' || c == '\'':
			b.WriteString(`\` + string(rune(c)))
		case strings.IndexByte("\n\r\t", c) >= 0:
			b.WriteString(lineEscapes.Replace(string(rune(c))))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
