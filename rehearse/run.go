package rehearse

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"weft/machine"
	"weft/spec"
)

// A Result is what came of one case.
type Result struct {
	Case        *spec.Case
	Record      *Record // nil with Err
	Diagnostics []spec.Diagnostic
	Took        time.Duration // of ours
	Err         error         // it could not be played
}

// Passed tells whether all was as expected.
func (r Result) Passed() bool { return r.Err == nil && len(r.Diagnostics) == 0 }

// A Suite is the cases of one test file and the plan that they are about.
type Suite struct {
	File, DAG string // names of the two files, for messages
	Plan      *machine.Plan
	Cases     []spec.Case
	Options
}

// Run plays cases side by side; the results are in their order.
func (p Suite) Run() []Result {
	results := make([]Result, len(p.Cases))
	var next atomic.Int64
	var hands sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(p.Cases)) {
		hands.Go(func() {
			stage := NewStage(p.Plan, p.Options)
			for i := int(next.Add(1)) - 1; i < len(p.Cases); i = int(next.Add(1)) - 1 {
				results[i] = p.one(stage, &p.Cases[i])
			}
		})
	}
	hands.Wait()
	return results
}

func (p Suite) one(stage *Stage, c *spec.Case) Result {
	begin := time.Now()
	rec, err := stage.Play(c)
	res := Result{Case: c, Record: rec, Err: err}
	if err == nil {
		res.Diagnostics = rec.Check(p.File, p.DAG)
	}
	res.Took = time.Since(begin)
	return res
}
