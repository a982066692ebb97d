package scheduler

import (
	"sync"

	"weft/catalog"
	"weft/machine"
)

// plans keeps the plans that were compiled last: a DAG that is due each minute is not read each minute.
type plans struct {
	mu    sync.Mutex
	byKey map[string]compiled
	order []string
}

type compiled struct {
	plan *machine.Plan
	dir  string
}

// mostPlans bounds what is kept: some kilobytes each.
const mostPlans = 256

// plan compiles the version of a DAG that is in force, or finds it compiled.
func (s *Service) plan(e catalog.Entry) (*machine.Plan, string, error) {
	key := e.Set + "/" + e.Path
	p := &s.plans
	p.mu.Lock()
	have, ok := p.byKey[key]
	p.mu.Unlock()
	if ok {
		return have.plan, have.dir, nil
	}
	plan, dir, err := s.conf.Catalog.Plan(e)
	if err != nil {
		return nil, "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey == nil {
		p.byKey = map[string]compiled{}
	}
	if _, twice := p.byKey[key]; !twice {
		p.order = append(p.order, key)
	}
	p.byKey[key] = compiled{plan, dir}
	if len(p.order) > mostPlans {
		delete(p.byKey, p.order[0])
		p.order = p.order[1:]
	}
	return plan, dir, nil
}
