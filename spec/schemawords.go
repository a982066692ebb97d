package spec

import "slices"

// Keywords of JSON Schema whose value is a schema, a map of names and schemas, or a list of schemas.
var (
	holdsSchema  = []string{"items", "additionalItems", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not"}
	holdsNamed   = []string{"properties", "patternProperties", "definitions", "dependencies"}
	holdsSchemas = []string{"items", "allOf", "anyOf", "oneOf"}
)

// nestedWords checks the keywords of the schemas inside a schema; its own are the caller's. A misspelt one would be
// passed over in silence, as a schema ignores what it does not know.
func (d *DAG) nestedWords(n *Node) {
	for _, f := range n.Fields() {
		switch key, v := f.Key.Text, f.Value; {
		case slices.Contains(holdsNamed, key) && v.Kind == Mapping:
			for _, named := range v.Fields() {
				d.schemaHere(named.Value)
			}
		case slices.Contains(holdsSchemas, key) && v.Kind == Sequence:
			for _, it := range v.Items() {
				d.schemaHere(it)
			}
		case slices.Contains(holdsSchema, key):
			d.schemaHere(v)
		}
	}
}

func (d *DAG) schemaHere(n *Node) {
	if n.Kind == Mapping { // else it is true, false, or what the compiler of schemas reports
		d.fields(n, schemaKeys, "the schema")
		d.nestedWords(n)
	}
}
