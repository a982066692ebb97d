package cli

import (
	"fmt"
	"time"

	"github.com/charmbracelet/x/ansi"

	"weft/machine"
	"weft/runner"
)

// A child is a run that a task of a watched one started, as one line shows it.
type child struct {
	dag, run, state, reason string
	begun, ended            time.Time
}

// isChild tells whether an update is about a child.
func isChild(u runner.Update) bool { return u.Type == childStarted || u.Type == childFinished }

// child folds the beginning or the end of a child.
func (b *board) child(u runner.Update) {
	c := b.childOf[u.Run]
	if c == nil {
		c = &child{dag: u.DAG, run: u.Run, begun: u.At}
		if b.childOf == nil {
			b.childOf = map[string]*child{}
		}
		b.childOf[u.Run] = c
		b.children = append(b.children, c)
	}
	if c.state, c.reason = u.State, u.Reason; u.Type == childFinished {
		c.ended = u.At
	}
}

// childRows are the lines of the children: of many the last, which are those that most likely go on.
func (b *board) childRows(s scene, idWidth, room int) (lines []string) {
	shown := b.children
	if s.height > 0 && len(shown) > room {
		shown = shown[len(shown)-max(room-1, 0):]
		lines = append(lines, paint(s.color, faint, fmt.Sprintf("  … %d runs not shown", len(b.children)-len(shown))))
	}
	for _, c := range shown {
		end := s.now
		if !c.ended.IsZero() {
			end = c.ended
		}
		glyph := "●"
		if l, ok := looks[c.state]; ok {
			glyph = l.glyph
		}
		id := ansi.Truncate("↳ "+c.dag, idWidth, "…")
		text := paint(s.color, runLook(c.state), c.state) + "  " + c.run
		if c.state == string(machine.RunFailed) && c.reason != "" {
			text += "  " + clean(c.reason)
		}
		pad := max(idWidth-ansi.StringWidth(id), 0)
		lines = append(lines, fmt.Sprintf("%s %s%*s  %7s  %s", paint(s.color, runLook(c.state), glyph), id, pad, "", elapsed(end.Sub(c.begun)), text))
	}
	return lines
}

// childLine is the beginning or the end of a child as a line of its own.
func childLine(u runner.Update, zone *time.Location, width int, color bool) string {
	parts := []string{u.Run}
	if u.Reason != "" {
		parts = append(parts, clean(u.Reason))
	}
	return eventLine(u.At.In(zone), width, u.DAG, color, runLook(u.State), u.State, parts)
}
