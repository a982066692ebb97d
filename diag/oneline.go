package diag

import (
	"fmt"
	"io"
	"strings"

	"weft/spec"
)

// OneLine writes "file:line:column: error[G201]: message (label)", the form that editors read.
func OneLine(w io.Writer, ds []spec.Diagnostic, o Options) error {
	ds = conceal(ds, o)
	var out strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&out, "%s: %s: %s", place(d.File, d.Line, d.Column), head(d), visible(d.Message))
		if d.Label != "" {
			fmt.Fprintf(&out, " (%s)", visible(d.Label))
		}
		out.WriteByte('\n')
	}
	return write(w, out.String())
}

// head is the severity and the code: "error[G201]".
func head(d spec.Diagnostic) string {
	if d.Code == "" {
		return string(d.Severity)
	}
	return fmt.Sprintf("%s[%s]", d.Severity, d.Code)
}

// place is "file:line:column", or what of it is known.
func place(file string, line, column int) string {
	file = visible(file)
	switch {
	case line < 1:
		return file
	case column < 1:
		return fmt.Sprintf("%s:%d", file, line)
	}
	return fmt.Sprintf("%s:%d:%d", file, line, column)
}
