package expr

import "strings"

// A Segment is a piece of a template: text, or the inside of one ${{ }}.
type Segment struct {
	Text   string
	Expr   bool
	Offset int // runes in the template before Text
}

const (
	opening = "${{"
	closing = "}}"
)

// HasExpr tells whether a text holds an expression.
func HasExpr(s string) bool { return strings.Contains(s, opening) }

// Split cuts a template into text and expressions. It knows texts and maps inside an expression,
// which may hold "}}". Empty texts are left out.
func Split(tmpl string) ([]Segment, *Problem) {
	var out []Segment
	rest, at := tmpl, 0 // at: runes before rest
	if len(tmpl) > maxTemplate {
		return nil, &Problem{Code: CodeSyntax, Msg: "the text is too large for a template", Len: 1}
	}
	for rest != "" {
		i := strings.Index(rest, opening)
		if i < 0 {
			return append(out, Segment{Text: rest, Offset: at}), nil
		}
		if i > 0 {
			out = append(out, Segment{Text: rest[:i], Offset: at})
		}
		at += runes(rest[:i])
		inside := rest[i+len(opening):]
		end := closeAt(inside)
		if end < 0 {
			return out, &Problem{
				Code: CodeNotClosed, Msg: "this ${{ is never closed", Offset: at, Len: len(opening),
				Help: "close it with }}; a literal ${{ is ${{ '${{' }}",
			}
		}
		out = append(out, Segment{Text: inside[:end], Expr: true, Offset: at + len(opening)})
		at += len(opening) + runes(inside[:end]) + len(closing)
		rest = inside[end+len(closing):]
	}
	return out, nil
}

// closeAt finds the }} that ends an expression, in bytes, -1 if there is none before the next ${{.
// Where a quote or a brace is never closed it takes the first }} there is, so that the quote or
// brace is what gets reported.
func closeAt(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '"', '`':
			n := quoted(s[i:])
			if n < 0 {
				return firstClose(s)
			}
			i += n - 1
		case '$':
			if strings.HasPrefix(s[i:], opening) {
				return firstClose(s[:i])
			}
		case '{':
			depth++
		case '}':
			if depth > 0 {
				depth--
			} else if strings.HasPrefix(s[i:], closing) {
				return i
			}
		}
	}
	return firstClose(s)
}

func firstClose(s string) int {
	if next := strings.Index(s, opening); next >= 0 {
		s = s[:next]
	}
	return strings.Index(s, closing)
}

// quoted returns the length in bytes of the quoted text that s begins with, -1 if it never ends.
// A doubled backquote inside backquotes stands for one.
func quoted(s string) int {
	q := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && q != '`':
			i++
		case s[i] == q && q == '`' && strings.HasPrefix(s[i:], "``"):
			i++
		case s[i] == q:
			return i + 1
		case s[i] == '\n' && q != '`':
			return -1
		}
	}
	return -1
}

// bare unwraps a source that is one whole ${{ }}; at is how many runes lie before the expression.
func bare(src string) (inner string, at int, whole bool, p *Problem) {
	if !strings.HasPrefix(strings.TrimSpace(src), opening) {
		return src, 0, false, nil
	}
	parts, p := Split(src)
	if p != nil {
		return "", 0, false, p
	}
	var found *Segment
	for i := range parts {
		switch s := &parts[i]; {
		case s.Expr && found == nil:
			found = s
		case s.Expr || strings.TrimSpace(s.Text) != "":
			return "", 0, false, &Problem{
				Code: CodeSyntax, Msg: "the ${{ }} does not hold the whole expression",
				Offset: s.Offset, Len: max(1, runes(s.Text)),
				Help: "write one ${{ }} around all of it, or none", Whole: unwrapped(src, opening),
			}
		}
	}
	return found.Text, found.Offset, true, nil
}

// unwrapped returns a source without the brackets that stand around parts of it, "" if that is no expression.
func unwrapped(src, open string) string {
	var b strings.Builder
	for rest := src; ; {
		before, inside, found := strings.Cut(rest, open)
		b.WriteString(before)
		if !found {
			break
		}
		end := closeAt(inside)
		if end < 0 {
			return ""
		}
		if strings.Count(b.String(), "'")%2+strings.Count(b.String(), `"`)%2+strings.Count(b.String(), "`")%2 > 0 {
			return "" // it stands in a text
		}
		part := strings.TrimSpace(inside[:end])
		if strings.ContainsAny(part, " |&?:=<>+-*/%!") {
			part = "(" + part + ")"
		}
		b.WriteString(part)
		rest = inside[end+len(closing):]
	}
	out := strings.TrimSpace(b.String())
	if strings.Contains(out, "{") {
		return ""
	}
	if _, problems := parse(out); len(problems) > 0 {
		return ""
	}
	return out
}

// runes counts code points as the parser does: a byte that is no UTF-8 is one.
func runes(s string) int {
	n := 0
	for range s {
		n++
	}
	return n
}
