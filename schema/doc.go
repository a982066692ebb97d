// Package schema holds the JSON Schema of a DAG file, puts each plugin's own into it, and checks
// values against compiled schemas.
//
// dag.schema.json is written by hand, once, for editors: it describes every key. The validator
// (package spec) gives better messages than a schema can and does not run it; a test there holds
// the two to the same keys. What is checked by schema at validation and at run time are plugin
// inputs, params and declared outputs.
//
// Absent on purpose: fetching. A schema that points outside itself does not compile.
package schema
