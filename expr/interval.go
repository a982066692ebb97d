package expr

import "math"

// An interval is what is known of a count: it lies between lo and hi, both included.
type interval struct{ lo, hi float64 }

func point(v float64) interval { return interval{v, v} }

func (a interval) known() bool { return a.lo == a.hi }

func (a interval) neg() interval { return interval{-a.hi, -a.lo} }

func (a interval) add(b interval) interval { return interval{a.lo + b.lo, a.hi + b.hi} }

func (a interval) mul(b interval) interval {
	out := interval{math.Inf(1), math.Inf(-1)}
	for _, x := range [2]float64{a.lo, a.hi} {
		for _, y := range [2]float64{b.lo, b.hi} {
			p := x * y
			if x == 0 || y == 0 {
				p = 0 // also of an end that is infinite: no count is
			}
			out.lo, out.hi = min(out.lo, p), max(out.hi, p)
		}
	}
	return out
}

// div divides by a literal that is not zero. It divides rather than multiplies by 1/v, so that a
// point is what plain division gives.
func (a interval) div(v float64) interval {
	out := interval{a.lo / v, a.hi / v}
	if v < 0 {
		out.lo, out.hi = out.hi, out.lo
	}
	return out
}

// compare answers <, <=, >, >=, ==, != as far as the bounds tell.
func (a interval) compare(op string, b interval) Truth {
	switch op {
	case "<":
		return decide(a.hi < b.lo, a.lo >= b.hi)
	case "<=":
		return decide(a.hi <= b.lo, a.lo > b.hi)
	case ">":
		return b.compare("<", a)
	case ">=":
		return b.compare("<=", a)
	case "==":
		return decide(a.known() && b.known() && a.lo == b.lo, a.hi < b.lo || a.lo > b.hi)
	}
	return a.compare("==", b).not()
}

func decide(yes, no bool) Truth {
	switch {
	case yes:
		return True
	case no:
		return False
	}
	return Unknown
}

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}
