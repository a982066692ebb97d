// Package all lists the plugins that are in the binary. A plugin that is not here does not exist.
package all

import (
	"weft/plugins"
	"weft/plugins/fail"
	"weft/plugins/filehead"
	"weft/plugins/http"
	"weft/plugins/noop"
	"weft/plugins/shell"
	"weft/plugins/wait"
)

// Plugins returns one of each.
func Plugins() []plugins.Plugin {
	return []plugins.Plugin{
		fail.Plugin{},
		filehead.Plugin{},
		http.Plugin{},
		noop.Plugin{},
		shell.Plugin{},
		wait.Plugin{},
	}
}
