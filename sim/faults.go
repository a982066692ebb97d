package sim

import "time"

// faults are how rough a story is.
type faults struct {
	crash  float64 // at each input or output
	left   int     // crashes to come at most
	repeat float64 // the same, for a weft that has just begun
	write  bool    // writes may fail
	jumps  bool    // people set the wall's clock
	news   bool    // late and repeated events
	drains bool    // someone stops weft in order
	// patience is how long the engine keeps what it cannot write, before it gives a run up.
	patience time.Duration
}

func newFaults(w *world) faults {
	f := faults{
		crash: []float64{0, 0.001, 0.004, 0.02}[w.rng.IntN(4)], left: 1 + w.rng.IntN(8),
		repeat: []float64{0, 0.05, 0.2}[w.rng.IntN(3)],
		write:  w.chance(0.3), news: w.chance(0.5),
	}
	f.jumps = w.chance(0.25)
	f.drains = w.chance(0.3)
	f.patience = []time.Duration{0, 5 * time.Second, time.Hour}[w.rng.IntN(3)]
	return f
}

// crashes draws whether weft ends here.
func (s *Sim) crashes(where string) bool {
	if s.core == nil || s.faults.left == 0 || s.faults.crash == 0 || s.mono > faulting {
		return false
	}
	p := s.faults.crash
	if s.gen > 1 && s.mono < s.since+20*time.Millisecond {
		p = max(p, s.faults.repeat/4)
	}
	if !s.chance(p) {
		return false
	}
	s.faults.left--
	s.logf("weft dies: %s", where)
	return true
}

// point is a place within the engine's own work at which it may be killed.
func (s *Sim) point(where string) {
	if s.crashes(where) {
		panic(killed{})
	}
}

// outside is such a place outside the engine's work.
func (s *Sim) outside(where string) {
	if s.crashes(where) {
		s.crash(0)
	}
}

// faulty tells whether writes may fail now.
func (s *Sim) faulty() bool { return s.faults.write && s.mono < faulting }
