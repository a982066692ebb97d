package schema

import (
	"bytes"
	_ "embed"
)

//go:embed test.schema.json
var testSchema []byte

// Cases returns the schema of a test file (NAME.test.yaml), for editors.
func Cases() []byte { return bytes.Clone(testSchema) }
