package graph

import (
	"math"
	"slices"
)

// A span is how far an item reaches across the layers, before and after its own line.
type span struct{ before, after float64 }

// A spacing says how far apart things are kept across the layers.
type spacing struct {
	spans            []span  // by item
	gap              float64 // between neighbours
	padTop, padFloor float64 // from a group's frame to what is in it
}

// A placement is where each item's line lies, and each group's frame.
type placement struct {
	at     []float64
	top    []float64 // by group
	bottom []float64
	size   float64 // all lies within [0, size]
}

// place gives every item its place across the layers: each wants to be in line with its
// neighbours, and the order and the distances are kept. Each layer is the least-squares answer to
// that (pool adjacent violators), repeated from layer to layer until it settles.
func (l *layering) place(sp spacing) placement {
	at := make([]float64, len(l.items))
	for _, layer := range l.layers {
		for k, i := range layer {
			if k > 0 {
				at[i] = at[layer[k-1]] + l.distance(sp, layer[k-1], i)
			}
		}
	}
	want, weight := make([]float64, len(l.items)), make([]float64, len(l.items))
	for i, it := range l.items {
		weight[i] = 1
		if it.node < 0 && len(l.up[i]) > 0 {
			weight[i] = 8 // a long edge should be straight
		}
	}
	var near []float64
	for round := range 14 {
		for k := range l.layers {
			layer := l.layers[k]
			if round%2 == 1 {
				layer = l.layers[len(l.layers)-1-k]
			}
			for _, i := range layer {
				want[i], near = l.wanted(at, i, round, near[:0])
			}
			l.fit(sp, layer, want, weight, at)
		}
	}
	l.gather(sp, at)
	for _, layer := range l.layers {
		for _, i := range layer {
			at[i] = math.Floor(at[i] + 0.5) // distances are whole, so none shrinks
		}
	}
	for k := range l.layers {
		l.unjog(sp, l.layers[k], l.up, l.down, at)
	}
	for k := range l.layers {
		l.unjog(sp, l.layers[len(l.layers)-1-k], l.down, l.up, at)
	}
	return l.frame(sp, at)
}

// unjog straightens what is nearly straight: an item moves into line with a neighbour on one side
// that is a little off, if there is room and nothing on the other side was in line with it.
func (l *layering) unjog(sp spacing, layer []int, near, far [][]int, at []float64) {
	most := max(2, sp.gap)
	for k, i := range layer {
		lo, hi := math.Inf(-1), math.Inf(1)
		if k > 0 {
			lo = at[layer[k-1]] + l.distance(sp, layer[k-1], i)
		}
		if k+1 < len(layer) {
			hi = at[layer[k+1]] - l.distance(sp, i, layer[k+1])
		}
		inLine := func(j int) bool { return at[j] == at[i] }
		if slices.ContainsFunc(near[i], inLine) || slices.ContainsFunc(far[i], inLine) {
			continue
		}
		for _, j := range near[i] {
			if x := at[j]; lo <= x && x <= hi && math.Abs(x-at[i]) <= most {
				at[i] = x
				break
			}
		}
	}
}

// wanted is the median of an item's neighbours: before it, after it, at last of both.
func (l *layering) wanted(at []float64, i, round int, near []float64) (float64, []float64) {
	if round%2 == 0 || round >= 12 {
		for _, j := range l.up[i] {
			near = append(near, at[j])
		}
	}
	if round%2 == 1 || round >= 12 {
		for _, j := range l.down[i] {
			near = append(near, at[j])
		}
	}
	switch len(near) {
	case 0:
		return at[i], near
	case 1:
		return near[0], near
	}
	slices.Sort(near)
	m := len(near) / 2
	if len(near)%2 == 1 {
		return near[m], near
	}
	return (near[m-1] + near[m]) / 2, near
}

// gather moves what has no edges next to its neighbours in the layer: nothing else pulls it.
func (l *layering) gather(sp spacing, at []float64) {
	for _, layer := range l.layers {
		alone := func(i int) bool { return len(l.up[i]) == 0 && len(l.down[i]) == 0 }
		firm := slices.IndexFunc(layer, func(i int) bool { return !alone(i) })
		for k := firm + 1; k < len(layer) && firm >= 0; k++ {
			if i := layer[k]; alone(i) {
				at[i] = at[layer[k-1]] + l.distance(sp, layer[k-1], i)
			}
		}
		for k := firm - 1; k >= 0; k-- {
			at[layer[k]] = at[layer[k+1]] - l.distance(sp, layer[k], layer[k+1])
		}
	}
}

// distance is how far apart two neighbours of a layer are kept, frames between them included.
func (l *layering) distance(sp spacing, a, b int) float64 {
	d := sp.spans[a].after + sp.spans[b].before + sp.gap
	if ga, gb := l.items[a].group, l.items[b].group; ga != gb {
		if ga >= 0 {
			d += sp.padFloor
		}
		if gb >= 0 {
			d += sp.padTop
		}
	}
	return d
}

// fit moves a layer's items as near to what they want as their distances allow.
func (l *layering) fit(sp spacing, layer []int, want, weight, at []float64) {
	type block struct {
		sum, weight float64
		n           int
	}
	blocks, shift := make([]block, 0, len(layer)), make([]float64, len(layer))
	for k, i := range layer {
		if k > 0 {
			shift[k] = shift[k-1] + l.distance(sp, layer[k-1], i)
		}
		blocks = append(blocks, block{(want[i] - shift[k]) * weight[i], weight[i], 1})
		for n := len(blocks); n > 1; n = len(blocks) {
			a, b := blocks[n-2], blocks[n-1]
			if a.sum/a.weight <= b.sum/b.weight {
				break
			}
			blocks = append(blocks[:n-2], block{a.sum + b.sum, a.weight + b.weight, a.n + b.n})
		}
	}
	k := 0
	for _, b := range blocks {
		for range b.n {
			at[layer[k]] = b.sum/b.weight + shift[k]
			k++
		}
	}
}

// frame makes each group's frame a rectangle: its upper and lower edge are one line through all
// its layers, and what is in the way moves down. Then everything is moved to begin at 0.
func (l *layering) frame(sp spacing, at []float64) placement {
	p := placement{at: at, top: make([]float64, len(l.groups)), bottom: make([]float64, len(l.groups))}
	if len(l.groups) > 0 {
		l.pushFrames(sp, &p)
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range at {
		lo, hi = min(lo, at[i]-sp.spans[i].before), max(hi, at[i]+sp.spans[i].after)
	}
	for g := range p.top {
		lo, hi = min(lo, p.top[g]), max(hi, p.bottom[g])
	}
	for i := range at {
		at[i] -= lo
	}
	for g := range p.top {
		p.top[g] -= lo
		p.bottom[g] -= lo
	}
	p.size = max(hi-lo, 0)
	return p
}

// pushFrames makes room for the frames. Where one is pushed down, what is in it comes along, so
// that lines in a group stay straight; hence it is tried a few times.
func (l *layering) pushFrames(sp spacing, p *placement) {
	want := slices.Clone(p.at)
	moved := make([]float64, len(l.groups))
	for range 4 {
		copy(p.at, want)
		for i, it := range l.items {
			if it.group >= 0 {
				p.at[i] += moved[it.group]
			}
		}
		tops := l.pushOnce(sp, p)
		settled := true
		for g := range moved {
			if d := p.top[g] - tops[g]; d > 0 {
				moved[g] += d
				settled = false
			}
		}
		if settled {
			return
		}
	}
}

// pushOnce walks a graph of "lies below": items, upper edges and lower edges of groups. Its
// edges are the neighbours in each layer; order's invariant makes it acyclic. It returns where the
// upper edges wanted to be.
func (l *layering) pushOnce(sp spacing, p *placement) []float64 {
	n, groups := len(l.items), len(l.groups)
	below := make([][]step, n+2*groups) // items, then tops, then bottoms
	value := make([]float64, len(below))
	copy(value, p.at)
	for g := range groups {
		value[n+g], value[n+groups+g] = math.Inf(1), math.Inf(-1)
	}
	for _, layer := range l.layers {
		last, reach := -1, 0.0
		for k, i := range layer {
			g, s := l.items[i].group, sp.spans[i]
			if g >= 0 && (k == 0 || l.items[layer[k-1]].group != g) {
				value[n+g] = min(value[n+g], p.at[i]-s.before-sp.padTop)
				below, last, reach = link(below, last, n+g, reach+sp.gap), n+g, sp.padTop-sp.gap
			}
			below, last, reach = link(below, last, i, reach+sp.gap+s.before), i, s.after
			if g >= 0 && (k == len(layer)-1 || l.items[layer[k+1]].group != g) {
				b := n + groups + g
				value[b] = max(value[b], p.at[i]+s.after+sp.padFloor)
				below, last, reach = link(below, last, b, s.after+sp.padFloor), b, 0
			}
		}
	}
	tops := slices.Clone(value[n : n+groups])
	push(below, value)
	copy(p.at, value[:n])
	copy(p.top, value[n:n+groups])
	copy(p.bottom, value[n+groups:])
	return tops
}

// A step says that what it leads to lies at least so far below.
type step struct {
	to   int
	dist float64
}

func link(below [][]step, from, to int, dist float64) [][]step {
	if from >= 0 {
		below[from] = append(below[from], step{to, dist})
	}
	return below
}

// push moves values down, in topological order, until every step holds.
func push(below [][]step, value []float64) {
	open := make([]int, len(below))
	for _, steps := range below {
		for _, s := range steps {
			open[s.to]++
		}
	}
	var free []int
	for i, n := range open {
		if n == 0 {
			free = append(free, i)
		}
	}
	for ; len(free) > 0; free = free[1:] {
		for _, s := range below[free[0]] {
			value[s.to] = max(value[s.to], value[free[0]]+s.dist)
			if open[s.to]--; open[s.to] == 0 {
				free = append(free, s.to)
			}
		}
	}
}
