package cli

import (
	"charm.land/lipgloss/v2"

	"weft/machine"
)

// Styles are of the terminal's own sixteen colours, so that they suit its ground.
var (
	green  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	red    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	yellow = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	blue   = lipgloss.NewStyle().Foreground(lipgloss.Blue)
	purple = lipgloss.NewStyle().Foreground(lipgloss.Magenta)
	faint  = lipgloss.NewStyle().Faint(true)
	strong = lipgloss.NewStyle().Bold(true)
)

// A look is how a state shows; the glyph alone must tell it, for those who see no colours.
type look struct {
	glyph string
	style lipgloss.Style
}

var looks = map[string]look{
	"none":              {"·", faint},
	"scheduled":         {"○", faint},
	"queued":            {"○", blue},
	"running":           {"●", blue},
	"up_for_reschedule": {"◷", yellow},
	"deferred":          {"◷", blue},
	"up_for_retry":      {"↻", yellow},
	"success":           {"✓", green},
	"failed":            {"✗", red},
	cancelled:           {"✗", yellow},
	"skipped":           {"–", faint},
	"upstream_failed":   {"⊘", purple},
}

// cancelled is how a task shows, on the screen alone, that failed because its run was cancelled.
const cancelled = "cancelled"

// shows is the state that a row is shown in.
func (b *board) shows(r *row) string {
	if r.state == machine.Failed.String() && b.stopped(r) {
		return cancelled
	}
	return r.state
}

// spinner turns while a task runs.
var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// runLook is how the state of a run shows.
func runLook(state string) lipgloss.Style {
	switch state {
	case "success":
		return green
	case "failed":
		return red
	case "cancelled", cancelling:
		return yellow
	}
	return blue
}

// paint gives a text a style, if colours are wanted.
func paint(color bool, style lipgloss.Style, s string) string {
	if !color || s == "" {
		return s
	}
	return style.Render(s)
}
