// Package spec reads DAG files: YAML in; a tree that knows where each value stands, diagnostics
// and a machine.Plan out.
//
// The way of a file: bytes → source (lines, limits) → yaml.v3 → tree (positions, merges, limits of
// aliases) → fields (each mapping against its table of keys) → a draft of the plan → rules, one a
// file → sorted diagnostics. Nothing stops at the first mistake; a mistake is reported once, at its
// cause.
//
// Invariants: the same bytes and options give the same diagnostics and the same plan, byte for byte.
// Scalars are typed by the place they stand in, from the source text, never by yaml.v3.
//
// Absent on purpose: the file system (FileExists is handed in), the network, plugins (Plugins is an
// interface of this package), linters of shells (Lint is handed in), clocks. Scripts are never spliced: see script.go.
package spec
