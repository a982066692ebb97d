package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"weft/plugins"
)

func pluginsCommand(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plugins [NAME]",
		Short: "list what tasks can use; describe one plugin's input and output",
		Example: `  weft plugins
  weft plugins wait`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("name one plugin")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return e.describePlugin(args[0], asJSON)
			}
			return e.listPlugins(asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, with the schemas")
	return cmd
}

// A pluginInfo is a plugin as programs see it.
type pluginInfo struct {
	Name   string          `json:"name"`
	Title  string          `json:"title"`
	Sensor bool            `json:"sensor"`
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output"` // null = anything
}

func (e *env) pluginInfo(name string) pluginInfo {
	p := e.plugins.Get(name)
	s := p.Schema()
	_, sensor := p.(plugins.Sensor)
	return pluginInfo{name, s.Title, sensor, s.Input, s.Output}
}

func (e *env) listPlugins(asJSON bool) error {
	list := []pluginInfo{}
	for _, name := range e.plugins.Names() {
		list = append(list, e.pluginInfo(name))
	}
	if asJSON {
		return e.printJSON(list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(w, "%s\t%s\n", p.Name, p.Title)
	}
	return w.Flush()
}

func (e *env) describePlugin(name string, asJSON bool) error {
	if e.plugins.Get(name) == nil {
		return &hinted{fmt.Errorf("cannot find plugin %q", name), "weft plugins lists them"}
	}
	p := e.pluginInfo(name)
	if asJSON {
		return e.printJSON(p)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\n", p.Name, p.Title)
	if p.Sensor {
		fmt.Fprintln(w, "a sensor by nature: it waits without the key sensor")
	}
	fmt.Fprintln(w, "\ninput (with):")
	describe(w, p.Input, "none")
	fmt.Fprintln(w, "\noutput:")
	describe(w, p.Output, "anything")
	return w.Flush()
}
