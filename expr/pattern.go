package expr

import (
	"regexp"
	"regexp/syntax"
)

const (
	maxPattern = 1000 // bytes of a regular expression
	maxProgram = 2000 // instructions it may come to
)

// compilePattern compiles a regular expression (RE2: no backtracking), unless it is so large that
// compiling or matching would take long. The cost is half steps a byte of text.
func compilePattern(p string) (*regexp.Regexp, int, error) {
	if len(p) > maxPattern {
		return nil, 0, fault("cannot read the regular expression: it is too long")
	}
	tree, err := syntax.Parse(p, syntax.Perl)
	if err != nil {
		return nil, 0, faultf("cannot read %q as a regular expression", clip(p))
	}
	size := instructions(tree)
	if size > maxProgram {
		return nil, 0, fault("cannot read the regular expression: its repetitions are too many")
	}
	re, err := regexp.Compile(p)
	if err != nil {
		return nil, 0, faultf("cannot read %q as a regular expression", clip(p))
	}
	return re, patternCost(size), nil
}

// patternCost is half steps a byte of text: small patterns run in one pass, in larger ones every
// instruction may be alive at once.
func patternCost(size int) int {
	if size <= 32 {
		return 1 + size/16
	}
	return size / 2
}

// instructions estimates, from above, what a pattern compiles to.
func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/8
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, 10*maxProgram)
}

// runMatches searches a text for a regular expression; ^ and $ bind it to the ends.
func runMatches(s *state, args []any) (any, error) {
	t, err := textArg("matches", args[0])
	if err != nil {
		return nil, err
	}
	p, err := textArg("matches", args[1])
	if err != nil {
		return nil, err
	}
	re := s.patterns[p]
	if re == nil {
		var cost int
		if re, cost, err = compilePattern(p); err != nil {
			return nil, err
		}
		if err := s.spend(200 + 4*cost); err != nil {
			return nil, err
		}
		if s.patterns == nil {
			s.patterns = make(map[string]*regexp.Regexp)
			s.costs = make(map[string]int)
		}
		s.patterns[p], s.costs[p] = re, cost
	}
	if len(t) > maxMade {
		return nil, fault("cannot match: the text is larger than 1 MB")
	}
	if err := s.spend(1 + len(t)*s.costs[p]/2); err != nil {
		return nil, err
	}
	return re.MatchString(t), nil
}
