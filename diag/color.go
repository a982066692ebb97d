package diag

import "weft/spec"

// The few looks that are used; the terminal's own palette decides the shade.
const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	cyan   = "1;36"
	green  = "32"
	blue   = "34"
)

func severityColor(s spec.Severity) string {
	switch s {
	case spec.Error:
		return red
	case spec.Warning:
		return yellow
	}
	return cyan
}

func (r *renderer) paint(look, s string) string {
	if !r.o.Color || look == "" {
		return s
	}
	return "\x1b[" + look + "m" + s + "\x1b[0m"
}
