package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"weft/config"
	"weft/temporalconf"
)

// engineFlags give a command, and those below it, the choice of what keeps runs going.
func engineFlags(e *env, cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&e.engine, "engine", "", "what keeps runs going: local or temporal (default local, or WEFT_ENGINE)")
	temporalFlags(e, cmd)
}

// temporalFlags give a command the choice of the Temporal server.
func temporalFlags(e *env, cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&e.temporalAddress, "temporal-address", "", "host:port of the Temporal server (default as TEMPORAL_ADDRESS says)")
	f.StringVar(&e.temporalNamespace, "namespace", "", "namespace on it (default as TEMPORAL_NAMESPACE says)")
}

// onTemporal tells that runs are kept going by a Temporal server.
func (e *env) onTemporal() bool { return e.conf.Engine == config.EngineTemporal }

// temporalOptions say which server that is.
func (e *env) temporalOptions() temporalconf.Options {
	t := e.conf.Temporal
	return temporalconf.Options{Address: t.Address, Namespace: t.Namespace, Profile: t.Profile}
}

// misplaced is said of a choice of a Temporal server that would mean nothing.
func (e *env) misplaced(cmd *cobra.Command) error {
	if cmd.Flag("engine") == nil || e.onTemporal() {
		return nil
	}
	for _, name := range []string{"temporal-address", "namespace"} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s is of the engine temporal: add --engine temporal", name)
		}
	}
	return nil
}

// errGoesOn is said of runs that nobody has to take up.
var errGoesOn = &hinted{errors.New("cannot resume: a run on Temporal goes on by itself, as soon as a worker is there"), "weft worker is one; weft runs show tells what a run waits for"}

// errNotServed says that an order is for the server that begins runs, and that it is none of this state folder.
func (e *env) errNotServed(what string) error {
	return &hinted{
		fmt.Errorf("cannot %s from here: on Temporal the server that leads does that, and none runs with this state folder (%s)", what, shown(e.conf.Home)),
		"order it where weft serve --engine temporal runs, or start one here",
	}
}
