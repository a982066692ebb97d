package editor

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A Value is a JSON value to be judged, and what to call it.
type Value struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// A Fault is what a validator has against a value, and where: a JSON pointer.
type Fault struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// A Validator judges by a draft-07 schema: for each value its faults, none if it is valid.
type Validator struct {
	Name string
	argv []string
	env  []string
}

// Validators are those that are not weft's own.
func Validators(t testing.TB) []Validator {
	dir := Tools(t)
	return []Validator{
		{Name: "ajv", argv: []string{"node", filepath.Join(dir, "validate.mjs")}},
		{
			Name: "python-jsonschema", argv: []string{"python3", filepath.Join(dir, "validate.py")},
			env: []string{"PYTHONPATH=" + filepath.Join(dir, "python"), "PYTHONDONTWRITEBYTECODE=1"},
		},
	}
}

// Judge runs the validator once over all values.
func (v Validator) Judge(t testing.TB, schema json.RawMessage, values []Value) map[string][]Fault {
	t.Helper()
	in, err := json.Marshal(map[string]any{"schema": schema, "values": values})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(v.argv[0], v.argv[1:]...)
	cmd.Env = append(os.Environ(), v.env...)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", v.Name, err, errs.String())
	}
	var told map[string][]Fault
	if err := json.Unmarshal(out, &told); err != nil {
		t.Fatalf("%s: %v\n%s", v.Name, err, out)
	}
	return told
}
