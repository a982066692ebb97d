package temporal

import (
	"context"

	wire "weft/runner/temporal"
)

// RegisterSweeping is Register with another rhythm of looking after what may have vanished.
var RegisterSweeping = register

// RegisterFlows has a replay know the workflows.
var RegisterFlows = registerFlows

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

// Past is the activity that answers depends_on_past.
func Past(ctx context.Context, far Far, p wire.Past) (wire.PastAnswer, error) {
	return (&activities{far: far}).past(ctx, p)
}

// Unanswered is the error of a question that nobody has answered in time.
func Unanswered(dag string) error { return unanswered{dag, context.DeadlineExceeded} }
