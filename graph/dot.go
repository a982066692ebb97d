package graph

import (
	"fmt"
	"strings"
)

// DOT writes the graph in Graphviz's language.
func (g *Graph) DOT() string {
	var out strings.Builder
	fmt.Fprintf(&out, "digraph %s {\n", dotText(g.DAG))
	out.WriteString("  rankdir=LR;\n")
	out.WriteString("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f8fa\", color=\"#8c959f\", fontname=\"Helvetica\"];\n")
	out.WriteString("  edge [color=\"#57606a\", fontname=\"Helvetica\", fontsize=10];\n")
	seen := map[string]int{}
	for i := range g.Nodes {
		if name := g.Nodes[i].Group; name != "" {
			if _, ok := seen[name]; !ok {
				seen[name] = len(seen)
				g.dotCluster(&out, name, seen[name])
			}
			continue
		}
		out.WriteString("  " + g.Nodes[i].dot() + "\n")
	}
	for _, e := range g.Edges {
		style := ""
		if e.Kind == Reference {
			style = " [style=dashed]"
		}
		fmt.Fprintf(&out, "  %s -> %s%s;\n", dotText(e.From), dotText(e.To), style)
	}
	g.dotCallbacks(&out)
	out.WriteString("}\n")
	return out.String()
}

func (g *Graph) dotCluster(out *strings.Builder, name string, k int) {
	fmt.Fprintf(out, "  subgraph cluster_%d {\n    label=%s; style=\"rounded,dashed\"; color=\"#8c959f\"; fontname=\"Helvetica\";\n", k, dotText(name))
	for i := range g.Nodes {
		if g.Nodes[i].Group == name {
			out.WriteString("    " + g.Nodes[i].dot() + "\n")
		}
	}
	out.WriteString("  }\n")
}

func (n *Node) dot() string {
	attrs := "label=" + dotText(strings.Join(n.label(200), "\n"))
	if n.Sensor {
		attrs += ", style=\"rounded,filled,dashed\""
	}
	if n.Mapped {
		attrs += ", peripheries=2"
	}
	if c := fills[n.State]; c != "" {
		attrs += fmt.Sprintf(", fillcolor=%q", c)
	}
	return fmt.Sprintf("%s [%s];", dotText(n.ID), attrs)
}

// dotCallbacks hangs a task's callbacks on it; those of the DAG stand alone. No id of a task holds
// a dot, so the names never meet.
func (g *Graph) dotCallbacks(out *strings.Builder) {
	for _, c := range g.Callbacks {
		id := c.Hook + "." + c.ID
		if c.Task != "" {
			id = c.Task + "." + id
		}
		fmt.Fprintf(out, "  %s [label=%s, shape=note, style=filled];\n", dotText(id), dotText(c.Hook+"\n"+c.ID))
		if c.Task != "" {
			fmt.Fprintf(out, "  %s -> %s [style=dotted, constraint=false];\n", dotText(c.Task), dotText(id))
		}
	}
}

// dotText quotes a text: in DOT only the quote ends it, but a backslash begins an escape.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// fills are the colours of states where a format wants one in the node itself.
var fills = map[string]string{
	"running": "#ddf4ff", "up_for_reschedule": "#fff8c5", "deferred": "#fff8c5", "up_for_retry": "#fff8c5",
	"success": "#dafbe1", "failed": "#ffebe9", "skipped": "#eaeef2", "upstream_failed": "#fff1e5",
}
