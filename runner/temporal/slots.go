package temporal

import (
	"math"
	"slices"

	"weft/machine"
)

// slots let attempts begin: max_active_tasks and max_parallel bound them here. Of a pool that all workers share
// weft/pools lends the slots (a lease each), and a lease is asked for only while the run has room for what it
// is for. Of other pools each worker has its own, by what it takes on at once.
type slots struct {
	shared  []string
	limits  machine.Limits // no pool has one here
	ready   machine.Waitlist
	alive   []machine.Alive
	wanting machine.Waitlist // of shared pools: not asked for
	asked   map[machine.Key]machine.Want
	leased  map[machine.Key]machine.Want // not begun, or begun
}

func newSlots(shared []string) slots {
	return slots{
		shared: shared, limits: machine.Limits{Pools: map[string]int{}},
		asked: map[machine.Key]machine.Want{}, leased: map[machine.Key]machine.Want{},
	}
}

// add has an attempt wait for its slots. held tells that it has its lease from before.
func (s *slots) add(w machine.Want, held bool) {
	s.limits.Pools[w.Pool] = math.MaxInt32
	switch {
	case !slices.Contains(s.shared, w.Pool):
		s.ready.Add(w)
	case held:
		s.leased[w.Key] = w
		s.ready.Add(w)
	default:
		s.wanting.Add(w)
	}
}

// remove has an attempt wait no more; free tells that weft/pools is to hear of it.
func (s *slots) remove(run string, key machine.Key) (free bool) {
	s.ready.Remove(run, key)
	s.wanting.Remove(run, key)
	return s.unlease(key)
}

// hold counts an attempt that is alive.
func (s *slots) hold(a machine.Alive) { s.alive = append(s.alive, a) }

// free takes an attempt off what is alive; free tells that weft/pools is to hear of it.
func (s *slots) free(key machine.Key) (free bool) {
	s.alive = slices.DeleteFunc(s.alive, func(a machine.Alive) bool { return a.Key == key })
	return s.unlease(key)
}

func (s *slots) unlease(key machine.Key) bool {
	_, asked := s.asked[key]
	_, leased := s.leased[key]
	delete(s.asked, key)
	delete(s.leased, key)
	return asked || leased
}

// granted hears of a lease; false if nobody wants it any more.
func (s *slots) granted(key machine.Key) bool {
	if w, ok := s.asked[key]; ok {
		delete(s.asked, key)
		s.leased[key] = w
		s.ready.Add(w)
	}
	_, ok := s.leased[key]
	return ok
}

// admit lets begin what may.
func (s *slots) admit() []machine.Want {
	grants := machine.Admit(s.limits, s.alive, &s.ready)
	for _, w := range grants {
		s.hold(machine.Alive{Run: w.Run, Key: w.Key, Pool: w.Pool, Slots: w.Slots})
	}
	return grants
}

// ask takes out what weft/pools is to be asked for now.
func (s *slots) ask() []machine.Want {
	if s.wanting.Len() == 0 {
		return nil
	}
	busy := slices.Clone(s.alive)
	for _, m := range []map[machine.Key]machine.Want{s.asked, s.leased} {
		for _, key := range sortedKeys(m) {
			if !slices.ContainsFunc(busy, func(a machine.Alive) bool { return a.Key == key }) {
				busy = append(busy, machine.Alive{Run: m[key].Run, Key: key, Pool: m[key].Pool})
			}
		}
	}
	wants := machine.Admit(s.limits, busy, &s.wanting)
	for _, w := range wants {
		s.asked[w.Key] = w
	}
	return wants
}

// unanswered is what has been asked for.
func (s *slots) unanswered() (wants []machine.Want) {
	for _, key := range sortedKeys(s.asked) {
		wants = append(wants, s.asked[key])
	}
	return wants
}

// waiting tells how many wait.
func (s *slots) waiting() int { return s.ready.Len() + s.wanting.Len() }

// refused puts back what could not be asked for.
func (s *slots) refused(wants []machine.Want) {
	for _, w := range wants {
		if _, ok := s.asked[w.Key]; ok {
			delete(s.asked, w.Key)
			s.wanting.Add(w)
		}
	}
}

// leases are those that are held.
func (s *slots) leases() []machine.Key { return sortedKeys(s.leased) }
