package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"weft/plugins"
)

// An input is what `with` says, as input.json describes it.
type input struct {
	URL     string           `json:"url"`
	Method  string           `json:"method"`
	Headers map[string]texts `json:"headers"`
	Query   map[string]texts `json:"query"`
	JSON    json.RawMessage  `json:"json"` // nil = absent; null is a value
	Body    *string          `json:"body"`
	Form    map[string]texts `json:"form"` // nil = absent
	Auth    *auth            `json:"auth"`
	Expect  struct {
		Status statuses `json:"status"`
	} `json:"expect"`
}

// An auth is who asks: one of its members.
type auth struct {
	Basic *struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"basic"`
	Bearer *string `json:"bearer"`
}

// texts is a text, or a list of them.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'['}) {
		return json.Unmarshal(b, (*[]string)(t))
	}
	var one string
	err := json.Unmarshal(b, &one)
	*t = texts{one}
	return err
}

// methods are those of input.json. CONNECT and TRACE are not for a client of this kind.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// readInput reads what the schema has let through; it says little to what it has not.
func readInput(raw json.RawMessage) (*input, error) {
	var in input
	if err := json.Unmarshal(raw, &in); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, plugins.Errorf(plugins.BadInput, "cannot read the input of http: %s is of the wrong type", wrong.Field)
		}
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the input of http: it is no mapping, or a part of it is of the wrong type")
	}
	bodies := 0
	for _, given := range []bool{in.JSON != nil, in.Body != nil, in.Form != nil} {
		if given {
			bodies++
		}
	}
	switch {
	case bodies > 1:
		return nil, plugins.Errorf(plugins.BadInput, "cannot send the request: give only one of json, body and form")
	case in.Method == "" && bodies == 1:
		in.Method = "POST"
	case in.Method == "":
		in.Method = "GET"
	case !slices.Contains(methods, in.Method):
		return nil, plugins.Errorf(plugins.BadInput, "cannot send the request: the method %.20q is not known", in.Method)
	}
	return &in, nil
}
