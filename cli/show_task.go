package cli

import (
	"bytes"
	"encoding/json"
	"fmt"

	"weft/logs"
	"weft/machine"
)

// showTask prints one task's output: a text as it is, all else as JSON, of a spilled one where it is.
func (e *env) showTask(r *machine.Run, sum machine.Summary, id string, asJSON bool) error {
	t, ok := sum.Tasks[id]
	if !ok {
		return noTask(r.Plan(), sum.Run, id)
	}
	if asJSON {
		return e.printLine(t)
	}
	var text string
	switch {
	case t.Ref != nil:
		fmt.Fprintf(e.stderr, "the output of %s has %d bytes and lies in the handoff:\n", id, t.Ref.Size)
		return e.say(t.Ref.URI)
	case len(t.Output) == 0 || string(t.Output) == "null":
		fmt.Fprintf(e.stderr, "%s is %s and has no output\n", id, t.State)
	case json.Unmarshal(t.Output, &text) == nil:
		return e.say(text)
	default:
		var out bytes.Buffer
		if err := json.Indent(&out, t.Output, "", "  "); err != nil {
			return fmt.Errorf("cannot read the output of %s: %w", id, err)
		}
		return e.say(out.String())
	}
	return nil
}

// say prints a value of somebody else's: a pipe gets every byte of it, a terminal nothing that steers it.
func (e *env) say(text string) error {
	out := e.stdout
	if isTerminal(out) {
		out = logs.NewTerminal(out, true)
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return nil
}
