package local

import (
	"context"
	"runtime"
	"sync"
	"weak"

	"weft/machine"
	"weft/store"
)

// plans shares the compiled plans of an engine's runs, each as long as a run or a caller has it: a thousand
// runs of one DAG have one plan, and a version that nothing follows any more is gone. It is safe for
// concurrent use.
type plans struct {
	mu     sync.Mutex
	byHash map[string]weak.Pointer[machine.Plan]
	// hashes are those of plans that runs were begun by here, so that the next need not be encoded.
	hashes map[weak.Pointer[machine.Plan]]string
}

func newPlans() *plans {
	return &plans{byHash: map[string]weak.Pointer[machine.Plan]{}, hashes: map[weak.Pointer[machine.Plan]]string{}}
}

// get returns a plan that somebody has.
func (ps *plans) get(hash string) *machine.Plan {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.byHash[hash].Value()
}

// share returns the one plan of that hash: p, unless another is there already.
func (ps *plans) share(hash string, p *machine.Plan) *machine.Plan {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if other := ps.byHash[hash].Value(); other != nil {
		return other
	}
	ps.byHash[hash] = weak.Make(p)
	runtime.AddCleanup(p, ps.forget, hash)
	return p
}

// forget takes out a plan that is gone.
func (ps *plans) forget(hash string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if w, there := ps.byHash[hash]; there && w.Value() == nil {
		delete(ps.byHash, hash)
	}
	for w, of := range ps.hashes { // few: plans that are begun by just now
		if of == hash && w.Value() == nil {
			delete(ps.hashes, w)
		}
	}
}

// keep makes a plan durable, and returns its hash. A plan that is known and kept costs one look.
func (ps *plans) keep(ctx context.Context, st store.Plans, p *machine.Plan) (string, error) {
	at := weak.Make(p)
	ps.mu.Lock()
	hash, known := ps.hashes[at]
	ps.mu.Unlock()
	if known {
		if has, err := st.HasPlan(ctx, hash); err != nil || has {
			return hash, err
		}
	}
	body, hash := p.Encode()
	if err := st.PutPlan(ctx, hash, body); err != nil {
		return "", err
	}
	if known {
		return hash, nil
	}
	ps.mu.Lock()
	_, twice := ps.hashes[at]
	ps.hashes[at] = hash
	ps.mu.Unlock()
	if !twice {
		runtime.AddCleanup(p, ps.forget, hash)
	}
	return hash, nil
}

// loader finds plans for a run: here, else in the store. failed gets the reason why one is missing.
func (ps *plans) loader(ctx context.Context, st store.Plans, failed *error) machine.Plans {
	return func(hash string) *machine.Plan {
		if p := ps.get(hash); p != nil {
			return p
		}
		body, err := st.GetPlan(ctx, hash)
		if err != nil {
			*failed = err
			return nil
		}
		p, err := machine.DecodePlan(body)
		if err != nil {
			*failed = err
			return nil
		}
		return ps.share(hash, p)
	}
}
