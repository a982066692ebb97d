package plugins

import (
	"context"
	"encoding/json"
	"time"
)

// RemoteWork is the ability of a plugin whose work lives elsewhere and outlasts this process: a job of a
// service. Its attempts hold no slot, process or thread while they are watched, go on over restarts of
// weft, and are stopped where they are. Run of such a plugin is never asked for.
//
// What the methods return is kept in the journal: targets and handles hold no secrets, and are all that
// Find, Check and Stop may need besides Call.Env. A call of theirs has By, Env, Now and Logf alone, which
// after a crash is all that is sure to be there.
type RemoteWork interface {
	// Target says, of an input that fits the schema, what it takes to find a submission by its token, as
	// JSON. It touches nothing outside. An input that cannot be submitted is refused here, as BadInput.
	Target(input json.RawMessage) (json.RawMessage, error)
	// Submit has the service begin. The token must travel with the submission, so that it is found again
	// by it, or so that the service takes a second submission under it for the first. Where nobody knows
	// whether the service has begun, the error is Unsure; it is then found, or submitted again under the
	// same token. Call is whole here.
	Submit(ctx context.Context, call *Call, s Submission) (Handle, error)
	// Check asks how a submission is. An error says that it could not be asked: it is asked again later.
	Check(ctx context.Context, call *Call, handle json.RawMessage) (Progress, error)
	// Stop asks the service to end a submission; that it has ended, Check says. One that has ended is no
	// error.
	Stop(ctx context.Context, call *Call, handle json.RawMessage) error
}

// Finder is the ability of a RemoteWork to find a submission by its token. One without it must be
// idempotent: its Submit gives, under the token of an earlier one, the handle of that.
type Finder interface {
	Find(ctx context.Context, call *Call, s Submission) (h Handle, found bool, err error)
}

// Idempotent is the ability of a Finder whose Submit gives, under the token of an earlier one, the handle of
// that: what it does not find may be submitted at once.
type Idempotent interface{ Idempotent() }

// BatchChecker is the ability of a RemoteWork to check many submissions by fewer calls.
type BatchChecker interface {
	// Batch names what is checked together; handles of other batches never come with these.
	Batch(handle json.RawMessage) string
	// CheckAll is Check for each handle, in their order. The error is about all of them.
	CheckAll(ctx context.Context, call *Call, handles []json.RawMessage) ([]Progress, error)
}

// A Submission is what is known before the service is asked.
type Submission struct {
	Token    string // [a-z0-9-], at most 64 bytes, unlike any other of any weft
	Intended time.Time
	Target   json.RawMessage
}

// A Handle names a submission that the service has taken.
type Handle struct {
	Data json.RawMessage
	Text string // for people, a noun: "glue job clean_orders run jr_1"
	Soon bool   // Check has an answer at once
}

// A Progress is how a submission is.
type Progress struct {
	State  string // the service's own word, for people: "RUNNING"
	Done   bool
	Failed *Error // where Done and it did not succeed
	Result Result // where Done and it did
	// Unasked, from CheckAll, says why this one could not be asked, where others were.
	Unasked error
}
