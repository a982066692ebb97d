package expr

import (
	"math/bits"
	"slices"
)

func listArg(name string, v any) ([]any, error) {
	if list, ok := v.([]any); ok {
		return list, nil
	}
	return nil, wrongArg(name, v, "a list")
}

func runFirst(_ *state, args []any) (any, error) {
	list, err := listArg("first", args[0])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return admit(list[0])
}

func runLast(_ *state, args []any) (any, error) {
	list, err := listArg("last", args[0])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return admit(list[len(list)-1])
}

func runMin(s *state, args []any) (any, error) { return s.extreme("min", "<", args) }

func runMax(s *state, args []any) (any, error) { return s.extreme("max", ">", args) }

// extreme finds the least or greatest of one list, or of several arguments; the first of equals.
func (s *state) extreme(name, op string, args []any) (any, error) {
	list := args
	if len(args) == 1 {
		one, ok := args[0].([]any)
		if !ok {
			return nil, wrongArg(name, args[0], "a list, or several values")
		}
		list = one
	}
	if len(list) == 0 {
		return nil, nil
	}
	best, err := admit(list[0])
	if err != nil {
		return nil, err
	}
	if !ordered(kindOf(best)) {
		return nil, wrongArg(name, best, "numbers, texts, times or durations")
	}
	for _, v := range list[1:] {
		if v, err = admit(v); err != nil {
			return nil, err
		}
		better, err := s.compare(op, v, best)
		if err != nil {
			return nil, err
		}
		if better.(bool) {
			best = v
		}
	}
	return best, nil
}

// runSum adds up; the sum of nothing is 0.
func runSum(s *state, args []any) (any, error) {
	list, err := listArg("sum", args[0])
	if err != nil {
		return nil, err
	}
	var sum any = 0
	for i, v := range list {
		if err := s.spend(1); err != nil {
			return nil, err
		}
		if v, err = admit(v); err != nil {
			return nil, err
		}
		switch kindOf(v) {
		case KindInt, KindNumber, KindDuration:
		default:
			return nil, faultf("cannot sum: element %d is %s", i, kindOf(v))
		}
		if i == 0 {
			sum = v
		} else if sum, err = s.arith("+", sum, v); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

// runSort sorts by the total order of all values, stably.
func runSort(s *state, args []any) (any, error) {
	list, err := listArg("sort", args[0])
	if err != nil {
		return nil, err
	}
	sign := 1
	if len(args) == 2 {
		switch args[1] {
		case "asc":
		case "desc":
			sign = -1
		default:
			return nil, fault(`cannot sort: the order is "asc" or "desc"`)
		}
	}
	out, err := s.copyList(list)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b any) int {
		if err != nil {
			return 0
		}
		var c int
		c, err = s.order(a, b, 0)
		return sign * c
	})
	return out, err
}

func (s *state) copyList(list []any) ([]any, error) {
	if err := s.grow(elemBytes * len(list)); err != nil {
		return nil, err
	}
	return slices.Clone(list), nil
}

// runUnique keeps the first of equal elements, in the order of the list.
func runUnique(s *state, args []any) (any, error) {
	list, err := listArg("unique", args[0])
	if err != nil {
		return nil, err
	}
	if err := s.grow(2 * elemBytes * len(list)); err != nil {
		return nil, err
	}
	if err := s.spend(len(list) * bits.Len(uint(len(list)))); err != nil {
		return nil, err
	}
	places := make([]int, len(list))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		if err != nil {
			return 0
		}
		var c int
		c, err = s.order(list[a], list[b], 0)
		return c
	})
	if err != nil {
		return nil, err
	}
	return s.firstOfEach(list, places)
}

// firstOfEach takes places sorted by value and gives the first of each run of equals.
func (s *state) firstOfEach(list []any, places []int) (any, error) {
	keep := make([]bool, len(list))
	for i, p := range places {
		if i == 0 {
			keep[p] = true
			continue
		}
		same, err := s.equal(list[places[i-1]], list[p])
		if err != nil {
			return nil, err
		}
		keep[p] = !same
	}
	out := make([]any, 0, len(list))
	for i, v := range list {
		if keep[i] {
			out = append(out, v)
		}
	}
	return out, nil
}

// span answers a..b, both ends included.
func (s *state) span(from, to any) (any, error) {
	a, okA := wholeNumber(from)
	b, okB := wholeNumber(to)
	switch {
	case !okA || !okB:
		return nil, faultf("cannot count from %s to %s: .. takes integers", kindOf(from), kindOf(to))
	case b < a:
		return []any{}, nil
	case uint(b)-uint(a) >= maxRange:
		return nil, faultf("cannot count from %d to %d: that is more than %d", a, b, maxRange)
	}
	if err := s.grow(2 * elemBytes * (b - a + 1)); err != nil {
		return nil, err
	}
	out := make([]any, 0, b-a+1)
	for i := a; ; i++ {
		if out = append(out, i); i == b {
			return out, nil
		}
	}
}
