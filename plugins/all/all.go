// Package all lists the plugins that are in the binary. A plugin that is not here does not exist.
package all

import (
	"slices"

	"weft/plugins"
	"weft/plugins/athena"
	"weft/plugins/batch"
	"weft/plugins/dag"
	"weft/plugins/dynamodb"
	"weft/plugins/ecs"
	"weft/plugins/emrserverless"
	"weft/plugins/fail"
	"weft/plugins/filehead"
	"weft/plugins/glue"
	"weft/plugins/http"
	"weft/plugins/lambda"
	"weft/plugins/noop"
	"weft/plugins/python"
	"weft/plugins/s3"
	"weft/plugins/shell"
	"weft/plugins/stepfunctions"
	"weft/plugins/wait"
)

// Plugins returns one of each. cache is the folder of what is built once and used again (virtual
// environments); "" leaves it to the plugin. policy is what http may reach. runs may be nil where nothing
// is run.
func Plugins(cache string, policy http.Policy, runs plugins.Runs) []plugins.Plugin {
	return append(slices.Concat(dag.Plugins(runs), s3.Plugins(), dynamodb.Plugins(), glue.Plugins()),
		athena.Query{},
		batch.Job{},
		ecs.Task{},
		emrserverless.Job{},
		fail.Plugin{},
		filehead.Plugin{},
		http.Plugin{Policy: policy},
		lambda.Plugin{},
		noop.Plugin{},
		python.Plugin{Cache: cache},
		shell.Plugin{},
		stepfunctions.Run{},
		wait.Plugin{},
	)
}
