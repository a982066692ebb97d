package temporal

// Names on the server, beside those of runner/temporal. They are kept: histories and other wefts know them.
const (
	DAGWorkflow    = "weft.dag"    // Entity; its id is DAGID
	PoolsWorkflow  = "weft.pools"  // Pools; its id is runner/temporal's PoolsID
	LeaderWorkflow = "weft.leader" // its id is LeaderID
	LeaderID       = "weft/leader"

	// ServeQueue is the task queue of those that may lead.
	ServeQueue = "weft-serve"

	// Updates of a DAG's workflow.
	updateClaim  = "weft.claim"  // Claim → Claimed
	updateSettle = "weft.settle" // Settle → Settled
	updateLine   = "weft.line"   // []Turn → []Place, one for each

	// Queries of a DAG's workflow.
	queryKept      = "weft.kept"      // → Kept
	queryMissed    = "weft.missed"    // limit → []Numbered, newest first
	queryBackfills = "weft.backfills" // limit → []store.Backfill, newest first
	queryRuns      = "weft.runs"      // Asked → []Known
	queryPast      = "weft.past"      // Past → Earlier

	// QueryHolders of a DAG's workflow tells of its runs that go on, of the pools' who holds or wants slots: []Holder.
	queryHolders = "weft.holders"

	// queryPools tells all of the pools: Pools.
	queryPools = "weft.pools"

	// signalSizes tells the pools' workflow how many slots each has: map[string]int.
	signalSizes = "weft.sizes"

	leadActivity  = "weft.lead"  // → nothing
	sweepActivity = "weft.sweep" // Sweep → []Gone

	// errFenced is the type of the error by which a DAG refuses who leads no more.
	errFenced = "weft.fenced"
)

// MemoDAG is a note of a run's workflow that tells its DAG's id. Ids of manual runs do not.
const MemoDAG = "dag"

// DAGID is the workflow id of a DAG's entity.
func DAGID(dag string) string { return dagPrefix + dag }

const dagPrefix = "weft/dag/"
