package cli

import (
	"os"
	"os/signal"
	"syscall"

	"weft/config"
	"weft/machine"
	"weft/plugins"
	"weft/proc"
	"weft/runner"
)

// newExecutor makes what carries out orders below a home, as the configuration says. Whose folders and logs they are is
// still to be set.
func newExecutor(conf config.Config, reg *plugins.Registry, home string) *runner.Executor {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // who reads along may go; the run goes on
	found := resolver(conf)
	return &runner.Executor{
		Plugins: reg, Home: home, Environ: without(os.Environ(), found.EnvNames()), CleanEnv: conf.CleanEnv(),
		Grace: conf.Grace, Secrets: found,
		CreateLive: func(path string, o machine.Order, env []string) (*os.File, error) {
			return proc.CreateLive(path, proc.Live{
				DAG: o.Plan.DAG, Run: o.Run.Key(), Task: o.Key.Task, Index: o.Key.Index, Epoch: o.Key.Epoch,
				Attempt: o.Key.Attempt, Marker: proc.Marker(env),
			})
		},
	}
}
