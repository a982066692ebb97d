package runner

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"weft/expr"
	"weft/machine"
)

// RequestFormat is the number of a request's serialised form. A reader refuses what it does not know.
const RequestFormat = 1

// wire is a request as JSON.
type wire struct {
	Format        int         `json:"format"`
	Plan          machine.Raw `json:"plan"`
	Dir           string      `json:"dir"`
	Run           string      `json:"run_id,omitempty"`
	Type          string      `json:"run_type"`
	LogicalDate   time.Time   `json:"logical_date"`
	IntervalStart time.Time   `json:"data_interval_start"`
	IntervalEnd   time.Time   `json:"data_interval_end"`
	Params        machine.Raw `json:"params,omitempty"` // JSON object
	Vars          machine.Raw `json:"vars,omitempty"`   // JSON object
	By            string      `json:"by,omitempty"`
	Handoff       string      `json:"handoff,omitempty"`
	MaxInstances  int         `json:"max_instances,omitempty"`
	Sandbox       bool        `json:"sandbox,omitempty"`
}

// Encode returns the request as JSON, for another process to start.
func (r Request) Encode() ([]byte, error) {
	params, vars, err := r.Inputs()
	if err != nil {
		return nil, err
	}
	body, _ := r.Plan.Encode()
	return json.Marshal(wire{
		Format: RequestFormat, Plan: body, Dir: r.Dir, Run: r.Run, Type: r.Type,
		LogicalDate: r.LogicalDate, IntervalStart: r.IntervalStart, IntervalEnd: r.IntervalEnd,
		Params: params, Vars: vars, By: r.By, Handoff: r.Handoff, MaxInstances: r.MaxInstances, Sandbox: r.Sandbox,
	})
}

// DecodeRequest reads what Encode wrote. What it does not know is an error: a request of another weft would
// otherwise lose a part of what it says.
func DecodeRequest(body []byte) (r Request, err error) {
	var w wire
	if err := DecodeStrictly(body, &w); err != nil {
		return r, fmt.Errorf("cannot read the request: %w", err)
	}
	if w.Format < 1 || w.Format > RequestFormat {
		return r, fmt.Errorf("cannot read the request: format %d, this weft knows up to %d", w.Format, RequestFormat)
	}
	if len(w.Plan) == 0 {
		return r, errors.New("cannot read the request: it has no plan")
	}
	r = Request{
		Dir: w.Dir, Run: w.Run, Type: w.Type, LogicalDate: w.LogicalDate, IntervalStart: w.IntervalStart, IntervalEnd: w.IntervalEnd,
		By: w.By, Handoff: w.Handoff, MaxInstances: w.MaxInstances, Sandbox: w.Sandbox,
	}
	var kind *json.UnmarshalTypeError
	switch r.Plan, err = machine.DecodePlan(w.Plan); {
	case errors.As(err, &kind):
		return r, fmt.Errorf("cannot read the request: its plan is none that a weft has made (%s is of the wrong type)", cmp.Or(kind.Field, "it"))
	case err != nil:
		return r, err
	}
	if r.Params, err = DecodeObject("params", w.Params); err != nil {
		return r, err
	}
	r.Vars, err = DecodeObject("vars", w.Vars)
	return r, err
}

// DecodeObject reads a JSON object into values as a request has them; none is an empty one. what names it in errors.
func DecodeObject(what string, raw machine.Raw) (map[string]any, error) {
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	v, err := expr.DecodeJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", what, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("cannot read %s: they are no JSON object", what)
	}
	return m, nil
}

// DecodeStrictly reads one JSON value and nothing behind it. An unknown key is an error, in words for people.
func DecodeStrictly(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s is of the wrong type: a JSON %s", kind.Field, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("it is a JSON %s, not an object", kind.Value)
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}
