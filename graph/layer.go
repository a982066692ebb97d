package graph

// A layering is the graph cut into layers, every edge between neighbouring ones: the part of the
// layout that knows no sizes. Text, SVG and JSON share it.
type layering struct {
	items  []item  // nodes first, under their own index, then what stands in for long edges
	layers [][]int // items by layer, in order
	up     [][]int // item → items of the layer before
	down   [][]int // item → items of the next layer
	groups []string
	paths  [][]int // edge → the items it passes, both ends included
}

// An item takes a place in a layer: a node, a bend of long edges, or a placeholder that keeps a
// group together where it has no task.
type item struct {
	node  int // index in Graph.Nodes; -1 for the others
	layer int
	group int  // -1 = none
	dash  bool // a bend of references
}

// newLayering cuts the graph by longest path. Long edges of one node and kind share their bends,
// which keeps wide fan-outs readable and the number of items bounded by nodes × layers.
func newLayering(g *Graph) *layering {
	l := &layering{}
	group := map[string]int{}
	depth := depths(g)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		n.Layer = depth[i]
		gi := -1
		if n.Group != "" {
			var ok bool
			if gi, ok = group[n.Group]; !ok {
				gi = len(l.groups)
				group[n.Group] = gi
				l.groups = append(l.groups, n.Group)
			}
		}
		l.add(item{node: i, layer: depth[i], group: gi})
	}
	l.bend(g)
	l.holdGroups(len(g.Nodes))
	return l
}

func (l *layering) add(it item) int {
	i := len(l.items)
	l.items = append(l.items, it)
	l.up, l.down = append(l.up, nil), append(l.down, nil)
	for len(l.layers) <= it.layer {
		l.layers = append(l.layers, nil)
	}
	l.layers[it.layer] = append(l.layers[it.layer], i)
	return i
}

func (l *layering) link(a, b int) {
	for _, x := range l.down[a] {
		if x == b {
			return
		}
	}
	l.down[a], l.up[b] = append(l.down[a], b), append(l.up[b], a)
}

// bend draws every edge through the layers.
func (l *layering) bend(g *Graph) {
	type key struct {
		from, layer, group int
		dash               bool
	}
	bends := map[key]int{}
	for _, e := range g.Edges {
		from, to := l.items[e.from], l.items[e.to]
		k := key{from: e.from, group: -1, dash: e.Kind == Reference}
		if from.group == to.group {
			k.group = from.group // an edge within a group stays inside its frame
		}
		at, path := e.from, make([]int, 1, to.layer-from.layer+1)
		path[0] = e.from
		for k.layer = from.layer + 1; k.layer < to.layer; k.layer++ {
			b, ok := bends[k]
			if !ok {
				b = l.add(item{node: -1, layer: k.layer, group: k.group, dash: k.dash})
				bends[k] = b
			}
			l.link(at, b)
			at, path = b, append(path, b)
		}
		l.link(at, e.to)
		l.paths = append(l.paths, append(path, e.to))
	}
}

// holdGroups puts a placeholder into every layer that a group spans and has nothing in.
func (l *layering) holdGroups(nodes int) {
	for gi := range l.groups {
		lo, hi := -1, -1
		for i := range nodes {
			if it := l.items[i]; it.group == gi {
				if lo < 0 || it.layer < lo {
					lo = it.layer
				}
				hi = max(hi, it.layer)
			}
		}
		for layer := lo; layer <= hi; layer++ {
			held := false
			for _, i := range l.layers[layer] {
				held = held || l.items[i].group == gi
			}
			if !held {
				l.add(item{node: -1, layer: layer, group: gi})
			}
		}
	}
}

// depths returns each node's longest path from a node without upstream. The plan is acyclic.
func depths(g *Graph) []int {
	depth, open := make([]int, len(g.Nodes)), make([]int, len(g.Nodes))
	down := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		open[e.to]++
		down[e.from] = append(down[e.from], e.to)
	}
	var free []int
	for i, n := range open {
		if n == 0 {
			free = append(free, i)
		}
	}
	for ; len(free) > 0; free = free[1:] {
		for _, to := range down[free[0]] {
			depth[to] = max(depth[to], depth[free[0]]+1)
			if open[to]--; open[to] == 0 {
				free = append(free, to)
			}
		}
	}
	return depth
}
