package graph

import "weft/machine"

// Sizes of the picture that SVG and JSON share, in pixels. Letters are monospaced, so a width is a
// number of letters.
const (
	titleAdvance = 7.83 // of a letter of a name, at 13 px
	smallAdvance = 6.63 // of a letter of the lines below it, at 11 px
	nodePad      = 14.0
	titleHeight  = 20.0
	smallHeight  = 16.0
	nodeGap      = 18.0 // between boxes of one layer
	layerGap     = 64.0
	groupPad     = 14.0
	groupTitle   = 30.0
	margin       = 24.0
	labelWidth   = 34 // letters, then cut
)

// Draw makes the graph of a plan and lays it out, left to right.
func Draw(p *machine.Plan, states map[string]machine.State) *Graph {
	g := New(p, states)
	if len(g.Nodes) == 0 {
		return g
	}
	l := newLayering(g)
	l.order()
	widths := g.measure(len(l.layers))
	spans := make([]span, len(l.items))
	for i, it := range l.items {
		if it.node >= 0 {
			h := g.Nodes[it.node].H
			spans[i] = span{h / 2, h / 2}
		}
	}
	p2 := l.place(spacing{spans: spans, gap: nodeGap, padTop: groupTitle, padFloor: groupPad})
	left := make([]float64, len(widths)+1)
	left[0] = margin + groupPad
	for k, w := range widths {
		left[k+1] = left[k] + w + layerGap
	}
	top := margin
	for _, layer := range l.layers {
		order := 0
		for _, i := range layer {
			if n := l.items[i].node; n >= 0 {
				node := &g.Nodes[n]
				node.Order, node.X, node.Y = order, left[node.Layer], top+p2.at[i]-node.H/2
				node.W = widths[node.Layer]
				order++
			}
		}
	}
	g.route(l, p2, left, widths, top)
	g.frames(l, p2, left, widths, top)
	g.Width = left[len(widths)] - layerGap + margin + groupPad
	g.Height = p2.size + 2*margin
	return g
}

// measure gives each node its height and returns the layers' widths.
func (g *Graph) measure(layers int) []float64 {
	widths := make([]float64, layers)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		w := 0.0
		lines := n.label(labelWidth)
		for k, s := range lines {
			if k == 0 {
				w = max(w, float64(len([]rune(s)))*titleAdvance)
			} else {
				w = max(w, float64(len([]rune(s)))*smallAdvance)
			}
		}
		n.H = 2*9 + titleHeight + smallHeight*float64(len(lines)-1)
		widths[n.Layer] = max(widths[n.Layer], float64(int(w+2*nodePad)), 72)
	}
	return widths
}

// route gives every edge its points: in the middle of a box's right side, through the bends, in
// the middle of a box's left side.
func (g *Graph) route(l *layering, p placement, left, widths []float64, top float64) {
	for k, path := range l.paths {
		points := make([]Point, 0, 2*len(path)-2)
		for j := 0; j+1 < len(path); j++ {
			a, b := path[j], path[j+1]
			la, lb := l.items[a].layer, l.items[b].layer
			points = append(
				points,
				Point{left[la] + widths[la], top + p.at[a]},
				Point{left[lb], top + p.at[b]},
			)
		}
		g.Edges[k].Points = points
	}
}

func (g *Graph) frames(l *layering, p placement, left, widths []float64, top float64) {
	for gi, name := range l.groups {
		lo, hi := len(widths), 0
		for i := range g.Nodes {
			if l.items[i].group == gi {
				lo, hi = min(lo, l.items[i].layer), max(hi, l.items[i].layer)
			}
		}
		g.Groups = append(g.Groups, Group{
			Name: name,
			X:    left[lo] - groupPad, W: left[hi] + widths[hi] - left[lo] + 2*groupPad,
			Y: top + p.top[gi], H: p.bottom[gi] - p.top[gi],
		})
	}
}
