package handoff

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxName keeps an encoded name, with what callers put before and behind it, under the 255 bytes
// of a file system.
const maxName = 200

// FileName makes the name of one file or folder out of any text: letters, digits, `_`, `-` and
// inner dots stay, all else is percent-encoded, as is a leading dot. So no name is `.`, `..` or
// hidden, none holds a separator, and two texts never share one. A name that would be too long
// is cut and ends in `%~` and a part of its SHA-256.
func FileName(s string) string {
	const hexDigits = "0123456789ABCDEF"
	plain := s != ""
	for i := 0; i < len(s) && plain; i++ {
		plain = stays(s, i)
	}
	if plain && len(s) <= maxName {
		return s
	}
	if s == "" {
		return "%" // no other text gives this one
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if stays(s, i) {
			b.WriteByte(s[i])
			continue
		}
		b.Write([]byte{'%', hexDigits[s[i]>>4], hexDigits[s[i]&15]})
	}
	if b.Len() <= maxName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	return b.String()[:maxName-34] + "%~" + hex.EncodeToString(sum[:16])
}

func stays(s string, i int) bool {
	switch c := s[i]; {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		return true
	case c == '.':
		return i > 0
	}
	return false
}

// TextOf returns the text of which FileName made a name; false if it made none of that name, or cut
// the text off.
func TextOf(name string) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			break
		}
		raw, err := hex.DecodeString(name[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(raw)
		i += 2
	}
	return b.String(), FileName(b.String()) == name
}
