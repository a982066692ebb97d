package graph

import (
	"fmt"
	"strings"
)

const (
	boxLabel  = 26  // letters in a box, then cut
	maxBoxes  = 60  // above, a list says more than a drawing
	maxLines  = 400 // of a drawing
	maxShifts = 12
)

// Text draws the graph with box characters, left to right if that fits the width, else top to
// bottom. What fits neither way, or is too large to be followed by eye, becomes a list by layers.
func (g *Graph) Text(width int) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s · %s\n", g.DAG, plural(len(g.Nodes), "task"))
	if len(g.Nodes) > 0 {
		out.WriteByte('\n')
		out.WriteString(g.drawing(width))
	}
	out.WriteString(g.footnotes())
	return out.String()
}

func (g *Graph) drawing(width int) string {
	l := newLayering(g)
	if len(g.Nodes) <= maxBoxes {
		l.order()
		for _, turned := range []bool{false, true} {
			if s, ok := g.boxes(l, turned, width); ok {
				return s
			}
		}
	}
	return g.list(l, width)
}

// A sheet is a drawing in boxes while it is made.
type sheet struct {
	g       *Graph
	l       *layering
	turned  bool
	buses   [][]*bus
	labels  [][]string // by node
	entries []int      // by item: how many lines arrive
	exits   []int      // by item: how many lines leave
	place   placement
	shift   []int // by layer, across
	main    []int // where each layer's boxes begin
	depth   []int // how deep its boxes are, along the layers
	tracks  []int // by channel
	cross   int   // size across the layers
}

// boxes draws, or says that it does not fit.
func (g *Graph) boxes(l *layering, turned bool, width int) (string, bool) {
	s := &sheet{g: g, l: l, turned: turned, buses: l.buses(g), entries: make([]int, len(l.items)), exits: make([]int, len(l.items))}
	for i := range g.Nodes {
		s.labels = append(s.labels, g.Nodes[i].label(boxLabel))
	}
	for _, channel := range s.buses {
		for _, b := range channel {
			for _, i := range b.to {
				s.entries[i]++
			}
			for _, i := range b.from {
				s.exits[i]++
			}
		}
	}
	s.place = l.place(s.spacing())
	if !s.routeAll() {
		return "", false
	}
	along := s.measure()
	w, h := along, s.cross
	if turned {
		w, h = h, w
	}
	if w > width || h > maxLines {
		return "", false
	}
	return s.draw(along), true
}

// reach is how far an item goes across the layers before and after the line it is entered by.
func (s *sheet) reach(i int) span {
	n := s.l.items[i].node
	ports := max(s.entries[i], s.exits[i], 1)
	switch {
	case n < 0:
		return span{0, 0}
	case s.turned:
		w := s.boxWidth(n, ports)
		return span{float64(w / 2), float64(w - 1 - w/2)}
	}
	return span{1, float64(max(len(s.labels[n]), ports))}
}

func (s *sheet) boxWidth(n, ports int) int {
	w := 2*ports + 3
	if !s.turned {
		w = 0
	}
	for _, line := range s.labels[n] {
		w = max(w, len([]rune(line))+4)
	}
	return w
}

func (s *sheet) spacing() spacing {
	sp := spacing{spans: make([]span, len(s.l.items)), gap: 1, padTop: 1, padFloor: 1}
	if s.turned {
		sp.gap, sp.padTop, sp.padFloor = 3, 2, 2
	}
	for i := range s.l.items {
		sp.spans[i] = s.reach(i)
	}
	return sp
}

// port is where the k-th of an item's lines meets it.
func (s *sheet) port(i, k, of int) int {
	at := int(s.place.at[i]) + s.shift[s.l.items[i].layer]
	if s.turned {
		return at + 2*k - (of - 1)
	}
	return at + k
}

// routeAll finds the ports and tracks of every channel. Where lines would have to turn before each
// other in a circle, the layers after it are moved across by one, until no two share a line.
func (s *sheet) routeAll() bool {
	s.shift = make([]int, len(s.l.layers))
	s.tracks = make([]int, len(s.l.layers))
	for k, channel := range s.buses {
		if k > 0 {
			s.shift[k] = max(s.shift[k], s.shift[k-1])
		}
		if k+1 == len(s.l.layers) {
			break
		}
		s.shift[k+1] = s.shift[k]
		fits := false
		for try := 0; try < maxShifts && !fits; try++ {
			s.ports(channel)
			if s.tracks[k], fits = assign(channel); !fits {
				s.shift[k+1]++
			}
		}
		if !fits {
			return false
		}
	}
	s.cross = int(s.place.size) + 1 + s.shift[len(s.shift)-1]
	return true
}

// ports gives the lines of a channel their places at the boxes they meet.
func (s *sheet) ports(channel []*bus) {
	used, arrived := map[int]int{}, map[int]int{}
	for _, b := range channel {
		b.exits, b.entries = b.exits[:0], b.entries[:0]
		for _, i := range b.from {
			b.exits = append(b.exits, s.port(i, used[i], s.exits[i]))
			used[i]++
		}
	}
	for _, b := range channel {
		for _, i := range b.to {
			b.entries = append(b.entries, s.port(i, arrived[i], s.entries[i]))
			arrived[i]++
		}
	}
}

// measure finds where each layer begins and returns the size along the layers.
func (s *sheet) measure() int {
	n := len(s.l.layers)
	s.main, s.depth = make([]int, n), make([]int, n)
	at := 0
	if len(s.l.groups) > 0 {
		at = 2 // the frame's first line
	}
	for k, layer := range s.l.layers {
		s.main[k] = at
		for _, i := range layer {
			node := s.l.items[i].node
			switch {
			case node < 0:
			case s.turned:
				s.depth[k] = max(s.depth[k], len(s.labels[node])+2)
			default:
				s.depth[k] = max(s.depth[k], s.boxWidth(node, 1))
			}
		}
		at += s.depth[k] + s.channel(k)
	}
	at -= s.channel(n - 1)
	if len(s.l.groups) > 0 {
		at += 2
	}
	return at
}

// channel is the room between a layer and the next: the tracks, and what leads to and from them.
func (s *sheet) channel(k int) int {
	switch {
	case s.turned && len(s.l.groups) > 0:
		return s.tracks[k] + 3 // two frames and the arrows
	case s.turned:
		return max(s.tracks[k]+1, 2)
	}
	room := s.lead() + max(2*s.tracks[k]-1, 1) + 2
	if len(s.l.groups) > 0 {
		room++
	}
	return room
}

// lead is the room between a layer and its first track.
func (s *sheet) lead() int {
	n := 1
	if s.turned {
		n = 0
	}
	if len(s.l.groups) > 0 {
		n++
	}
	return n
}

// track is where a bus's trunk runs.
func (s *sheet) track(k int, b *bus) int {
	at := s.main[k] + s.depth[k] + s.lead()
	if s.turned {
		return at + b.track
	}
	return at + 2*b.track
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
