package expr

import (
	"encoding/json"
	"reflect"
	"time"
)

// admit lets in what the language has and turns near relations into it (int64, []string …), so
// that callers may hand in plain Go values. Anything else is an error, never a surprise later.
func admit(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, float64, string, time.Time, time.Duration:
		return v, nil
	case []any:
		if v == nil {
			return []any{}, nil // expr-lang would take a nil list for null
		}
		return v, nil
	case map[string]any:
		if v == nil {
			return map[string]any{}, nil
		}
		return v, nil
	case json.Number:
		return number(v.String())
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return DecodeJSON(v)
	}
	return admitOther(reflect.ValueOf(v))
}

func admitOther(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return int(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int(v.Uint()), nil
	case reflect.Float32:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = v.Index(i).Interface()
		}
		return list, nil
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			break
		}
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = it.Value().Interface()
		}
		return m, nil
	}
	return nil, fault("cannot use a value that is not JSON")
}

// kindOf tells the kind of a value that has been admitted.
func kindOf(v any) Kind {
	switch v.(type) {
	case nil:
		return KindNull
	case bool:
		return KindBool
	case int:
		return KindInt
	case float64:
		return KindNumber
	case string:
		return KindString
	case []any:
		return KindArray
	case map[string]any:
		return KindObject
	case time.Time:
		return KindTime
	case time.Duration:
		return KindDuration
	}
	return KindAny
}

// asFloat reads any number.
func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
