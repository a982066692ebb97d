package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"weft/graph"
	"weft/machine"
)

func graphCommand(e *env) *cobra.Command {
	format := graph.Formats[0].Name
	cmd := &cobra.Command{
		Use:   "graph FILE|ID",
		Short: "draw a DAG: in the terminal, as SVG, Mermaid, DOT or JSON",
		Example: `  weft graph dags/hello.yaml
  weft graph nightly --format svg > nightly.svg`,
		Args: exactArgs(1, "name the DAG: a file, or an id"),
		RunE: func(_ *cobra.Command, args []string) error { return e.graph(args[0], format) },
	}
	cmd.Flags().StringVar(&format, "format", format, choices(graph.Formats, func(f graph.Format) string { return f.Name }))
	return cmd
}

// maxDrawn is how many edges are drawn; more would be a picture of hundreds of megabytes.
const maxDrawn = 20_000

func edges(p *machine.Plan) int {
	n := 0
	for i := range p.Tasks {
		n += len(p.Tasks[i].Needs) + len(p.Tasks[i].Refs)
	}
	return n
}

func (e *env) graph(arg, format string) error {
	at := slices.IndexFunc(graph.Formats, func(f graph.Format) bool { return f.Name == format })
	if at < 0 {
		return usagef("there is no format %q: choose from %s", format, choices(graph.Formats, func(f graph.Format) string { return f.Name }))
	}
	_, plan, err := e.load(arg)
	if err != nil {
		return err
	}
	if n := edges(plan); n > maxDrawn && (format == "svg" || format == "text") {
		return &hinted{fmt.Errorf("cannot draw %s: %d edges are more than anybody could see (%d at most)", plan.DAG, n, maxDrawn), "--format dot or json has them all"}
	}
	return graph.Formats[at].Write(e.stdout, plan, graph.Options{Width: width(e.stdout, graph.DefaultWidth)})
}
