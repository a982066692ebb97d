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
	made  map[*yaml.Node]*Node // anchors, once planted
	open  map[*yaml.Node]bool  // anchors whose planting goes on: an alias of one is a loop
	wrote int                  // nodes as written; what they expand to is counted in each Node
	first Span                 // where the document begins to repeat itself
	deep  bool                 // too deep, and reported
}

// plant returns the tree of a document, nil if nothing can be made of it.
func (d *DAG) plant(doc *yaml.Node) *Node {
	p := planter{dag: d, made: map[*yaml.Node]*Node{}, open: map[*yaml.Node]bool{}}
	if len(doc.Content) == 0 {
		return nil
	}
	root := p.node(doc.Content[0], 1)
	switch {
	case p.deep:
		return nil
	case root.height > maxDepth:
		d.report(yLimit, d.span(root), "the file is nested more than %d levels deep once its aliases are expanded", maxDepth)
		return nil
	case root.size > maxExpand*p.wrote:
		d.report(yLimit, p.first, "aliases make more than %d times of what is written here", maxExpand).
			help("repeat less, or make a `for_each` of it")
		return nil
	}
	return root
}

// node plants one node and all below it. An anchor is remembered before its content is planted, so
// that an alias inside of it is seen to be a loop.
func (p *planter) node(y *yaml.Node, depth int) *Node {
	if y.Kind == yaml.AliasNode {
		return p.alias(y)
	}
	p.wrote++
	n := &Node{Pos: p.dag.src.valueStart(y.Line, y.Column), size: 1, height: 1}
	if y.Anchor != "" {
		p.made[y], p.open[y] = n, true
		defer delete(p.open, y)
		p.anchor(y)
	}
	if depth > maxDepth {
		if !p.deep {
			p.dag.report(yLimit, spanAt(n.Pos, 1), "the file is nested more than %d levels deep", maxDepth)
		}
		p.deep = true
		return n
	}
	p.tag(y, n)
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
		p.mapping(y, n, depth)
	case yaml.SequenceNode:
		n.Kind = Sequence
		n.Items = make([]*Node, 0, len(y.Content))
		for i, c := range y.Content {
			item := p.node(c, depth+1)
			n.Items = append(n.Items, item)
			p.grow(n, item)
			y.Content[i] = nil // yaml.v3's is needed no more
		}
	default:
		n.Text = y.Value
		n.Quote = quoteOf(y.Style)
	}
	return n
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

// grow counts a child's nodes and height into its parent. Counts stay far below overflow: they are
// cut where the limit is passed anyway.
func (p *planter) grow(parent, child *Node) {
	parent.size = min(parent.size+child.size, 1<<40)
	parent.height = max(parent.height, child.height+1)
}

// alias gives the node of an anchor itself, no copy: what is checked once is checked, and a bomb costs
// one pointer an alias. yaml.v3 has refused those without an anchor.
func (p *planter) alias(y *yaml.Node) *Node {
	p.wrote++
	if p.first.Line == 0 {
		p.first = Span{y.Line, y.Column, y.Line, y.Column + 1 + len([]rune(y.Value))}
	}
	if p.open[y.Alias] {
		p.dag.report(yAlias, Span{y.Line, y.Column, y.Line, y.Column + 1 + len([]rune(y.Value))},
			"the alias *%s stands inside what it stands for", y.Value)
		return &Node{Pos: machine.Pos{Line: y.Line, Col: y.Column}, size: 1, height: 1, bad: true}
	}
	return p.made[y.Alias]
}

// tag refuses tags. A lone `!` is one too; it is mostly an expression that lacks its quotes.
func (p *planter) tag(y *yaml.Node, n *Node) {
	at := n.Pos
	if y.Style&yaml.TaggedStyle == 0 && p.dag.src.tagBefore(y.Line, y.Column) == nil {
		return
	}
	text := "!"
	if t := p.dag.src.tagBefore(y.Line, y.Column); t != nil {
		at, text = t.Pos, t.Text
	}
	n.bad = y.Kind == yaml.ScalarNode && y.Value == ""
	diag := p.dag.report(yTag, spanAt(at, len([]rune(text))), "%s is a YAML tag; values here have none", text)
	if len(text) > 1 && text[1] != '!' {
		diag.help("for \"not\" in an expression write `not %s`; for text, quote it", text[1:])
	}
}

// mapping plants the fields of a mapping in file order. A key that stands twice keeps its first value:
// the second is what was added without looking.
func (p *planter) mapping(y *yaml.Node, n *Node, depth int) {
	first := map[string]*Node{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		y.Content[i], y.Content[i+1] = nil, nil // yaml.v3's are needed no more
		if k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			merges = append(merges, v)
			p.wrote++
			continue
		}
		p.queried(k)
		key, value := p.node(k, depth+1), p.node(v, depth+1)
		p.grow(n, key)
		p.grow(n, value)
		if key.Kind != Scalar {
			p.badKey(n, y, key)
			continue
		}
		if was, twice := first[key.Text]; twice {
			p.dag.report(yDuplicate, p.dag.span(key), "the key %q stands here twice", key.Text).
				label("the second one").related(p.dag.span(was), "the first one")
			continue
		}
		first[key.Text] = key
		n.Fields = append(n.Fields, Field{key, value})
	}
	for _, m := range merges {
		p.merge(n, m, first, depth)
	}
}

// badKey: a key that is a list or a map. `{{ x }}` is one to YAML, and never meant as such.
func (p *planter) badKey(n *Node, y *yaml.Node, key *Node) {
	n.bad = true
	if key.Kind == Mapping && y.Style&yaml.FlowStyle != 0 && key.Pos.Line == n.Pos.Line && key.Pos.Col == n.Pos.Col+1 {
		p.dag.report(yIndicator, spanAt(n.Pos, 2), "a value that begins with {{ is a YAML map").
			help("an expression is written ${{ … }}; quote a value that begins with a brace")
		return
	}
	p.dag.report(yKey, spanAt(key.Pos, 1), "a key must be text, this is %s", key.words())
}

// merge adds the fields of `<<`: what is written in the mapping itself wins, then the earlier one. A
// merged field is the anchor's, key and all, so a mistake in it is told once, where it stands.
func (p *planter) merge(n *Node, y *yaml.Node, have map[string]*Node, depth int) {
	from := p.node(y, depth+1)
	list := []*Node{from}
	if from.Kind == Sequence {
		list = from.Items
	}
	for _, m := range list {
		if m.Kind != Mapping {
			p.dag.report(yAlias, spanAt(m.Pos, 1), "`<<` wants a map or a list of maps, this is %s", m.words())
			continue
		}
		p.grow(n, m)
		for _, f := range m.Fields {
			if _, has := have[f.Key.Text]; !has {
				have[f.Key.Text] = f.Key
				n.Fields = append(n.Fields, f)
			}
		}
	}
}
