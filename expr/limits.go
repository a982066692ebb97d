package expr

import "regexp"

// The bounds of one expression: no more than 10 ms and 1 MB, whatever it is given. Values that
// only pass through cost nothing; what is made and what is walked counts.
const (
	maxSource   = 8 << 10 // bytes of one expression
	maxTemplate = 4 << 20 // bytes of one template, text and expressions
	maxBrackets = 100     // nested brackets, or signs in a row
	maxNodes    = 2000    // of the syntax tree
	maxMade     = 1 << 20 // bytes of texts and lists made by one evaluation
	maxWork     = 150_000 // steps; one is about 50 ns
	maxRange    = 10_000  // elements of a..b
	maxDepth    = 200     // of a value that is compared, ordered, encoded or decoded
	elemBytes   = 16      // what one element of a list costs
)

// A state is one evaluation: what it sees and what it may still spend.
type state struct {
	vars     map[string]any
	work     int
	made     int
	patterns map[string]*regexp.Regexp // compiled so far: a predicate asks the same one each time
	costs    map[string]int            // of each pattern, in half steps a byte
}

func newState(vars map[string]any) *state { return &state{vars: vars} }

// spend counts n steps of work.
func (s *state) spend(n int) error {
	if n < 0 || n > maxWork-s.work {
		return fault("cannot go on: the expression takes too much time")
	}
	s.work += n
	return nil
}

// grow counts n bytes that are about to be made, and the time to make them.
func (s *state) grow(n int) error {
	if n < 0 || n > maxMade-s.made {
		return fault("cannot go on: the expression makes more than 1 MB")
	}
	s.made += n
	return s.spend(n / 64)
}

// scan counts the reading of n bytes.
func (s *state) scan(n int) error { return s.spend(n / 64) }
