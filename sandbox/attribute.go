package sandbox

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// An attribute is a value as DynamoDB has it on the wire: one member, whose name is its type.
type attribute map[string]any

type item map[string]attribute

// kind is the attribute's type, "" if it is not well formed.
func (a attribute) kind() string {
	if len(a) != 1 {
		return ""
	}
	for k := range a {
		return k
	}
	return ""
}

// text is the value of an S, an N or a B.
func (a attribute) text() string {
	s, _ := a[a.kind()].(string)
	return s
}

func (a attribute) list() []any {
	l, _ := a[a.kind()].([]any)
	return l
}

// checked proves an attribute, and adds up its size as DynamoDB counts it.
func (a attribute) checked(depth int) (size int, err error) {
	kind, wrong := a.kind(), invalidValue("an attribute value is not of its type")
	if depth > 32 {
		return 0, invalidValue("Nesting Levels have exceeded supported limits")
	}
	switch kind {
	case "S":
		s, ok := a["S"].(string)
		if !ok {
			return 0, wrong
		}
		return len(s), nil
	case "N":
		return numberSize(a["N"])
	case "B":
		return binarySize(a["B"])
	case "BOOL":
		if _, ok := a["BOOL"].(bool); !ok {
			return 0, wrong
		}
		return 1, nil
	case "NULL":
		if a["NULL"] != true {
			return 0, wrong
		}
		return 1, nil
	case "SS", "NS", "BS":
		return a.checkedSet(kind)
	case "L":
		size = 3
		for _, el := range a.list() {
			m, ok := el.(map[string]any)
			if !ok {
				return 0, wrong
			}
			n, err := attribute(m).checked(depth + 1)
			if err != nil {
				return 0, err
			}
			size += n + 1
		}
		return size, nil
	case "M":
		size = 3
		m, ok := a["M"].(map[string]any)
		if !ok {
			return 0, wrong
		}
		for name, el := range m {
			in, _ := el.(map[string]any)
			n, err := attribute(in).checked(depth + 1)
			if err != nil {
				return 0, err
			}
			size += len(name) + n + 1
		}
		return size, nil
	}
	return 0, invalidValue("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func (a attribute) checkedSet(kind string) (size int, err error) {
	list := a.list()
	if len(list) == 0 {
		return 0, invalidValue("An " + map[string]string{"SS": "string", "NS": "number", "BS": "binary"}[kind] + " set may not be empty")
	}
	seen := map[string]bool{}
	for _, el := range list {
		one := attribute{kind[:1]: el}
		n, err := one.checked(0)
		if err != nil {
			return 0, err
		}
		if seen[one.canonical()] {
			return 0, invalidValue("Input collection contains duplicates")
		}
		seen[one.canonical()] = true
		size += n
	}
	return size, nil
}

// numberSize proves a number: 38 digits, 1E-130 to 9.99E+125.
func numberSize(v any) (int, error) {
	text, ok := v.(string)
	n, valid := new(big.Rat).SetString(text)
	if !ok || !valid || strings.ContainsAny(text, "/_xXpPbBoO") || len(text) > 400 {
		return 0, invalidValue(fmt.Sprintf("The parameter cannot be converted to a numeric value: %.100v", v))
	}
	digits := significant(n)
	if len(digits) > 38 {
		return 0, invalidValue("Attempting to store more than 38 significant digits in a Number")
	}
	if n.Sign() != 0 {
		size := new(big.Rat).Abs(n)
		most, _ := new(big.Rat).SetString("1e126")
		least, _ := new(big.Rat).SetString("1e-130")
		if size.Cmp(most) >= 0 {
			return 0, invalidValue("Number overflow. Attempting to store a number with magnitude larger than supported range")
		}
		if size.Cmp(least) < 0 {
			return 0, invalidValue("Number underflow. Attempting to store a number with magnitude smaller than supported range")
		}
	}
	return len(digits)/2 + 2, nil
}

// significant is a number's digits, without the zeros around them.
func significant(n *big.Rat) string {
	text := new(big.Rat).Abs(n).FloatString(400)
	return strings.Trim(strings.Replace(text, ".", "", 1), "0")
}

// plainNumber is a number as DynamoDB gives it back: without an exponent, without zeros that say nothing.
func plainNumber(text string) string {
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	out := n.FloatString(400)
	out = strings.TrimRight(strings.TrimRight(out, "0"), ".")
	if out == "" || out == "-" || out == "-0" {
		return "0"
	}
	return out
}

func binarySize(v any) (int, error) {
	text, ok := v.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return 0, invalidValue("a binary value is no base64")
	}
	return len(raw), nil
}

// normal has the numbers in the form in which they are given back.
func (a attribute) normal() attribute {
	switch kind := a.kind(); kind {
	case "N":
		return attribute{"N": plainNumber(a.text())}
	case "NS":
		out := make([]any, len(a.list()))
		for i, el := range a.list() {
			out[i] = plainNumber(fmt.Sprint(el))
		}
		return attribute{"NS": out}
	case "L":
		out := make([]any, len(a.list()))
		for i, el := range a.list() {
			m, _ := el.(map[string]any)
			out[i] = map[string]any(attribute(m).normal())
		}
		return attribute{"L": out}
	case "M":
		m, _ := a["M"].(map[string]any)
		out := make(map[string]any, len(m))
		for name, el := range m {
			in, _ := el.(map[string]any)
			out[name] = map[string]any(attribute(in).normal())
		}
		return attribute{"M": out}
	}
	return a
}

// canonical is a text that two attributes share if they are equal.
func (a attribute) canonical() string {
	kind := a.kind()
	switch kind {
	case "SS", "NS", "BS":
		var all []string
		for _, el := range a.list() {
			all = append(all, attribute{kind[:1]: el}.canonical())
		}
		slices.Sort(all)
		return kind + strings.Join(all, ",")
	case "L":
		var all []string
		for _, el := range a.list() {
			m, _ := el.(map[string]any)
			all = append(all, attribute(m).canonical())
		}
		return "L[" + strings.Join(all, ",") + "]"
	case "M":
		m, _ := a["M"].(map[string]any)
		var all []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			in, _ := m[name].(map[string]any)
			all = append(all, fmt.Sprintf("%q:%s", name, attribute(in).canonical()))
		}
		return "M{" + strings.Join(all, ",") + "}"
	case "N":
		return "N" + plainNumber(a.text())
	}
	return fmt.Sprintf("%s%q", kind, fmt.Sprint(a[kind]))
}

// compare orders two attributes of one type that has an order: S, N, B. ok is false for all others.
func (a attribute) compare(b attribute) (order int, ok bool) {
	if a.kind() != b.kind() {
		return 0, false
	}
	switch a.kind() {
	case "S":
		return strings.Compare(a.text(), b.text()), true
	case "N":
		x, okX := new(big.Rat).SetString(a.text())
		y, okY := new(big.Rat).SetString(b.text())
		if !okX || !okY {
			return 0, false
		}
		return x.Cmp(y), true
	case "B":
		x, _ := base64.StdEncoding.DecodeString(a.text())
		y, _ := base64.StdEncoding.DecodeString(b.text())
		return strings.Compare(string(x), string(y)), true
	}
	return 0, false
}

// mostItem is DynamoDB's limit of an item, names counted.
const mostItem = 400 << 10

// checked proves an item.
func (i item) checked() (size int, err error) {
	for name, a := range i {
		n, err := a.checked(0)
		if err != nil {
			return 0, err
		}
		size += len(name) + n
	}
	if size > mostItem {
		return 0, invalidValue("Item size has exceeded the maximum allowed size")
	}
	return size, nil
}

func invalidValue(message string) *fault { return &fault{400, "ValidationException", message} }
