package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"weft/machine"
	"weft/plugins"
	"weft/secrets"
)

// stopped is the failure of a call whose context has ended, by its cause.
func stopped(cause error) error {
	var stop *StopError
	var late timeoutError
	switch {
	case errors.As(cause, &late):
		return &plugins.Error{Kind: plugins.Timeout, Err: late}
	case errors.As(cause, &stop) && stop.Reason == "timeout":
		return plugins.Errorf(plugins.Timeout, "stopped: timed out")
	case errors.As(cause, &stop):
		return plugins.Errorf(plugins.Cancelled, "stopped: %s", stop.Reason)
	case errors.Is(cause, context.DeadlineExceeded):
		return plugins.Errorf(plugins.Timeout, "timed out")
	}
	return plugins.Errorf(plugins.Cancelled, "stopped: cancelled")
}

var kinds = map[plugins.Kind]bool{
	plugins.BadInput: true, plugins.Temporary: true, plugins.Timeout: true,
	plugins.Cancelled: true, plugins.Remote: true, plugins.Internal: true,
}

// outcomeOf maps a failure: its kind, its exit status, and whether it means skip or give up. Its text
// is masked before anything is done to it.
func outcomeOf(err error, mask *secrets.Mask) machine.Outcome {
	out := machine.Outcome{State: machine.Failed, Kind: string(plugins.KindOf(err)), Error: oneLine(mask.Message(err.Error()))}
	if !kinds[plugins.Kind(out.Kind)] {
		out.Kind = string(plugins.Internal)
	}
	var e *plugins.Error
	if errors.As(err, &e) {
		out.Exit, out.Final = e.Exit, e.Final
		if e.Skip {
			out.State, out.Kind, out.Final = machine.Skipped, "", false
		}
	}
	return out
}

// oneLine joins an error's lines. What cannot be shown becomes U+FFFD.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// maxError is how much of an error is kept with the run; the log has all of it.
const maxError = 1000

func short(s string) string {
	if len(s) <= maxError {
		return s
	}
	cut := maxError
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes more in the log)", s[:cut], len(s)-cut)
}
