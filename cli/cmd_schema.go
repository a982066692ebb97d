package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"weft/schema"
)

func schemaCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of a DAG file, for editors",
		Long: `Print the JSON Schema of a DAG file, with the inputs of every plugin. Editors that
speak YAML read it from the first line of a file:

  # yaml-language-server: $schema=dag.schema.json`,
		Example: `  weft schema > dag.schema.json`,
		Args:    exactArgs(0, "weft schema takes no argument"),
		RunE: func(*cobra.Command, []string) error {
			body, err := e.schema()
			if err != nil {
				return err
			}
			if _, err := e.stdout.Write(body); err != nil {
				return fmt.Errorf("cannot write the schema: %w", err)
			}
			return nil
		},
	}
}

// schema is the schema of a DAG file that uses this program's plugins.
func (e *env) schema() ([]byte, error) {
	var list []schema.Plugin
	for _, name := range e.plugins.Names() {
		s := e.plugins.Get(name).Schema()
		list = append(list, schema.Plugin{Name: name, Title: s.Title, Input: s.Input})
	}
	body, err := schema.Compose(list)
	if err != nil {
		return nil, err
	}
	if n := len(body); n == 0 || body[n-1] != '\n' {
		body = append(body, '\n')
	}
	return body, nil
}
