package graph

import (
	"fmt"
	"strings"
)

// Mermaid writes the graph as a Mermaid flowchart. Nodes go by number (t0, t1 …), since Mermaid
// has reserved words; every label is quoted and its letters that mean something are escaped.
func (g *Graph) Mermaid() string {
	var out strings.Builder
	out.WriteString("flowchart LR\n")
	done := map[string]bool{}
	for i := range g.Nodes {
		name := g.Nodes[i].Group
		if name == "" {
			out.WriteString("  " + g.Nodes[i].mermaid(i) + "\n")
			continue
		}
		if done[name] {
			continue
		}
		fmt.Fprintf(&out, "  subgraph g%d [%s]\n", len(done), mermaidText(name))
		done[name] = true
		for k := i; k < len(g.Nodes); k++ {
			if g.Nodes[k].Group == name {
				out.WriteString("    " + g.Nodes[k].mermaid(k) + "\n")
			}
		}
		out.WriteString("  end\n")
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Kind == Reference {
			arrow = "-.->"
		}
		fmt.Fprintf(&out, "  t%d %s t%d\n", e.from, arrow, e.to)
	}
	g.mermaidCallbacks(&out)
	g.mermaidStates(&out)
	return out.String()
}

func (n *Node) mermaid(i int) string {
	parts := n.label(200)
	for k := range parts {
		parts[k] = mermaidEscape(parts[k])
	}
	text := `"` + strings.Join(parts, "<br/>") + `"`
	switch {
	case n.Mapped:
		return fmt.Sprintf("t%d[[%s]]", i, text)
	case n.Sensor:
		return fmt.Sprintf("t%d([%s])", i, text)
	}
	return fmt.Sprintf("t%d[%s]", i, text)
}

func (g *Graph) mermaidCallbacks(out *strings.Builder) {
	at := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		at[g.Nodes[i].ID] = i
	}
	for k, c := range g.Callbacks {
		fmt.Fprintf(out, "  c%d>%s]\n", k, mermaidText(c.Hook+": "+c.ID))
		if c.Task != "" {
			fmt.Fprintf(out, "  t%d -.- c%d\n", at[c.Task], k)
		}
	}
}

// mermaidStates colours the nodes whose state is known, in file order.
func (g *Graph) mermaidStates(out *strings.Builder) {
	for i := range g.Nodes {
		if c := fills[g.Nodes[i].State]; c != "" {
			fmt.Fprintf(out, "  style t%d fill:%s,color:#1f2328\n", i, c)
		}
	}
}

func mermaidText(s string) string { return `"` + mermaidEscape(s) + `"` }

// mermaidEscape writes what is not plainly a letter, digit or harmless sign as a character number:
// labels are parsed as Markdown and HTML by turns.
func mermaidEscape(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r > 127, r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune(" ._-:,()=", r):
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, "#%d;", r)
		}
	}
	return out.String()
}
