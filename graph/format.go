package graph

import (
	"encoding/json"
	"fmt"
	"io"

	"weft/machine"
)

// DefaultWidth is the width of a text drawing where no terminal says one.
const DefaultWidth = 100

// Options are what a drawing may depend on beside the plan.
type Options struct {
	States map[string]machine.State // by task; nil = no run is shown
	Width  int                      // columns of a text drawing; 0 = DefaultWidth
}

// A Format is one way to write a graph.
type Format struct {
	Name  string
	Title string // what it is, in a few words
	Write func(w io.Writer, p *machine.Plan, o Options) error
}

// Formats are all the ways to write a graph; the first is what people see in a terminal.
var Formats = []Format{
	{"text", "a drawing for the terminal", writeText},
	{"mermaid", "a Mermaid flowchart", writeMermaid},
	{"dot", "Graphviz", writeDOT},
	{"svg", "a picture, light and dark", writeSVG},
	{"json", "the layout: nodes, edges, places", writeJSON},
}

func writeText(w io.Writer, p *machine.Plan, o Options) error {
	width := o.Width
	if width <= 0 {
		width = DefaultWidth
	}
	return writeString(w, New(p, o.States).Text(width))
}

func writeMermaid(w io.Writer, p *machine.Plan, o Options) error {
	return writeString(w, New(p, o.States).Mermaid())
}

func writeDOT(w io.Writer, p *machine.Plan, o Options) error {
	return writeString(w, New(p, o.States).DOT())
}

func writeSVG(w io.Writer, p *machine.Plan, o Options) error {
	return writeString(w, Draw(p, o.States).SVG())
}

func writeJSON(w io.Writer, p *machine.Plan, o Options) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		FormatVersion int `json:"format_version"`
		*Graph
	}{1, Draw(p, o.States)})
}

func writeString(w io.Writer, s string) error {
	if _, err := io.WriteString(w, s); err != nil {
		return fmt.Errorf("cannot write the drawing: %w", err)
	}
	return nil
}
