// Package all lists the plugins that are in the binary. A plugin that is not here does not exist.
package all

import (
	"weft/plugins"
	"weft/plugins/fail"
	"weft/plugins/filehead"
	"weft/plugins/glue"
	"weft/plugins/http"
	"weft/plugins/noop"
	"weft/plugins/python"
	"weft/plugins/s3"
	"weft/plugins/shell"
	"weft/plugins/wait"
)

// Plugins returns one of each. cache is the folder of what is built once and used again (virtual
// environments); "" leaves it to the plugin. policy is what http may reach.
func Plugins(cache string, policy http.Policy) []plugins.Plugin {
	return append(append(glue.Plugins(), s3.Plugins()...),
		fail.Plugin{},
		filehead.Plugin{},
		http.Plugin{Policy: policy},
		noop.Plugin{},
		python.Plugin{Cache: cache},
		shell.Plugin{},
		wait.Plugin{},
	)
}
