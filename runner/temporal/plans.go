package temporal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"weft/machine"
)

// plans are those that a run follows, or followed.
type plans struct {
	bodies []Body
	byHash map[string]*machine.Plan
	hashes map[*machine.Plan]string
}

func newPlans(bodies []Body) (*plans, error) {
	p := &plans{byHash: map[string]*machine.Plan{}, hashes: map[*machine.Plan]string{}}
	return p, p.add(bodies)
}

// add takes plans in; one that is there changes nothing.
func (p *plans) add(bodies []Body) error {
	for _, b := range bodies {
		if p.byHash[b.Hash] != nil {
			continue
		}
		plan, err := b.read()
		if err != nil {
			return err
		}
		p.bodies = append(p.bodies, b)
		p.byHash[b.Hash], p.hashes[plan] = plan, b.Hash
	}
	return nil
}

// read reads the plan of a body. One of another hash than it names is an error.
func (b Body) read() (*machine.Plan, error) {
	plan, err := machine.DecodePlan(b.Plan)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b.Plan); hex.EncodeToString(sum[:16]) != b.Hash {
		return nil, fmt.Errorf("cannot read plan %s: what came is another one", b.Hash)
	}
	return plan, nil
}

func (p *plans) find(hash string) *machine.Plan { return p.byHash[hash] }

// elsewhere tells whether the work of a task lives elsewhere, by the plan that the order was made under.
func (p *plans) elsewhere(o machine.Order) bool {
	if o.Task.Sensor != nil {
		return false
	}
	hash := p.hashes[o.Plan]
	i := slices.IndexFunc(p.bodies, func(b Body) bool { return b.Hash == hash })
	return i >= 0 && slices.Contains(p.bodies[i].Elsewhere, o.Task.Uses)
}
