package temporalconf

import (
	"log/slog"

	"go.temporal.io/sdk/log"
)

// A logger says what the SDK says, as weft's own log does, and a degree more quietly: that an activity is tried
// again, or a poll broke off, is everyday.
type logger struct{ to *slog.Logger }

var _ log.WithLogger = logger{}

func (l logger) Debug(msg string, keyvals ...any) {} // of the SDK's own working
func (l logger) Info(msg string, keyvals ...any)  { l.to.Debug(msg, keyvals...) }
func (l logger) Warn(msg string, keyvals ...any)  { l.to.Info(msg, keyvals...) }
func (l logger) Error(msg string, keyvals ...any) {
	if msg == "Activity error." { // "not yet" is one; whoever does the activity says what matters
		l.to.Debug(msg, keyvals...)
		return
	}
	l.to.Warn(msg, keyvals...)
}

// With implements log.WithLogger.
func (l logger) With(keyvals ...any) log.Logger { return logger{l.to.With(keyvals...)} }
