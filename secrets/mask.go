package secrets

import (
	"io"
	"maps"
	"slices"
	"strings"
)

// Masked stands in the place of what is masked.
const Masked = "***"

// A Mask knows the forms of some secrets and finds them in texts. It never changes, and may be used
// by many at once. Nil is a Mask of no secrets.
//
// A byte is masked if it lies in any form that a text holds, and each run of such bytes becomes one
// Masked: so what is masked does not depend on how the text is cut into pieces, and no form is left,
// unless one that begins or ends with Masked's own stars.
type Mask struct {
	forms []form
	// Forms by their first two bytes: a set for the quick no, and the list.
	pairs [1 << 16 / 64]uint64
	first [256]bool
	by    map[uint16][]int
	kept  *Mask // of the forms that no output may hold; itself if these are all
}

// A Value is a text that is as secret as the secret it was made of, and the name of that.
type Value struct{ Name, Text string }

// NewMask makes the Mask of some secrets, by name, and of what was made of them; nil if nothing of it
// is long enough to be masked.
func NewMask(values map[string]string, made ...Value) *Mask {
	var l formList
	for _, name := range slices.Sorted(maps.Keys(values)) {
		l.add(name, values[name])
	}
	for _, v := range made {
		l.whole(v.Name, v.Text) // parts of it may be no secret at all
	}
	if len(l.list) == 0 {
		return nil
	}
	m := compile(l.list)
	long := slices.DeleteFunc(slices.Clone(l.list), func(f form) bool { return !f.long })
	switch len(long) {
	case len(l.list):
		m.kept = m
	case 0:
	default:
		m.kept = compile(long)
	}
	return m
}

func compile(forms []form) *Mask {
	m := &Mask{forms: forms, by: map[uint16][]int{}}
	for i, f := range forms {
		pair := uint16(f.text[0]) | uint16(f.text[1])<<8
		m.first[f.text[0]] = true
		m.pairs[pair>>6] |= 1 << (pair & 63)
		m.by[pair] = append(m.by[pair], i)
	}
	return m
}

// maybe tells whether a form may begin with these two bytes.
func (m *Mask) maybe(a, b byte) bool {
	pair := uint16(a) | uint16(b)<<8
	return m.pairs[pair>>6]&(1<<(pair&63)) != 0
}

// at looks for forms at the beginning of b, which is not empty. It returns the length of the longest
// and its number; more tells that a longer one may show when b goes on.
func (m *Mask) at(b []byte) (n, which int, more bool) {
	if len(b) == 1 {
		return 0, 0, m.first[b[0]]
	}
	if !m.maybe(b[0], b[1]) {
		return 0, 0, false
	}
	for _, i := range m.by[uint16(b[0])|uint16(b[1])<<8] {
		got, open := m.forms[i].match(b)
		if got > n {
			n, which = got, i
		}
		more = more || open
	}
	return n, which, more
}

// match tells how many bytes of b the form takes up, if b begins with it; else whether it may
// when b goes on.
func (f *form) match(b []byte) (n int, open bool) {
	if !f.folded {
		if len(b) < len(f.text) {
			return 0, f.text[:len(b)] == string(b)
		}
		if string(b[:len(f.text)]) == f.text {
			return len(f.text), false
		}
		return 0, false
	}
	i, row := 0, firstRow
	for j := 0; j < len(f.text); {
		switch {
		case i == len(b):
			return 0, true
		case b[i] == f.text[j]:
			i, j, row = i+1, j+1, row-1
			continue
		case row > 0:
			return 0, false
		}
		gap, open := lineGap(b[i:])
		if gap == 0 {
			return 0, open
		}
		i, row = i+gap, laterRow
	}
	return i, false
}

// Where line ends may stand in a folded form: after so many bytes of the first line and of those
// that follow, with so much white space before the next. So little is held back for long, and what
// is has a bound.
const (
	firstRow  = 2
	laterRow  = 8
	maxIndent = 16
)

// lineGap returns the length of a line end and the white space behind it; open tells that b ends
// within it.
func lineGap(b []byte) (n int, open bool) {
	if n < len(b) && b[n] == '\r' {
		n++
	}
	if n == len(b) {
		return 0, true
	}
	if b[n] != '\n' {
		return 0, false
	}
	n++
	for end := n + maxIndent; n < len(b) && n < end && (b[n] == ' ' || b[n] == '\t'); {
		n++
	}
	return n, n == len(b)
}

// Text masks a text.
func (m *Mask) Text(s string) string {
	if m == nil || s == "" {
		return s
	}
	var b strings.Builder
	k := m.Writer(&b)
	_, _ = k.Write([]byte(s)) // a Builder takes everything
	_ = k.Flush()
	return b.String()
}

// Message masks a text for people, in which a value may be quoted in part: the beginning of a secret
// before an ellipsis, or at the end, is masked as the whole would be.
func (m *Mask) Message(s string) string {
	if m == nil {
		return s
	}
	s = m.Text(s)
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "…")
		b.WriteString(m.withoutBeginning(before))
		if !found {
			return b.String()
		}
		b.WriteString("…")
		s = rest
	}
}

// withoutBeginning masks the beginning of a form that a text ends with, quotes aside.
func (m *Mask) withoutBeginning(s string) string {
	text := strings.TrimRight(s, "\"'`. ")
	longest := 0
	for i := range m.forms {
		f := m.forms[i].text
		for n := min(len(f)-1, len(text), maxQuoted); n >= MinKept && n > longest; n-- {
			if strings.HasSuffix(text, f[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return s
	}
	return text[:len(text)-longest] + Masked + s[len(text):]
}

// maxQuoted is more than any message quotes of a value.
const maxQuoted = 4 << 10

// Find reads a stream to its end and names the first secret in it that no output may hold; "" if
// there is none.
func (m *Mask) Find(r io.Reader) (name string, err error) {
	if m == nil || m.kept == nil {
		return "", nil
	}
	k := &Masker{mask: m.kept, w: io.Discard}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			_, _ = k.Write(buf[:n])
		}
		if err == io.EOF {
			_ = k.Flush()
		}
		if k.met != "" || err == io.EOF {
			return k.met, nil
		}
		if err != nil {
			return "", err
		}
	}
}
