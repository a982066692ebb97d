package expr

import (
	"math"
	"math/bits"
	"time"
)

// arith answers + - * / % **.
func (s *state) arith(op string, a, b any) (any, error) {
	i, aInt := a.(int)
	j, bInt := b.(int)
	if aInt && bInt {
		return intArith(op, i, j)
	}
	x, aNum := asFloat(a)
	y, bNum := asFloat(b)
	if aNum && bNum {
		return floatArith(op, x, y)
	}
	if p, ok := a.(string); ok && op == "+" {
		if q, ok := b.(string); ok {
			if err := s.grow(len(p) + len(q)); err != nil {
				return nil, err
			}
			return p + q, nil
		}
	}
	v, known, err := timeArith(op, a, b)
	if known || err != nil {
		return v, err
	}
	ka, kb := kindOf(a), kindOf(b)
	hint := ""
	switch {
	case ka == KindNull || kb == KindNull:
		hint = "; say what null stands for with default(…, …)"
	case op == "+" && (ka == KindString || kb == KindString):
		hint = "; put values into text as in: a-${{ x }}"
	}
	return nil, faultf("cannot work out %s %s %s%s", ka, op, kb, hint)
}

func intArith(op string, a, b int) (any, error) {
	switch op {
	case "+":
		if sum := a + b; (sum > a) == (b > 0) {
			return sum, nil
		}
	case "-":
		if diff := a - b; (diff < a) == (b > 0) {
			return diff, nil
		}
	case "*":
		if product, ok := mulInt(a, b); ok {
			return product, nil
		}
	case "/":
		return floatArith(op, float64(a), float64(b))
	case "%":
		switch b {
		case 0:
			return nil, fault("cannot divide by zero")
		case -1:
			return 0, nil
		}
		return a % b, nil
	case "**":
		return powInt(a, b)
	}
	return nil, faultf("cannot work out %d %s %d: the result is beyond 64 bits", a, op, b)
}

func mulInt(a, b int) (int, bool) {
	neg := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	switch {
	case hi != 0 || lo > 1<<63 || lo == 1<<63 && !neg:
		return 0, false
	case neg:
		return int(-lo), true
	}
	return int(lo), true
}

func magnitude(n int) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func powInt(a, b int) (any, error) {
	if b < 0 {
		return floatArith("**", float64(a), float64(b))
	}
	if b > 64 && a != 0 && a != 1 && a != -1 {
		return nil, faultf("cannot work out %d ** %d: the result is beyond 64 bits", a, b)
	}
	if b > 64 {
		b = 2 + b%2 // 0, 1 and -1 know only even and odd
	}
	result := 1
	for range b {
		var ok bool
		if result, ok = mulInt(result, a); !ok {
			return nil, faultf("cannot work out %d ** %d: the result is beyond 64 bits", a, b)
		}
	}
	return result, nil
}

func floatArith(op string, x, y float64) (any, error) {
	var f float64
	switch op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		if y == 0 {
			return nil, fault("cannot divide by zero")
		}
		f = x / y
	case "%":
		return nil, fault("cannot work out %: it takes integers")
	case "**":
		f = math.Pow(x, y)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, faultf("cannot work out %s %s %s: the result is no number", floatText(x), op, floatText(y))
	}
	return f, nil
}

// timeArith knows times and durations; known is false for anything else.
func timeArith(op string, a, b any) (v any, known bool, err error) {
	known = true
	switch a := a.(type) {
	case time.Time:
		switch b := b.(type) {
		case time.Duration:
			if op == "+" {
				v, err = shift(a, b)
				return v, known, err
			}
			if op == "-" && b != math.MinInt64 {
				v, err = shift(a, -b)
				return v, known, err
			}
		case time.Time:
			if op == "-" {
				return a.Sub(b), known, nil
			}
		}
	case time.Duration:
		switch b := b.(type) {
		case time.Time:
			if op == "+" {
				v, err = shift(b, a)
				return v, known, err
			}
		case time.Duration:
			return durationArith(op, a, b)
		case int, float64:
			return scaled(op, a, b)
		}
	case int, float64:
		if d, ok := b.(time.Duration); ok && op == "*" {
			return scaled(op, d, a)
		}
	}
	return nil, false, nil
}

func shift(t time.Time, d time.Duration) (any, error) {
	moved, err := inRange(t.Add(d))
	if err != nil {
		return nil, err
	}
	return moved, nil
}

func durationArith(op string, a, b time.Duration) (v any, known bool, err error) {
	switch {
	case op == "+":
		v, err = addDuration(a, b)
		return v, true, err
	case op == "-" && b != math.MinInt64:
		v, err = addDuration(a, -b)
		return v, true, err
	case op == "/" && b == 0:
		return nil, true, fault("cannot divide by zero")
	case op == "/":
		return float64(a) / float64(b), true, nil
	}
	return nil, false, nil
}

func scaled(op string, d time.Duration, by any) (v any, known bool, err error) {
	f, _ := asFloat(by)
	switch {
	case op == "*":
		if n, whole := by.(int); whole {
			if product, ok := mulInt(int(d), n); ok {
				return time.Duration(product), true, nil
			}
		}
		v, err = floatDuration(float64(d) * f)
		return v, true, err
	case op == "/" && f == 0:
		return nil, true, fault("cannot divide by zero")
	case op == "/":
		v, err = floatDuration(float64(d) / f)
		return v, true, err
	}
	return nil, false, nil
}

// negate answers -x.
func negate(v any) (any, error) {
	switch v := v.(type) {
	case int:
		if v != math.MinInt64 {
			return -v, nil
		}
		return nil, fault("cannot negate: the result is beyond 64 bits")
	case float64:
		return -v, nil
	case time.Duration:
		if v != math.MinInt64 {
			return -v, nil
		}
		return nil, fault("cannot negate: the duration is too long")
	}
	return nil, faultf("cannot negate %s", kindOf(v))
}
