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
	aimed map[*yaml.Node]bool    // anchors that an alias names
	made  map[*yaml.Node]planted // those of them that are planted
	open  map[*yaml.Node]bool    // those whose planting goes on: an alias of one is a loop
	wrote int                    // nodes as written
	first Span                   // where the document begins to repeat itself
	deep  bool                   // too deep, and reported

	nodes  []Node // room for more: they are made many at once
	fields []Field
	items  []*Node
}

// A planted is a node and what it expands to.
type planted struct {
	node *Node
	weight
}

// A weight is what a node expands to: the nodes at and below it, and how many of them stand above each other.
type weight struct{ size, height int }

// plant returns the tree of a document, nil if nothing can be made of it.
func (d *DAG) plant(doc *yaml.Node) *Node {
	p := planter{dag: d, aimed: map[*yaml.Node]bool{}, made: map[*yaml.Node]planted{}, open: map[*yaml.Node]bool{}}
	if len(doc.Content) == 0 {
		return nil
	}
	if d.src.has("*") {
		p.aim(doc)
	}
	root := p.node(doc.Content[0], 1)
	switch {
	case p.deep:
		return nil
	case root.height > maxDepth:
		d.report(yLimit, d.span(root.node), "the file is nested more than %d levels deep once its aliases are expanded", maxDepth)
		return nil
	case root.size > maxExpand*p.wrote:
		d.report(yLimit, p.first, "aliases make more than %d times of what is written here", maxExpand).
			help("repeat less, or make a `for_each` of it")
		return nil
	}
	return root.node
}

// aim notes which anchors are named.
func (p *planter) aim(y *yaml.Node) {
	if y.Alias != nil {
		p.aimed[y.Alias] = true
	}
	for _, c := range y.Content {
		p.aim(c)
	}
}

// node plants one node and all below it. An anchor is open until its content is planted, so that an alias inside
// of it is seen to be a loop.
func (p *planter) node(y *yaml.Node, depth int) planted {
	if y.Kind == yaml.AliasNode {
		return p.alias(y)
	}
	p.wrote++
	n := p.at(p.dag.src.valueStart(y.Line, y.Column))
	out := planted{n, weight{size: 1, height: 1}}
	if y.Anchor != "" {
		p.anchor(y)
	}
	if p.aimed[y] {
		p.open[y] = true
		defer func() {
			delete(p.open, y)
			p.made[y] = out
		}()
	}
	if depth > maxDepth {
		if !p.deep {
			p.dag.report(yLimit, spanAt(n.Pos(), 1), "the file is nested more than %d levels deep", maxDepth)
		}
		p.deep = true
		return out
	}
	p.tag(y, n)
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
		p.mapping(y, &out, depth)
	case yaml.SequenceNode:
		n.Kind = Sequence
		items := take(&p.items, len(y.Content), p.wrote)
		for i, c := range y.Content {
			item := p.node(c, depth+1)
			items = append(items, item.node)
			out.grow(item.weight)
			y.Content[i] = nil // yaml.v3's is needed no more
		}
		if len(items) > 0 {
			n.inside = &inside{items: items}
		}
	default:
		n.Quote = quoteOf(y.Style)
		n.Text = p.dag.src.shared(n, y.Value)
	}
	return out
}

// at returns a new node that stands at a place.
func (p *planter) at(pos machine.Pos) *Node {
	n := &take(&p.nodes, 1, p.wrote)[:1][0]
	n.line, n.col = int32(pos.Line), int32(pos.Col)
	return n
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
	w.height = max(w.height, child.height+1)
}

// alias gives the node of an anchor itself, no copy: what is checked once is checked, and a bomb costs
// one pointer an alias. yaml.v3 has refused those without an anchor.
func (p *planter) alias(y *yaml.Node) planted {
	p.wrote++
	if p.first.Line == 0 {
		p.first = Span{y.Line, y.Column, y.Line, y.Column + 1 + len([]rune(y.Value))}
	}
	made, ok := p.made[y.Alias]
	if ok {
		return made
	}
	if p.open[y.Alias] {
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
	n.bad = y.Kind == yaml.ScalarNode && y.Value == ""
	diag := p.dag.report(yTag, spanAt(at, len([]rune(text))), "%s is a YAML tag; values here have none", text)
	if len(text) > 1 && text[1] != '!' {
		diag.help("for \"not\" in an expression write `not %s`; for text, quote it", text[1:])
	}
}

// mapping plants the fields of a mapping in file order. A key that stands twice keeps its first value:
// the second is what was added without looking.
func (p *planter) mapping(y *yaml.Node, out *planted, depth int) {
	n := out.node
	fields := take(&p.fields, len(y.Content)/2, p.wrote)
	first := firstKeys{}
	var merges []planted
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		y.Content[i], y.Content[i+1] = nil, nil // yaml.v3's are needed no more
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			p.wrote++ // planted where it stands, for an alias further on may name an anchor in it
			merges = append(merges, p.node(v, depth+1))
			continue
		}
		p.queried(k)
		key, value := p.node(k, depth+1), p.node(v, depth+1)
		out.grow(key.weight)
		out.grow(value.weight)
		if key.node.Kind != Scalar {
			p.badKey(n, y, key.node)
			continue
		}
		if was := first.of(fields, key.node.Text); was != nil {
			p.dag.report(yDuplicate, p.dag.span(key.node), "the key %q stands here twice", key.node.Text).
				label("the second one").related(p.dag.span(was), "the first one")
			continue
		}
		fields = append(fields, Field{key.node, value.node})
	}
	for _, m := range merges {
		fields = p.merge(out, m, fields, &first)
	}
	if len(fields) > 0 {
		n.inside = &inside{fields: fields}
	}
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
func (p *planter) merge(out *planted, from planted, fields []Field, first *firstKeys) []Field {
	list, all := []*Node{from.node}, from.weight
	if from.node.Kind == Sequence {
		list, all = from.node.Items(), weight{from.size - 1, from.height - 1}
	}
	out.grow(all)
	for _, m := range list {
		if m.Kind != Mapping {
			p.dag.report(yAlias, spanAt(m.Pos(), 1), "`<<` wants a map or a list of maps, this is %s", m.words())
			continue
		}
		for _, f := range m.Fields() {
			if first.of(fields, f.Key.Text) == nil {
				fields = append(fields, f)
			}
		}
	}
	return fields
}
