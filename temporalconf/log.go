package temporalconf

import (
	"log/slog"
	"slices"
	"strings"

	"go.temporal.io/sdk/log"
)

// A logger says what the SDK says, as weft's own log does, and a degree more quietly: that an activity is tried
// again, or a poll broke off, is everyday.
type logger struct{ to *slog.Logger }

var _ log.WithLogger = logger{}

func (l logger) Debug(msg string, keyvals ...any) {} // of the SDK's own working
func (l logger) Info(msg string, keyvals ...any)  { l.to.Debug(msg, keyvals...) }
func (l logger) Warn(msg string, keyvals ...any)  { l.to.Info(msg, explained(keyvals)...) }
func (l logger) Error(msg string, keyvals ...any) {
	if msg == "Activity error." { // "not yet" is one; whoever does the activity says what matters
		l.to.Debug(msg, keyvals...)
		return
	}
	l.to.Warn(msg, explained(keyvals)...)
}

// explained are the same values with errors in words for people. What weft says itself that it cannot do, it says without a
// stack.
func explained(keyvals []any) []any {
	out, foreseen := slices.Clone(keyvals), false
	for i, v := range out {
		if err, ok := v.(error); ok {
			out[i] = Explain(err)
			foreseen = foreseen || strings.HasPrefix(err.Error(), "cannot ")
		}
	}
	if i := slices.Index(out, any("StackTrace")); i >= 0 && foreseen {
		out = slices.Delete(out, i, min(i+2, len(out)))
	}
	return out
}

// With implements log.WithLogger.
func (l logger) With(keyvals ...any) log.Logger { return logger{l.to.With(keyvals...)} }
