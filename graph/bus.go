package graph

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A bus is one connected line between two layers: everything it begins at leads to everything it
// ends at, so a line in the text drawing never says more than the plan does. Sources that lead to
// the same targets share one.
type bus struct {
	from []int // items of the layer before
	to   []int // items of the next layer
	dash bool  // all of its edges are references

	exits   []int // where it leaves, across the layers; like from
	entries []int // where it arrives; like to
	track   int   // which line of the channel carries it; -1 = it is straight and needs none
}

// buses gathers the edges between each layer and the next.
func (l *layering) buses(g *Graph) [][]*bus {
	dashed := map[[2]int]bool{}
	for k, path := range l.paths {
		for j := 0; j+1 < len(path); j++ {
			e := [2]int{path[j], path[j+1]}
			was, seen := dashed[e]
			dashed[e] = g.Edges[k].Kind == Reference && (was || !seen)
		}
	}
	out := make([][]*bus, len(l.layers))
	for k, layer := range l.layers {
		byTargets := map[string]*bus{}
		for _, i := range layer {
			for _, dash := range []bool{false, true} {
				var to []int
				for _, j := range l.down[i] {
					if dashed[[2]int{i, j}] == dash {
						to = append(to, j)
					}
				}
				if len(to) == 0 {
					continue
				}
				slices.Sort(to)
				name := busName(to, dash)
				b := byTargets[name]
				if b == nil {
					b = &bus{to: to, dash: dash}
					byTargets[name] = b
					out[k] = append(out[k], b)
				}
				b.from = append(b.from, i)
			}
		}
	}
	return out
}

func busName(to []int, dash bool) string {
	var b strings.Builder
	b.WriteString(strconv.FormatBool(dash))
	for _, i := range to {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(i))
	}
	return b.String()
}

// ends returns how far the bus reaches across the layers.
func (b *bus) ends() (lo, hi int) {
	all := slices.Concat(b.exits, b.entries)
	return slices.Min(all), slices.Max(all)
}

// assign gives the buses of one channel their tracks. Two rules: buses that reach over the same
// lines have tracks of their own; and where one arrives on the line that another leaves by, the
// other turns off first. It returns how many tracks there are, and false if the second rule runs
// in a circle.
func assign(list []*bus) (tracks int, ok bool) {
	after := make([][]int, len(list)) // bus → those that must turn later
	open := make([]int, len(list))
	leaves := map[int][]int{}
	for i, b := range list {
		for _, x := range b.exits {
			leaves[x] = append(leaves[x], i)
		}
	}
	for i, b := range list {
		for _, x := range b.entries {
			for _, j := range leaves[x] {
				if j != i {
					after[j] = append(after[j], i)
					open[i]++
				}
			}
		}
	}
	least := make([]int, len(list))
	taken := [][][2]int{} // track → what reaches over it
	for range list {
		i := next(list, open)
		if i < 0 {
			return 0, false
		}
		open[i] = -1
		b := list[i]
		lo, hi := b.ends()
		b.track = least[i] - 1
		if lo < hi {
			b.track = free(&taken, least[i], lo, hi)
		}
		for _, j := range after[i] {
			open[j]--
			least[j] = max(least[j], b.track+1)
		}
	}
	return len(taken), true
}

// next chooses the bus to be given a track: one that waits for nobody, the uppermost.
func next(list []*bus, open []int) int {
	best := -1
	for i, b := range list {
		if open[i] == 0 && (best < 0 || cmp.Less(first(b), first(list[best]))) {
			best = i
		}
	}
	return best
}

func first(b *bus) int { lo, _ := b.ends(); return lo }

// free finds the first track from least on where nothing reaches over [lo, hi].
func free(taken *[][][2]int, least, lo, hi int) int {
	for t := least; ; t++ {
		for len(*taken) <= t {
			*taken = append(*taken, nil)
		}
		clash := slices.ContainsFunc((*taken)[t], func(s [2]int) bool { return s[0] <= hi && lo <= s[1] })
		if !clash {
			(*taken)[t] = append((*taken)[t], [2]int{lo, hi})
			return t
		}
	}
}
