package sim

import (
	"weft/machine"
	"weft/runner/local"
	"weft/store"
)

// A Bug is planted to see that it is caught. Its zero value is none.
type Bug struct {
	Name   string
	Caught string // how the break it is caught by begins

	under         func(*Sim, backing) backing           // below the disk's bookkeeping: the disk lies
	over          func(*Sim, store.Store) store.Store   // above it: the engine hears something else
	worker        func(*Sim, local.Worker) local.Worker // reports wrongly
	carry         func(*Sim) func(machine.Command) bool // orders that are forgotten
	keepLeftovers bool
}
