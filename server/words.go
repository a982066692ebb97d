package server

import (
	"fmt"
	"strings"

	"weft/spec"
)

// first says a diagnostic on one line, without its file.
func first(d spec.Diagnostic) string {
	return fmt.Sprintf("%d:%d: %s [%s]", d.Line, d.Column, d.Message, d.Code)
}

func either(words []string) string { return strings.Join(words, " or ") }
