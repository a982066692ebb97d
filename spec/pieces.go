package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// yaml.v3 makes some 200 bytes of each value before anybody sees one. So a large file is handed to it piece by piece:
// a few entries of `tasks` as a document of their own, whose tree is planted and forgotten before the next is read.
//
// That is exact, for in a block mapping nothing but its anchors leads from one entry to the next: the scanner stands
// between two entries as at the beginning of a document, if it stands there at all. Whether it does is not known from
// the lines (a quoted text may look like entries), but a piece that begins or ends elsewhere is no document of the
// kind that it must be. Then, and after any error, the file is read whole, as it was before, and nothing of the pieces
// is left. A test reads all files there are both ways.

// pieceSize is up to how many bytes of entries are one piece, and from where on an entry is taken apart.
const pieceSize = 32 << 10

// maxValues bounds what a file may hold, keys counted too: a DAG of 10,000 tasks has half as many.
const maxValues = 200_000

// A block is the lines of a block mapping, or of a block sequence, and nothing else.
type block struct {
	from, to int // lines; to is behind the last
	indent   int // spaces before each entry
	list     bool
}

// A piece is whole entries of a block.
type piece struct {
	from, to int
	value    *block // nil: all of the entries. Else from … to is the key of one alone, and this its value
}

// blockOf finds the block that some lines are; ok is false if they are none.
func (s *source) blockOf(from, to int) (b block, ok bool) {
	for n := from; n < to; n++ {
		l := s.lineText(n)
		in := spacesOf(l)
		if in == len(l) || l[in] == '#' {
			continue
		}
		return block{from, to, in, isItem(l[in:])}, l[in] != '\t'
	}
	return block{}, false
}

// isItem tells whether a text begins as an item of a block sequence.
func isItem(l string) bool { return opens(l, '-') }

// opens tells whether a text begins with an indicator that is followed by a blank, or by nothing.
func opens(l string, indicator byte) bool {
	return l != "" && l[0] == indicator && (len(l) == 1 || l[1] == ' ' || l[1] == '\t')
}

// begins tells whether an entry of the block begins on a line.
func (b block) begins(l string) bool {
	if len(l) <= b.indent || spacesOf(l) != b.indent || l[b.indent] == '#' {
		return false
	}
	return isItem(l[b.indent:]) == b.list && !opens(l[b.indent:], ':')
}

// keyAlone is the line of a key whose value is the lines below it.
var keyAlone = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ *[A-Za-z_][A-Za-z0-9_.-]*:(?: +#.*| *)$`) })

// oneText is the first line of an entry whose value is one text, however long.
var oneText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^ *[A-Za-z_][A-Za-z0-9_.-]*: +(?:[|>][-+0-9]{0,2}(?: +#.*| *)$|["'])`)
})

// pieces cuts a block: small entries together, large ones alone. What stands above the first entry (comments) goes with it.
func (s *source) pieces(b block, size int) []piece {
	var out []piece
	group, first := b.from, true
	for n := b.from; n < b.to; {
		if !b.begins(s.lineText(n)) {
			n++
			continue
		}
		end := n + 1
		for end < b.to && !b.begins(s.lineText(end)) {
			end++
		}
		if !b.list && s.bytes(n, end) > size && keyAlone().MatchString(s.lineText(n)) {
			if value, ok := s.blockOf(n+1, end); ok && (value.indent > b.indent || value.indent == b.indent && value.list) {
				if group < n && !first {
					out = append(out, piece{from: group, to: n})
					group = n
				}
				out = append(out, piece{group, n + 1, &value})
				n, group, first = end, end, false
				continue
			}
		}
		if group < n && !first && s.bytes(group, end) > size {
			out = append(out, piece{from: group, to: n})
			group = n
		}
		n, first = end, false
	}
	if group < b.to {
		out = append(out, piece{from: group, to: b.to})
	}
	return out
}

// bytes is how many some lines take.
func (s *source) bytes(from, to int) int {
	return int(s.begin[to-1]&^wide) - int(s.begin[from-1]&^wide)
}

// byPieces makes the tree of a large file piece by piece; ok is false if it cannot be cut, and nothing is left of
// the try then. The root is nil if there is no tree, which is reported.
func (d *DAG) byPieces(size int) (root *Node, ok bool) {
	b, ok := d.src.blockOf(1, d.src.count()+1)
	if !ok || d.src.odd || d.src.uncut() {
		return nil, false
	}
	p := newPlanter(d)
	p.pieceSize = size
	d.placed()
	out := p.block(b, 1)
	if p.wrong {
		d.diags, d.once, d.failed = nil, map[telling]bool{}, false
		return nil, false
	}
	return p.checked(out), true
}

// uncut tells whether a line may begin or end a document, or say something of one; or may be a key with a ?, whose
// value, if there is none, has its place where the next entry begins.
func (s *source) uncut() bool {
	for n := 1; n <= s.count(); n++ {
		l := s.lineText(n)
		if strings.HasPrefix(l, "---") || strings.HasPrefix(l, "...") || strings.HasPrefix(l, "%") || opens(strings.TrimLeft(l, " -"), '?') {
			return true
		}
	}
	return false
}

// block plants a block, piece by piece.
func (p *planter) block(b block, depth int) planted {
	var out planted
	var fields mapping
	var items []*Node
	for _, piece := range p.dag.src.pieces(b, p.pieceSize) {
		y := p.read(b, piece)
		if y == nil {
			break
		}
		if out.node == nil {
			var ok bool
			if out, ok = p.begin(y, depth); !ok {
				return out
			}
			out.node.Kind = Mapping
		}
		if b.list {
			out.node.Kind = Sequence
			items = p.listed(items, &out, y, depth)
		} else {
			p.pairs(&fields, &out, y, depth)
		}
		if p.wrong || p.many {
			break
		}
	}
	switch {
	case out.node == nil:
		p.wrong = p.wrong || !p.many
		return planted{node: new(Node)}
	case len(items) > 0:
		out.node.inside = p.holds(inside{items: items})
	default:
		p.merged(&fields, &out)
	}
	return out
}

// read returns the tree of a piece, with the places of the file; nil if it is none, or too much.
func (p *planter) read(b block, c piece) *yaml.Node {
	s := p.dag.src
	text := s.body[s.begin[c.from-1]&^wide : min(int(s.begin[c.to-1]&^wide), len(s.body))]
	if len(text) > 2*p.pieceSize && !oneText().MatchString(s.lineText(s.firstEntry(b, c))) && p.dag.tooMany(c.from, text) {
		p.many = true
		return nil
	}
	above, lines, extra := p.anchorsFor(text, b)
	dec := yaml.NewDecoder(io.MultiReader(strings.NewReader(above), bytes.NewReader(ended([]byte(text)))))
	doc, err := next(dec)
	if err == nil {
		_, err = next(dec)
	}
	kind := yaml.MappingNode
	if b.list {
		kind = yaml.SequenceNode
	}
	if !errors.Is(err, io.EOF) || len(doc.Content) == 0 || doc.Content[0].Kind != kind || doc.Content[0].Style != 0 || doc.Content[0].Anchor != "" {
		p.wrong = true
		return nil
	}
	y := doc.Content[0]
	y.Content = y.Content[extra:]
	entry := s.firstEntry(b, c)
	if entry == 0 || len(y.Content) == 0 || c.value != nil && !emptyValue(y) {
		p.wrong = true
		return nil
	}
	shift(y, c.from-1-lines)
	if key := y.Content[0]; !b.list && (key.Line != entry || key.Column != b.indent+1) {
		p.wrong = true // a tag or an anchor alone, and a deeper block of its own
		return nil
	}
	y.Line, y.Column = entry, b.indent+1
	if c.value != nil {
		p.values[y.Content[1]] = *c.value
	}
	return y
}

// firstEntry is the line where the first entry of a piece begins, 0 if none does.
func (s *source) firstEntry(b block, c piece) int {
	for n := c.from; n < c.to; n++ {
		if b.begins(s.lineText(n)) {
			return n
		}
	}
	return 0
}

// emptyValue tells whether a mapping is one key and nothing behind it.
func emptyValue(y *yaml.Node) bool {
	return len(y.Content) == 2 && y.Content[1].Kind == yaml.ScalarNode && y.Content[1].Value == "" && y.Content[1].Style == 0 && y.Content[1].Anchor == ""
}

// shift moves a tree down by some lines.
func shift(y *yaml.Node, lines int) {
	y.Line += lines
	for _, c := range y.Content {
		shift(c, lines)
	}
}

// anchorsFor returns lines that stand above a piece and hold the anchors of pieces before that it names: an entry of
// the block, which is dropped. lines is how many, and extra how many nodes of the block they are.
func (p *planter) anchorsFor(text string, b block) (above string, lines, extra int) {
	var names []string
	seen := map[string]bool{}
	for rest := text; ; {
		i := strings.IndexByte(rest, '*')
		if i < 0 {
			break
		}
		rest = rest[i+1:]
		n := 0
		for n < len(rest) && anchorByte(rest[n]) {
			n++
		}
		if name := rest[:n]; p.names[name] != nil && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", 0, 0
	}
	in := strings.Repeat(" ", b.indent)
	list := "[&" + strings.Join(names, " x, &") + " x]\n"
	if b.list {
		return in + "- " + list, 1, 1
	}
	return in + "? " + list + in + ": x\n", 2, 2
}

// anchorByte tells what the name of an anchor is made of.
func anchorByte(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// tooMany refuses a text that may hold more values than a file may, before yaml.v3 makes any of them; line is where
// it begins. What only might be too much is refused too: it is far beyond any file that means well.
func (d *DAG) tooMany(line int, text string) bool {
	if mostValues(text) <= maxValues {
		return false
	}
	n := line
	for n < d.src.count() && strings.TrimSpace(d.src.lineText(n)) == "" {
		n++
	}
	d.reportMany(d.wholeLine(n))
	return true
}

func (d *DAG) reportMany(at Span) {
	d.report(yLimit, at, "the file holds more than 200,000 values").
		help("keep data in a file beside it, and make a `for_each` of what repeats")
}

// mostValues is how many values a text holds at most, keys counted too. It looks at the characters that YAML's values
// begin or end with, wherever they stand: a pair has a colon, an item a dash, a comma or a bracket before it. A colon
// counts where yaml.v3 may take it for one; right behind the name of an alias, an anchor or a tag it always may, so
// these count as much.
func mostValues(text string) int {
	const blanks, flow = " \t\n", ",[]{}"
	near := func(i int, of string) bool { return i < 0 || i >= len(text) || strings.IndexByte(of, text[i]) >= 0 }
	n := 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ':':
			if near(i+1, blanks+flow+`"'`) || near(i-1, blanks+flow+`"'`) {
				n += 2
			}
		case '-', '?':
			if near(i-1, blanks+flow) && (near(i+1, blanks) || text[i] == '?') {
				n += 2
			}
		case ',', '{', '*', '&', '!':
			n += 2
		case '[':
			n++
		}
	}
	return n
}
