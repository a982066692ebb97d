package temporal

// RegisterSweeping is Register with another rhythm of looking after what may have vanished.
var RegisterSweeping = register

// For tests of the workflows alone.
var (
	DAGFlow   = dagFlow
	PoolsFlow = poolsFlow
)

// Names that tests use.
const (
	UpdateClaim  = updateClaim
	UpdateSettle = updateSettle
	UpdateLine   = updateLine
	QueryRuns    = queryRuns
	QueryPools   = queryPools
	QueryHolders = queryHolders
	SignalSizes  = signalSizes
	SweepName    = sweepActivity
)
