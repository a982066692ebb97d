// Package tests holds weft to its word from outside: the import map, and the real binary as a user
// runs it. It has no code of its own that anything imports.
package tests
