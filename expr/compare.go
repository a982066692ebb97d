package expr

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// rank is the order between values of different kinds in sort and unique.
var rank = map[Kind]int{
	KindNull: 0, KindBool: 1, KindInt: 2, KindNumber: 2, KindString: 3,
	KindTime: 4, KindDuration: 5, KindArray: 6, KindObject: 7,
}

// order compares any two values: the total order of sort and unique, and equality.
func (s *state) order(a, b any, depth int) (int, error) {
	if depth > maxDepth {
		return 0, fault("cannot compare: a value is nested too deeply")
	}
	if err := s.spend(1); err != nil {
		return 0, err
	}
	a, err := admit(a)
	if err != nil {
		return 0, err
	}
	if b, err = admit(b); err != nil {
		return 0, err
	}
	if ra, rb := rank[kindOf(a)], rank[kindOf(b)]; ra != rb {
		return ra - rb, nil
	}
	switch a := a.(type) {
	case bool:
		return orderBool(a, b.(bool)), nil
	case int, float64:
		return orderNumbers(a, b), nil
	case string:
		other := b.(string)
		return strings.Compare(a, other), s.scan(min(len(a), len(other)))
	case time.Time:
		return a.Compare(b.(time.Time)), nil
	case time.Duration:
		return cmp.Compare(a, b.(time.Duration)), nil
	case []any:
		return s.orderLists(a, b.([]any), depth)
	case map[string]any:
		return s.orderMaps(a, b.(map[string]any), depth)
	}
	return 0, nil // both are null
}

func orderBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// orderNumbers is exact, also between an integer beyond 2⁵³ and a fraction.
func orderNumbers(a, b any) int {
	i, aInt := a.(int)
	j, bInt := b.(int)
	switch {
	case aInt && bInt:
		return cmp.Compare(i, j)
	case aInt:
		return orderMixed(i, b.(float64))
	case bInt:
		return -orderMixed(j, a.(float64))
	}
	return cmp.Compare(a.(float64), b.(float64))
}

func orderMixed(i int, f float64) int {
	switch {
	case math.IsNaN(f) || f < math.MinInt64:
		return 1
	case f >= math.MaxInt64: // the float is 2⁶³, beyond every integer
		return -1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

func (s *state) orderLists(a, b []any, depth int) (int, error) {
	for i := range min(len(a), len(b)) {
		if c, err := s.order(a[i], b[i], depth+1); c != 0 || err != nil {
			return c, err
		}
	}
	return len(a) - len(b), nil
}

// orderMaps goes by size, then by sorted keys, then by the values in the order of the keys.
func (s *state) orderMaps(a, b map[string]any, depth int) (int, error) {
	if len(a) != len(b) {
		return len(a) - len(b), nil
	}
	if err := s.spend(len(a) * 2); err != nil {
		return 0, err
	}
	keys, others := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	if c := slices.Compare(keys, others); c != 0 {
		return c, nil
	}
	for _, k := range keys {
		if c, err := s.order(a[k], b[k], depth+1); c != 0 || err != nil {
			return c, err
		}
	}
	return 0, nil
}

func (s *state) equal(a, b any) (bool, error) {
	c, err := s.order(a, b, 0)
	return c == 0, err
}

// less answers < and its like: only within numbers, texts, times and durations.
func (s *state) compare(op string, a, b any) (any, error) {
	ka, kb := kindOf(a), kindOf(b)
	if rank[ka] != rank[kb] || !ordered(ka) {
		hint := ""
		if ka == KindNull || kb == KindNull {
			hint = "; say what null stands for with default(…, 0)"
		} else if ka == KindTime && kb == KindString || ka == KindString && kb == KindTime {
			hint = "; make a time of the text with date(…)"
		}
		return nil, faultf("cannot compare %s %s %s%s", ka, op, kb, hint)
	}
	c, err := s.order(a, b, 0)
	switch op {
	case "<":
		return c < 0, err
	case "<=":
		return c <= 0, err
	case ">":
		return c > 0, err
	}
	return c >= 0, err
}

// ordered tells whether < means something for a kind.
func ordered(k Kind) bool {
	switch k {
	case KindInt, KindNumber, KindString, KindTime, KindDuration:
		return true
	}
	return false
}
