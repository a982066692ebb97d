package graph

import (
	"fmt"
	"strings"
)

// list is the graph as a table: a row per task, layer by layer, and what it waits for.
func (g *Graph) list(l *layering, width int) string {
	up := make([][]string, len(g.Nodes))
	for _, e := range g.Edges {
		name := e.From
		if e.Kind == Reference {
			name = "(" + name + ")"
		}
		up[e.to] = append(up[e.to], name)
	}
	idWidth, useWidth := 0, 0
	for i := range g.Nodes {
		idWidth = max(idWidth, len([]rune(g.Nodes[i].title())))
		useWidth = max(useWidth, len([]rune(g.Nodes[i].kind())))
	}
	idWidth, useWidth = min(idWidth, 40), min(useWidth, 30)
	var out strings.Builder
	for k, layer := range l.layers {
		mark := fmt.Sprintf("%4d", k+1)
		for _, i := range layer {
			if l.items[i].node < 0 {
				continue
			}
			n := &g.Nodes[i]
			row := fmt.Sprintf("%s  %-*s  %-*s", mark, idWidth, clip(n.title(), idWidth), useWidth, clip(n.kind(), useWidth))
			if len(up[i]) > 0 {
				row += "  ← " + some(up[i], width-len([]rune(row))-5)
			}
			out.WriteString(strings.TrimRight(row, " ") + "\n")
			mark = "    "
		}
	}
	return out.String()
}

// some joins names as far as the width goes and says how many are left out.
func some(names []string, width int) string {
	out := names[0]
	for k, n := range names[1:] {
		more := fmt.Sprintf(" and %d more", len(names)-k-1)
		if len(out)+len(n)+2+len(more) > width && len(out)+len(strings.Join(names[k+1:], ", "))+2 > width {
			return out + more
		}
		out += ", " + n
	}
	return out
}

func (n *Node) title() string { return n.label(200)[0] }

// kind is what a task uses and is, and its group.
func (n *Node) kind() string {
	s := n.Uses
	if n.Sensor {
		s += " (sensor)"
	}
	if n.Group != "" {
		s += " · " + n.Group
	}
	return s
}

// footnotes say in full what does not fit a box: conditions and callbacks, and what dashes mean.
func (g *Graph) footnotes() string {
	var rows [][3]string
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Trigger != "" {
			rows = append(rows, [3]string{n.ID, "trigger", n.Trigger})
		}
		if n.When != "" {
			rows = append(rows, [3]string{n.ID, "when", n.When})
		}
	}
	for _, c := range g.Callbacks {
		owner := c.Task
		if owner == "" {
			owner = g.DAG
		}
		rows = append(rows, [3]string{owner, c.Hook, c.ID + " (" + c.Uses + ")"})
	}
	a, b := 0, 0
	for _, r := range rows {
		a, b = max(a, len([]rune(r[0]))), max(b, len(r[1]))
	}
	var out strings.Builder
	if len(rows) > 0 {
		out.WriteByte('\n')
	}
	for _, r := range rows {
		fmt.Fprintf(&out, "%-*s  %-*s  %s\n", a, r[0], b, r[1], r[2])
	}
	for _, e := range g.Edges {
		if e.Kind == Reference {
			out.WriteString("\ndashed, or in brackets: upstream because an expression refers to it\n")
			break
		}
	}
	return out.String()
}
