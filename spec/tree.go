package spec

import (
	"gopkg.in/yaml.v3"

	"weft/machine"
)

// A planter makes Nodes of yaml.v3's, and checks what yaml.v3 does not: tags, keys that stand
// twice, merges, depth, and what aliases blow up. It works on what is written, never on what it
// expands to, so a bomb costs no more than its bytes.
type planter struct {
	dag   *DAG
	names map[string]*anchor // the last one of each name, so far
	wrote int                // nodes as written
	first Span               // where the document begins to repeat itself
	deep  bool               // too deep, and reported
	many  bool               // too many, and reported: nothing more is planted

	pieceSize int
	values    map[*yaml.Node]block // what is read piece by piece: see pieces.go
	wrong     bool                 // a piece is no document

	nodes   []Node // room for more: they are made many at once
	insides []inside
	fields  []Field
	items   []*Node
}

func newPlanter(d *DAG) *planter {
	return &planter{dag: d, names: map[string]*anchor{}, values: map[*yaml.Node]block{}}
}

// An anchor is what an alias stands for, once it is planted; until then an alias of it is a loop.
type anchor struct {
	planted
	open bool
}

// A planted is a node and what it expands to.
type planted struct {
	node *Node
	weight
}

// A weight is what a node expands to: the nodes at and below it, the bytes of their texts, and how many of them stand
// above each other.
type weight struct{ size, text, height int }

// plant returns the tree of a document, nil if nothing can be made of it.
func (d *DAG) plant(doc *yaml.Node) *Node {
	if len(doc.Content) == 0 {
		return nil
	}
	p := newPlanter(d)
	return p.checked(p.node(doc.Content[0], 1))
}

// checked holds a planted document to what it may expand to; nil if that is too much.
func (p *planter) checked(root planted) *Node {
	switch {
	case p.deep, p.many:
		return nil
	case root.height > maxDepth:
		p.dag.report(yLimit, p.dag.span(root.node), "the file is nested more than %d levels deep once its aliases are expanded", maxDepth)
		return nil
	case root.size > maxExpand*p.wrote:
		p.dag.report(yLimit, p.first, "aliases make more than %d times of what is written here", maxExpand).
			help("repeat less, or make a `for_each` of it")
		return nil
	case root.size > maxMade:
		p.dag.report(yLimit, p.first, "aliases make more than 300,000 values of what is written here").
			help("repeat less, or make a `for_each` of it")
		return nil
	case root.text > maxMadeText:
		p.dag.report(yLimit, p.first, "aliases make more than %d MiB of what is written here", maxMadeText>>20).
			help("keep what is long in a file beside it")
		return nil
	}
	return root.node
}

// node plants one node and all below it, in the order in which they are written.
func (p *planter) node(y *yaml.Node, depth int) planted {
	if y.Kind == yaml.AliasNode {
		return p.alias(y)
	}
	if b, apart := p.values[y]; apart {
		delete(p.values, y)
		return p.block(b, depth)
	}
	out, ok := p.begin(y, depth)
	if !ok {
		return out
	}
	var own *anchor
	if y.Anchor != "" {
		own = &anchor{open: true}
		p.names[y.Anchor] = own
	}
	n := out.node
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
		fields := mapping{fields: take(&p.fields, len(y.Content)/2, p.wrote)}
		p.pairs(&fields, &out, y, depth)
		p.merged(&fields, &out)
	case yaml.SequenceNode:
		n.Kind = Sequence
		if items := p.listed(take(&p.items, len(y.Content), p.wrote), &out, y, depth); len(items) > 0 {
			n.inside = p.holds(inside{items: items})
		}
	default:
		n.Quote = quoteOf(y.Style)
		n.Text = p.dag.src.shared(n, y.Value)
		if p.dag.src.stood {
			n.Text = fromStandIns.Replace(n.Text)
		}
		out.text = len(n.Text)
	}
	if own != nil {
		*own = anchor{planted: out}
	}
	return out
}

// begin makes the node of one of yaml.v3's, without what is in it; ok is false if that is not to be planted.
func (p *planter) begin(y *yaml.Node, depth int) (out planted, ok bool) {
	n := p.at(p.dag.src.valueStart(y.Line, y.Column))
	out = planted{n, weight{size: 1, height: 1}}
	if p.wrote++; p.wrote > maxValues {
		if !p.many {
			p.dag.reportMany(spanAt(n.Pos(), 1))
		}
		p.many = true
		return out, false
	}
	if y.Anchor != "" {
		p.anchor(y)
	}
	if depth > maxDepth {
		if !p.deep {
			p.dag.report(yLimit, spanAt(n.Pos(), 1), "the file is nested more than %d levels deep", maxDepth)
		}
		p.deep = true
		return out, false
	}
	p.tag(y, n)
	return out, true
}

// listed plants the items of a sequence behind those that it has.
func (p *planter) listed(items []*Node, out *planted, y *yaml.Node, depth int) []*Node {
	for i, c := range y.Content {
		if p.wrong || p.many {
			break
		}
		item := p.node(c, depth+1)
		items = append(items, item.node)
		out.grow(item.weight)
		y.Content[i] = nil // yaml.v3's is needed no more
	}
	return items
}

// at returns a new node that stands at a place.
func (p *planter) at(pos machine.Pos) *Node {
	n := &take(&p.nodes, 1, p.wrote)[:1][0]
	n.line, n.col = int32(pos.Line), int32(pos.Col)
	return n
}

// holds returns a place for what a node holds.
func (p *planter) holds(in inside) *inside {
	at := &take(&p.insides, 1, p.wrote)[:1][0]
	*at = in
	return at
}

// take cuts an empty slice with room for n from what is there to be used up, which grows with what has been made so far.
func take[T any](room *[]T, n, made int) []T {
	if n > len(*room) {
		more := min(max(made, 16), 256)
		if n > more/4 {
			return make([]T, 0, n)
		}
		*room = make([]T, more)
	}
	out := (*room)[:0:n]
	*room = (*room)[n:]
	return out
}

func quoteOf(s yaml.Style) Quote {
	switch {
	case s&yaml.SingleQuotedStyle != 0:
		return Single
	case s&yaml.DoubleQuotedStyle != 0:
		return Double
	case s&yaml.LiteralStyle != 0:
		return Literal
	case s&yaml.FoldedStyle != 0:
		return Folded
	}
	return Plain
}

// anchor refuses a name that YAML takes for longer than yaml.v3 does: the rest of `&a:b` would be
// taken for the value.
func (p *planter) anchor(y *yaml.Node) {
	end := y.Column + 1 + len([]rune(y.Anchor))
	if p.dag.src.rune(y.Line, y.Column) == '&' && p.dag.src.rune(y.Line, end) == ':' {
		p.dag.report(yAlias, Span{y.Line, y.Column, y.Line, end + 1}, "the name of an anchor cannot hold a `:`").
			help("use letters and digits in it, and a space behind it")
	}
}

// queried refuses `?` right before a key in brackets: to YAML it is the key's first character, and
// yaml.v3 drops it.
func (p *planter) queried(k *yaml.Node) {
	if p.dag.src.rune(k.Line, k.Column-1) == '?' {
		p.dag.report(yIndicator, Span{k.Line, k.Column - 1, k.Line, k.Column}, "a key in brackets cannot begin with ?").
			help("quote it")
	}
}

// grow counts a child's nodes and height into its parent's. Counts stay far below overflow: they are
// cut where the limit is passed anyway.
func (w *weight) grow(child weight) {
	w.size = min(w.size+child.size, 1<<40)
	w.text = min(w.text+child.text, 1<<40)
	w.height = max(w.height, child.height+1)
}

// alias gives the node of an anchor itself, no copy: what is checked once is checked, and a bomb costs
// one pointer an alias. yaml.v3 has refused those without an anchor.
func (p *planter) alias(y *yaml.Node) planted {
	p.wrote++
	if p.first.Line == 0 {
		p.first = Span{y.Line, y.Column, y.Line, y.Column + 1 + len([]rune(y.Value))}
	}
	made := p.names[y.Value]
	if made != nil && !made.open {
		return made.planted
	}
	if made != nil {
		p.dag.report(yAlias, Span{y.Line, y.Column, y.Line, y.Column + 1 + len([]rune(y.Value))},
			"the alias *%s stands inside what it stands for", y.Value)
	} // else its anchor stands too deep to be planted, which is reported
	n := p.at(machine.Pos{Line: y.Line, Col: y.Column})
	n.bad = true
	return planted{n, weight{size: 1, height: 1}}
}

// tag refuses tags. A lone `!` is one too; it is mostly an expression that lacks its quotes.
func (p *planter) tag(y *yaml.Node, n *Node) {
	at, text := p.dag.src.tagBefore(y.Line, y.Column)
	switch {
	case text == "" && y.Style&yaml.TaggedStyle == 0:
		return
	case text == "":
		at, text = n.Pos(), "!"
	}
	if n.bad = y.Kind == yaml.ScalarNode && y.Value == ""; p.notTag(y, at, text) {
		n.bad = true
		return
	}
	diag := p.dag.report(yTag, spanAt(at, len([]rune(text))), "%s is a YAML tag; values here have none", text)
	if len(text) > 1 && text[1] != '!' {
		diag.help("for \"not\" in an expression write `not %s`; for text, quote it", text[1:])
	}
}

// A mapping is one under way.
type mapping struct {
	fields []Field
	first  firstKeys
	merges []planted
	merge  Span // of the first `<<`; zero = there is none
}

// pairs plants the fields of a mapping in file order, behind those that it has. A key that stands twice keeps its
// first value: the second is what was added without looking.
func (p *planter) pairs(m *mapping, out *planted, y *yaml.Node, depth int) {
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		y.Content[i], y.Content[i+1] = nil, nil // yaml.v3's are needed no more
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			p.mergedTwice(m, k)
			p.wrote++ // planted where it stands, for an alias further on may name an anchor in it
			m.merges = append(m.merges, p.node(v, depth+1))
			continue
		}
		p.queried(k)
		key, value := p.node(k, depth+1), p.node(v, depth+1)
		out.grow(key.weight)
		out.grow(value.weight)
		if p.wrong || p.many { // nothing comes of it
			return
		}
		if key.node.Kind != Scalar {
			p.badKey(out.node, y, key.node)
			continue
		}
		if was := m.first.of(m.fields, key.node.Text); was != nil {
			p.dag.report(yDuplicate, p.dag.span(key.node), "the key %q stands here twice", key.node.Text).
				label("the second one").related(p.dag.span(was), "the first one")
			continue
		}
		m.fields = append(m.fields, Field{key.node, value.node})
	}
}

// merged ends a mapping.
func (p *planter) merged(m *mapping, out *planted) {
	for _, from := range m.merges {
		p.merge(m, out, from)
	}
	if len(m.fields) > 0 {
		out.node.inside = p.holds(inside{fields: m.fields})
	}
}

// mergedTwice refuses a second `<<`: it is a key that stands twice.
func (p *planter) mergedTwice(m *mapping, k *yaml.Node) {
	at := Span{k.Line, k.Column, k.Line, k.Column + 2}
	if m.merge != (Span{}) {
		p.dag.report(yDuplicate, at, "the key \"<<\" stands here twice").label("the second one").related(m.merge, "the first one").
			help("merge several by one: `<<: [*a, *b]`; the earlier wins")
		return
	}
	m.merge = at
}

// firstKeys finds the keys that a mapping has so far: it looks through a few, and remembers many.
type firstKeys struct {
	seen map[string]*Node
	upTo int // how many fields are in seen
}

// fewKeys is up to where looking is quicker.
const fewKeys = 16

// of returns the key that has a text, nil if there is none.
func (f *firstKeys) of(fields []Field, text string) *Node {
	if len(fields) <= fewKeys {
		for _, field := range fields {
			if field.Key.Text == text {
				return field.Key
			}
		}
		return nil
	}
	if f.seen == nil {
		f.seen = make(map[string]*Node, cap(fields))
	}
	for ; f.upTo < len(fields); f.upTo++ {
		f.seen[fields[f.upTo].Key.Text] = fields[f.upTo].Key
	}
	return f.seen[text]
}

// badKey: a key that is a list or a map. `{{ x }}` is one to YAML, and never meant as such.
func (p *planter) badKey(n *Node, y *yaml.Node, key *Node) {
	n.bad = true
	if key.Kind == Mapping && y.Style&yaml.FlowStyle != 0 && key.Pos().Line == n.Pos().Line && key.Pos().Col == n.Pos().Col+1 {
		p.dag.report(yIndicator, spanAt(n.Pos(), 2), "a value that begins with {{ is a YAML map").
			help("an expression is written ${{ … }}; quote a value that begins with a brace")
		return
	}
	p.dag.report(yKey, spanAt(key.Pos(), 1), "a key must be text, this is %s", key.words())
}

// merge adds the fields of `<<`: what is written in the mapping itself wins, then the earlier one. A
// merged field is the anchor's, key and all, so a mistake in it is told once, where it stands.
func (p *planter) merge(m *mapping, out *planted, from planted) {
	list, all := []*Node{from.node}, from.weight
	if from.node.Kind == Sequence {
		list, all = from.node.Items(), weight{from.size - 1, from.text, from.height - 1}
	}
	out.grow(all)
	for _, n := range list {
		if n.Kind != Mapping {
			p.dag.report(yAlias, spanAt(n.Pos(), 1), "`<<` wants a map or a list of maps, this is %s", n.words())
			continue
		}
		for _, f := range n.Fields() {
			if m.first.of(m.fields, f.Key.Text) == nil {
				m.fields = append(m.fields, f)
			}
		}
	}
}
