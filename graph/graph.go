// Package graph lays a plan out and draws it: as text for a terminal, as SVG, DOT, Mermaid and
// JSON. One layered layout of our own (longest path, barycentre sweeps) is behind text, SVG and
// JSON, so that the command line and the page show the same picture.
//
// The same plan and states give the same bytes. Names come from users: every format escapes them.
// Absent on purpose: colours of a terminal, a browser, any layout library.
package graph

import (
	"strings"
	"unicode"

	"weft/machine"
)

// A Graph is a plan as a picture: what is drawn, in file order, and where once it is laid out.
type Graph struct {
	DAG       string     `json:"dag_id"`
	Width     float64    `json:"width"`
	Height    float64    `json:"height"`
	Nodes     []Node     `json:"nodes"`
	Edges     []Edge     `json:"edges"`
	Groups    []Group    `json:"groups,omitempty"`
	Callbacks []Callback `json:"callbacks,omitempty"`
}

// A Node is one task.
type Node struct {
	ID          string  `json:"id"`
	Description string  `json:"description,omitempty"`
	Group       string  `json:"group,omitempty"`
	Uses        string  `json:"uses"`
	Sensor      bool    `json:"sensor,omitempty"`
	Mapped      bool    `json:"mapped,omitempty"`
	Trigger     string  `json:"trigger,omitempty"` // rule or expression; "" = all_success
	When        string  `json:"when,omitempty"`
	State       string  `json:"state,omitempty"` // "" = not asked for
	Layer       int     `json:"layer"`           // length of the longest path that leads here
	Order       int     `json:"order"`           // place within the layer, from 0
	X           float64 `json:"x"`               // left upper corner
	Y           float64 `json:"y"`
	W           float64 `json:"w"`
	H           float64 `json:"h"`
}

// The kinds of edges.
const (
	Needs     = "needs"     // declared
	Reference = "reference" // made by an expression alone; drawn dashed
)

// An Edge leads from an upstream task to a downstream one. Points come in pairs: a curve from the
// first to the second of a pair, a straight line to the next pair.
type Edge struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	Kind   string  `json:"kind"`
	Points []Point `json:"points"`

	from, to int
}

// A Point is a place in the picture; y grows downwards.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// A Group is a frame around the tasks of one group; no other task lies in it.
type Group struct {
	Name string  `json:"name"`
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	W    float64 `json:"w"`
	H    float64 `json:"h"`
}

// A Callback is a task that runs after the fact; it has no place in the layers.
type Callback struct {
	ID   string `json:"id"`
	Task string `json:"task,omitempty"` // whose it is; "" = the DAG's
	Hook string `json:"hook"`           // on_success, on_failure, on_late
	Uses string `json:"uses"`
}

// New makes the graph of a sealed plan, not yet laid out. States by task id may be nil.
func New(p *machine.Plan, states map[string]machine.State) *Graph {
	g := &Graph{DAG: p.DAG}
	at := make(map[string]int, len(p.Tasks))
	for i := range p.Tasks {
		t := &p.Tasks[i]
		at[t.ID] = i
		n := Node{
			ID: t.ID, Description: oneLine(t.Description), Group: oneLine(t.Group), Uses: t.Uses,
			Sensor: t.Sensor != nil, Mapped: t.ForEach != nil, Trigger: triggerText(t.Trigger),
		}
		if t.When != nil {
			n.When = oneLine(t.When.Src)
		}
		if s, ok := states[t.ID]; ok {
			n.State = s.String()
		}
		g.Nodes = append(g.Nodes, n)
		g.callbacks(t.ID, "on_failure", t.OnFailure)
	}
	for i := range p.Tasks {
		t := &p.Tasks[i]
		for _, id := range t.Needs {
			g.edge(at, id, t.ID, Needs)
		}
		for _, id := range t.Refs {
			g.edge(at, id, t.ID, Reference)
		}
	}
	g.callbacks("", "on_success", p.OnSuccess)
	g.callbacks("", "on_failure", p.OnFailure)
	g.callbacks("", "on_late", p.OnLate)
	return g
}

func (g *Graph) edge(at map[string]int, from, to, kind string) {
	g.Edges = append(g.Edges, Edge{From: from, To: to, Kind: kind, from: at[from], to: at[to]})
}

func (g *Graph) callbacks(task, hook string, list []machine.Task) {
	for i := range list {
		g.Callbacks = append(g.Callbacks, Callback{ID: list[i].ID, Task: task, Hook: hook, Uses: list[i].Uses})
	}
}

// triggerText is what a reader must know of a trigger: nothing where it is the default.
func triggerText(t machine.Trigger) string {
	switch {
	case t.Expr != nil:
		return oneLine(t.Expr.Src)
	case t.Rule == "all_success":
		return ""
	}
	return t.Rule
}

// oneLine makes a user's text fit to be drawn: on one line, without control characters, which no
// terminal should get and XML does not allow.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// label is what stands in a node's box: its name, then what is out of the ordinary, a line each.
func (n *Node) label(width int) []string {
	title := n.ID
	if n.Mapped {
		title += " ×"
	}
	if g := glyphs[n.State]; g != "" {
		title = g + " " + title
	}
	lines := []string{clip(title, width)}
	switch {
	case n.Sensor:
		lines = append(lines, clip("sensor "+n.Uses, width))
	case n.Uses != "shell" && n.Uses != "":
		lines = append(lines, clip(n.Uses, width))
	}
	if n.Trigger != "" {
		lines = append(lines, clip("if "+n.Trigger, width))
	}
	return lines
}

// glyphs shows a state in one column; a state that is not here is not shown.
var glyphs = map[string]string{
	"none": "·", "scheduled": "○", "queued": "○", "running": "●", "up_for_reschedule": "◷",
	"deferred": "◷", "up_for_retry": "↻", "success": "✓", "failed": "✗", "skipped": "–", "upstream_failed": "⊘",
}

// clip cuts a text to a width in characters and shows that it did.
func clip(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	return string(r[:width-1]) + "…"
}
