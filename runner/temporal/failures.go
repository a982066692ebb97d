package temporal

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
)

// unreadyError is why a worker cannot do what it was given. Whoever looks at the activity, in Temporal's UI too, reads it:
// the server keeps the last.
type unreadyError struct{ error }

func (e unreadyError) Unwrap() error { return e.error }

// unreadyf says that this worker cannot do it: another may, or this one later.
func unreadyf(format string, args ...any) error { return unreadyError{fmt.Errorf(format, args...)} }

// How long it takes until what a worker could not do is tried again.
const (
	atOnce        = 20 * time.Millisecond // the server knows no shorter one
	leastUnready  = time.Second
	mostUnready   = 30 * time.Second
	doublesUpTo   = 5
	unreadyIsFull = 500 * time.Millisecond
)

// again has the server have it tried again, by whoever has room: the longer it has been so the later.
func again(err error, tries int32) error {
	return triedAgain(err.Error(), ErrUnready, min(leastUnready<<min(tries-1, doublesUpTo), mostUnready))
}

// handedBack has the server give it to another, soon.
func handedBack(why string, in time.Duration) error { return triedAgain(why, ErrUnready, in) }

// askLater is no failure: the server asks again at its time.
func askLater(why string, in time.Duration) error { return triedAgain(why, ErrNotYet, max(in, atOnce)) }

func triedAgain(why, kind string, in time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(why, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: in, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// lost tells the run that nothing of an attempt lives, and that it is to run again under its number and key.
func lost(l Lost) error {
	return temporal.NewApplicationErrorWithOptions(l.Reason, ErrLost, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{l}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}
