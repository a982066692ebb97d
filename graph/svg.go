package graph

import (
	"fmt"
	"html"
	"strings"
)

// SVG draws a graph that Draw has laid out. It holds no script and refers to nothing outside.
func (g *Graph) SVG() string {
	var out strings.Builder
	notes := g.notes()
	height := g.Height + float64(len(notes))*18
	width := g.Width
	for _, n := range notes {
		width = max(width, 2*margin+float64(len([]rune(n)))*smallAdvance)
	}
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" class="weft" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`,
		num(width), num(height), num(width), num(height), esc("DAG "+g.DAG))
	fmt.Fprintf(&out, "\n  <title>%s</title>\n  <style>%s</style>\n", esc(g.DAG), style)
	fmt.Fprintf(&out, "  <rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n")
	for _, f := range g.Groups {
		fmt.Fprintf(&out, "  <rect class=\"frame\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"10\"/>\n", num(f.X), num(f.Y), num(f.W), num(f.H))
		fmt.Fprintf(&out, "  <text class=\"group\" x=\"%s\" y=\"%s\">%s</text>\n", num(f.X+12), num(f.Y+18), esc(clip(f.Name, int((f.W-20)/(smallAdvance+.5)))))
	}
	for i := range g.Edges {
		g.Edges[i].svg(&out)
	}
	for i := range g.Nodes {
		g.Nodes[i].svg(&out)
	}
	for k, n := range notes {
		fmt.Fprintf(&out, "  <text class=\"small\" x=\"%s\" y=\"%s\">%s</text>\n", num(margin), num(g.Height+float64(k)*18), esc(n))
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// notes are the callbacks: they run after the fact and have no place among the layers.
func (g *Graph) notes() []string {
	var out []string
	for _, c := range g.Callbacks {
		owner := c.Task
		if owner == "" {
			owner = g.DAG
		}
		out = append(out, clip(fmt.Sprintf("%s  %s: %s (%s)", owner, c.Hook, c.ID, c.Uses), 120))
	}
	return out
}

func (e *Edge) svg(out *strings.Builder) {
	class := "edge"
	if e.Kind == Reference {
		class += " reference"
	}
	var d strings.Builder
	last := len(e.Points) - 1
	for k := 0; k < last; k += 2 {
		a, b := e.Points[k], e.Points[k+1]
		if k == 0 {
			fmt.Fprintf(&d, "M%s %s", num(a.X), num(a.Y))
		} else {
			fmt.Fprintf(&d, "H%s", num(a.X))
		}
		tip := b.X
		if k+1 == last {
			tip -= 7 // room for the head
		}
		mid := (a.X + tip) / 2
		fmt.Fprintf(&d, "C%s %s %s %s %s %s", num(mid), num(a.Y), num(mid), num(b.Y), num(tip), num(b.Y))
	}
	end := e.Points[last]
	fmt.Fprintf(out, "  <g data-from=\"%s\" data-to=\"%s\"><path class=\"%s\" d=\"%s\"/><path class=\"head\" d=\"M%s %sl-9 -4.5v9z\"/></g>\n",
		esc(e.From), esc(e.To), class, d.String(), num(end.X), num(end.Y))
}

func (n *Node) svg(out *strings.Builder) {
	class := "task"
	if n.Sensor {
		class += " sensor"
	}
	if n.State != "" {
		class += " " + n.State
	}
	tip := n.ID + " (" + n.kind() + ")"
	for _, s := range []string{n.State, n.Description, prefixed("trigger: ", n.Trigger), prefixed("when: ", n.When)} {
		if s != "" {
			tip += "\n" + s
		}
	}
	fmt.Fprintf(out, "  <g class=\"%s\" data-task=\"%s\"><title>%s</title>", esc(class), esc(n.ID), esc(tip))
	if n.Mapped {
		fmt.Fprintf(out, `<rect class="back" x="%s" y="%s" width="%s" height="%s" rx="7"/>`, num(n.X+5), num(n.Y-5), num(n.W), num(n.H))
	}
	fmt.Fprintf(out, `<rect class="box" x="%s" y="%s" width="%s" height="%s" rx="7"/>`, num(n.X), num(n.Y), num(n.W), num(n.H))
	fmt.Fprintf(out, `<rect class="bar" x="%s" y="%s" width="3" height="%s" rx="1.5"/>`, num(n.X+4), num(n.Y+6), num(n.H-12))
	y := n.Y + 9 + 14
	for k, line := range n.label(labelWidth) {
		class := "id"
		if k > 0 {
			class = "small"
			if strings.HasPrefix(line, "if ") {
				class = "small rule"
			}
		}
		fmt.Fprintf(out, `<text class="%s" x="%s" y="%s">%s</text>`, class, num(n.X+nodePad), num(y), esc(line))
		y += smallHeight + 1
	}
	out.WriteString("</g>\n")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// num writes a number shortly and always alike.
func num(f float64) string {
	s := strings.TrimRight(fmt.Sprintf("%.2f", f), "0")
	return strings.TrimSuffix(s, ".")
}

func esc(s string) string { return html.EscapeString(s) }
