package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An attribute is a value as DynamoDB has it: one member, whose name is its type.
type attribute map[string]any

// The forms of what JSON has not. Each is an object with this one member.
const (
	binaryForm = "$binary" // base64 of bytes
	setForm    = "$set"    // a list of texts, of numbers or of binaries, none twice
)

// encode makes an attribute of a JSON value whose numbers are json.Number. The error is a clause.
func encode(v any) (attribute, error) {
	switch v := v.(type) {
	case nil:
		return attribute{"NULL": true}, nil
	case bool:
		return attribute{"BOOL": v}, nil
	case string:
		return attribute{"S": v}, nil
	case json.Number:
		return attribute{"N": v.String()}, fitsNumber(v.String())
	case []any:
		list := make([]attribute, len(v))
		for i, el := range v {
			var err error
			if list[i], err = encode(el); err != nil {
				return nil, err
			}
		}
		return attribute{"L": list}, nil
	case map[string]any:
		return encodeMap(v)
	}
	return nil, errors.New("is no JSON")
}

func encodeMap(v map[string]any) (attribute, error) {
	if special, ok := v[binaryForm]; ok && len(v) == 1 {
		text, isText := special.(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if !isText || err != nil {
			return nil, errors.New("is no base64, which " + binaryForm + " must hold")
		}
		return attribute{"B": raw}, nil
	}
	if special, ok := v[setForm]; ok && len(v) == 1 {
		return encodeSet(special)
	}
	members := make(map[string]attribute, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		var err error
		if members[name], err = encode(v[name]); err != nil {
			return nil, err
		}
	}
	return attribute{"M": members}, nil
}

func encodeSet(v any) (attribute, error) {
	list, _ := v.([]any)
	var kind string
	elements := make([]any, len(list))
	for i, el := range list {
		a, err := encode(el)
		if err != nil {
			return nil, err
		}
		for k, value := range a {
			if i > 0 && k != kind || k != "S" && k != "N" && k != "B" {
				list = nil
			}
			kind, elements[i] = k, value
		}
	}
	if len(list) == 0 {
		return nil, errors.New("is no set: " + setForm + " holds a list of texts, of numbers, or of " + binaryForm + ", and is not empty")
	}
	return attribute{kind + "S": elements}, nil
}

// What a number may have: 38 digits, and a size from 1E-130 to 9.99E+125. JSON has no bound.
const (
	mostDigits  = 38
	mostPower   = 125
	leastPower  = -130
	mostExample = 40 // characters of a number in a message
)

// fitsNumber tells whether DynamoDB keeps a number as it is.
func fitsNumber(n string) error {
	shown := n
	if len(shown) > mostExample {
		shown = shown[:mostExample] + "…"
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(n, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return nil // zero
	}
	power, err := 0, error(nil)
	if exponent != "" {
		power, err = strconv.Atoi(exponent)
	}
	power += len(whole) - 1 - (len(whole+fraction) - len(digits)) // of the first digit that is none of the zeros
	if err != nil || power > mostPower || power < leastPower {
		return fmt.Errorf("is %s, and a number of DynamoDB lies between 1E%d and 1E+%d", shown, leastPower, mostPower+1)
	}
	if len(strings.TrimRight(digits, "0")) > mostDigits {
		return fmt.Errorf("is %s, and a number of DynamoDB has at most %d digits (write it as text)", shown, mostDigits)
	}
	return nil
}

// decodeMap makes a JSON object of attributes, the names in order.
func decodeMap(members map[string]attribute) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := decode(members[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// decode makes JSON of an attribute. A number is the digits that DynamoDB has, a set a list, bytes are
// base64: what is read is plain JSON, also where what was written had a form of its own.
func decode(a attribute) (json.RawMessage, error) {
	for kind, v := range a {
		switch kind {
		case "NULL":
			return json.RawMessage("null"), nil
		case "N":
			return number(v)
		case "NS":
			return list(v, number)
		case "L":
			return list(v, func(el any) (json.RawMessage, error) {
				m, _ := el.(map[string]any)
				return decode(m)
			})
		case "M":
			m, _ := v.(map[string]any)
			members := make(map[string]attribute, len(m))
			for name, el := range m {
				members[name], _ = el.(map[string]any)
			}
			return decodeMap(members)
		case "S", "B", "BOOL", "SS", "BS":
			return json.Marshal(v)
		}
	}
	return nil, errors.New("it holds a value of a type that this weft does not know")
}

func number(v any) (json.RawMessage, error) {
	text, _ := v.(string)
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" || !json.Valid([]byte(text)) {
		return nil, errors.New("it holds a number that is none")
	}
	return json.RawMessage(text), nil
}

func list(v any, each func(any) (json.RawMessage, error)) (json.RawMessage, error) {
	elements, _ := v.([]any)
	out := make([]json.RawMessage, len(elements))
	for i, el := range elements {
		var err error
		if out[i], err = each(el); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}
