package graph

import (
	"cmp"
	"slices"
)

// sweeps is how often the layers are put in order; more gains little.
const sweeps = 8

// order puts each layer's items in an order with few crossings (Sugiyama, Tagawa, Toda 1981): each
// item goes to the mean of its neighbours, down and up by turns; the best order seen is kept.
//
// Invariant: the items of a group stand together, and two groups stand in the same order in every
// layer, so that their frames can be rectangles.
func (l *layering) order() {
	pos := make([]float64, len(l.items))
	key := make([]float64, len(l.items))
	l.settle(pos)
	best, bestCount := clone(l.layers), -1
	for s := range sweeps {
		mean := l.groupMeans(pos)
		for k := range l.layers {
			layer, near := l.layers[k], l.up
			if s%2 == 1 {
				layer, near = l.layers[len(l.layers)-1-k], l.down
			}
			for _, i := range layer {
				key[i] = barycentre(near[i], pos, pos[i])
			}
			l.sortLayer(layer, key, mean)
			settle(layer, pos)
		}
		n := l.crossings(pos)
		if bestCount < 0 || n < bestCount {
			best, bestCount = clone(l.layers), n
		}
		if n == 0 && s > 2 {
			break
		}
	}
	l.layers = best
}

// sortLayer sorts by group first, where there is one, then by the items' own keys. Stable, so that
// file order decides between equals.
func (l *layering) sortLayer(layer []int, key, mean []float64) {
	type ranked struct {
		whole, key   float64
		group, index int
	}
	list := make([]ranked, len(layer))
	for k, i := range layer {
		r := ranked{key[i], key[i], l.items[i].group, i}
		if r.group >= 0 {
			r.whole = mean[r.group]
		}
		list[k] = r
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		switch {
		case a.whole != b.whole:
			return cmp.Compare(a.whole, b.whole)
		case a.group != b.group:
			return a.group - b.group
		}
		return cmp.Compare(a.key, b.key)
	})
	for k := range list {
		layer[k] = list[k].index
	}
}

func (l *layering) groupMeans(pos []float64) []float64 {
	sum, n := make([]float64, len(l.groups)), make([]float64, len(l.groups))
	for i, it := range l.items {
		if it.group >= 0 {
			sum[it.group] += pos[i]
			n[it.group]++
		}
	}
	for g := range sum {
		sum[g] /= max(n[g], 1)
	}
	return sum
}

func barycentre(near []int, pos []float64, own float64) float64 {
	if len(near) == 0 {
		return own
	}
	sum := 0.0
	for _, i := range near {
		sum += pos[i]
	}
	return sum / float64(len(near))
}

// settle numbers the items of each layer around its middle, so that layers of different sizes
// compare.
func (l *layering) settle(pos []float64) {
	for _, layer := range l.layers {
		settle(layer, pos)
	}
}

func settle(layer []int, pos []float64) {
	for k, i := range layer {
		pos[i] = float64(k) - float64(len(layer)-1)/2
	}
}

// crossings counts the pairs of edges that cross, with a Fenwick tree over the lower layer.
func (l *layering) crossings(pos []float64) int {
	total := 0
	var ends []float64
	for k := 0; k+1 < len(l.layers); k++ {
		next := l.layers[k+1]
		tree, seen := make([]int, len(next)+1), 0
		first := pos0(next, pos)
		for _, i := range l.layers[k] {
			ends = ends[:0]
			for _, j := range l.down[i] {
				ends = append(ends, pos[j]-first)
			}
			for _, e := range ends {
				atOrBefore := 0
				for x := int(e) + 1; x > 0; x -= x & -x {
					atOrBefore += tree[x]
				}
				total += seen - atOrBefore
			}
			for _, e := range ends {
				for x := int(e) + 1; x < len(tree); x += x & -x {
					tree[x]++
				}
			}
			seen += len(ends)
		}
	}
	return total
}

func pos0(layer []int, pos []float64) float64 {
	if len(layer) == 0 {
		return 0
	}
	return pos[layer[0]]
}

func clone(layers [][]int) [][]int {
	out := make([][]int, len(layers))
	for i, l := range layers {
		out[i] = slices.Clone(l)
	}
	return out
}
