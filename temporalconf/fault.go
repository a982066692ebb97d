package temporalconf

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A Fault is what went wrong, as far as anyone acts on it.
type Fault int

// The faults. Other is an answer that has no name here; its text is the server's.
const (
	Other       Fault = iota
	Unreached         // no connection, or it broke, or no answer came in time
	BadSettings       // what TEMPORAL_*, temporal.toml or weft.yaml say cannot be used
	Untrusted         // the two do not trust each other's certificates, or one speaks TLS and the other does not
	Denied            // the key or certificate is known, or not, and may not do this
	NoNamespace
	NotTemporal // something else answers there
	TooLarge    // a payload is beyond what the server takes
	Throttled   // asked too often
	NotFound    // there is no such execution
	Exists      // there is one already
	NoWorker    // nobody answers queries: no worker hosts it
)

// An Error is a failure in words for people: a clause without subject that follows a caller's "cannot …".
type Error struct {
	Fault Fault
	Text  string
	Hint  string // what the user can do; "" = nothing to add
	cause error
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + " (" + e.Hint + ")"
}

func (e *Error) Unwrap() error { return e.cause }

// Temporary tells whether the same call may succeed later with nothing changed.
func (e *Error) Temporary() bool {
	return e.Fault == Unreached || e.Fault == Throttled || e.Fault == NoWorker
}

// FaultOf returns what went wrong; Other if err is no Error.
func FaultOf(err error) Fault {
	var e *Error
	if errors.As(err, &e) {
		return e.Fault
	}
	return Other
}

// Explain turns a failure of the SDK, or of its connection, into an Error. nil, a context that was cancelled and
// what is explained already are left as they are.
func Explain(err error) error {
	var known *Error
	var handoff *claimError
	switch {
	case err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &handoff):
		return handoff
	}
	e := explain(err)
	e.cause = err
	return &e
}

func explain(err error) Error {
	text := textOf(err)
	for _, m := range meanings {
		if strings.Contains(text, m.says) {
			if m.Text == "" {
				m.Text = text
			}
			return m.Error
		}
	}
	var (
		gone     *serviceerror.NamespaceNotFound
		missing  *serviceerror.NotFound
		started  *serviceerror.WorkflowExecutionAlreadyStarted
		unasked  *serviceerror.QueryFailed
		overload *serviceerror.ResourceExhausted
	)
	switch code := codeOf(err); {
	case errors.As(err, &gone):
		return Error{Fault: NoNamespace, Text: fmt.Sprintf("there is no namespace %q", gone.Namespace)}
	case errors.As(err, &missing):
		return Error{Fault: NotFound, Text: "the server knows nothing of it"}
	case errors.As(err, &started):
		return Error{Fault: Exists, Text: "it exists already"}
	case errors.As(err, &unasked):
		return Error{Text: text}
	case errors.As(err, &overload):
		return Error{Fault: Throttled, Text: "the server asks to slow down: " + text}
	case errors.Is(err, context.DeadlineExceeded) || code == codes.DeadlineExceeded:
		return Error{Fault: Unreached, Text: "it does not answer", Hint: unreachedHint}
	case code == codes.Unavailable:
		return Error{Fault: Unreached, Text: text, Hint: unreachedHint}
	case code == codes.Unauthenticated:
		return Error{Fault: Denied, Text: "the API key is refused: " + text, Hint: "check TEMPORAL_API_KEY: it may have expired, or be another namespace's"}
	case code == codes.PermissionDenied:
		return Error{Fault: Denied, Text: "access denied: " + text}
	}
	return Error{Text: text}
}

// meanings are what the words of Go's TLS, of gRPC and of the server mean; the first that fits counts.
var meanings = []struct {
	says string
	Error
}{
	{"certificate has expired or is not yet valid", Error{Fault: Untrusted, Text: "its certificate has expired, or is not valid yet", Hint: "whoever runs the server must renew it; or this machine's clock is wrong"}},
	{"certificate signed by unknown authority", Error{Fault: Untrusted, Text: "its certificate is signed by an authority that is not known here", Hint: "name the authority's file in TEMPORAL_TLS_SERVER_CA_CERT_PATH"}},
	{"x509: certificate is", Error{Fault: Untrusted, Text: "its certificate is another server's", Hint: "TEMPORAL_TLS_SERVER_NAME is the name that stands in it"}},
	{"x509: cannot validate certificate for", Error{Fault: Untrusted, Text: "its certificate is another server's", Hint: "TEMPORAL_TLS_SERVER_NAME is the name that stands in it"}},
	{"failed to verify certificate", Error{Fault: Untrusted, Hint: "check TEMPORAL_TLS_SERVER_CA_CERT_PATH and TEMPORAL_TLS_SERVER_NAME"}},
	{"tls: expired certificate", Error{Fault: Untrusted, Text: "it refuses this weft's certificate: it has expired", Hint: "renew the one in TEMPORAL_TLS_CLIENT_CERT_PATH"}},
	{"tls: certificate required", Error{Fault: Untrusted, Text: "it wants a certificate of whoever comes", Hint: "name it, and its key, in TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH"}},
	{"tls: unknown certificate authority", Error{Fault: Untrusted, Text: "it refuses this weft's certificate: it does not know its authority", Hint: "check TEMPORAL_TLS_CLIENT_CERT_PATH"}},
	{"tls: bad certificate", Error{Fault: Untrusted, Text: "it refuses this weft's certificate", Hint: "check TEMPORAL_TLS_CLIENT_CERT_PATH: it may have expired, or be signed by another authority; where there is none, it wants one"}},
	{"first record does not look like a TLS handshake", Error{Fault: Untrusted, Text: "it speaks no TLS, and this weft does", Hint: "an API key and TEMPORAL_TLS_* switch it on; TEMPORAL_TLS=false switches it off"}},
	{"no children to pick from", Error{Fault: Unreached, Text: "there is no such host", Hint: unreachedHint}},
	{"malformed HTTP response", Error{Fault: NotTemporal, Text: "what answers there is no Temporal", Hint: "the server's port is 7233, the UI's another"}},
	{"frame header looked like an HTTP/1", Error{Fault: NotTemporal, Text: "what answers there is no Temporal", Hint: "the server's port is 7233, the UI's another"}},
	{"error reading server preface", Error{Fault: Unreached, Text: "it hangs up", Hint: "a server that wants TLS does so: TEMPORAL_TLS=true; so does a proxy before a server that is down"}},
	{"unexpected HTTP status code received from server", Error{Fault: NotTemporal, Text: "what answers there is no Temporal", Hint: "the server's port is 7233, the UI's another"}},
	{"unknown service temporal.api", Error{Fault: NotTemporal, Text: "what answers there is no Temporal", Hint: "the server's port is 7233, the UI's another"}},
	{"TMPRL1103", Error{Fault: TooLarge, Text: "a payload is larger than the server takes", Hint: largeHint}},
	{"exceeds size limit", Error{Fault: TooLarge, Text: "a payload is larger than the server takes", Hint: largeHint}},
	{"message larger than max", Error{Fault: TooLarge, Text: "a message is larger than the server takes", Hint: largeHint}},
	{"no poller seen for task queue", Error{Fault: NoWorker, Text: "no worker hosts runs", Hint: "start one: weft worker"}},
}

const unreachedHint = "is it running, and is the network well? TEMPORAL_ADDRESS or --temporal-address names another"

const largeHint = "weft puts what is large into its handoff: check that all wefts of the namespace have the same `handoff`"

// textOf is what an error says, without the layers that gRPC puts round what its connection said.
func textOf(err error) string {
	text := err.Error()
	var said interface{ GRPCStatus() *status.Status }
	if errors.As(err, &said) {
		text = said.GRPCStatus().Message()
	}
	text = strings.TrimPrefix(text, "failed reaching server: ")
	for _, layer := range []string{`connection error: desc = "`, "transport: Error while dialing: ", ": connect: "} {
		if _, inner, found := strings.Cut(text, layer); found {
			text = strings.TrimSuffix(inner, `"`)
		}
	}
	return text
}

// codeOf is the gRPC code of an error.
func codeOf(err error) codes.Code {
	var s interface{ Status() *status.Status }
	if errors.As(err, &s) {
		return s.Status().Code()
	}
	return status.Code(err)
}

// badSettings says that the client's settings cannot be used; the text of envconfig names what is wrong.
func badSettings(err error) error {
	hint := "check TEMPORAL_* and temporal.toml"
	if strings.Contains(err.Error(), "profile") {
		hint = "TEMPORAL_PROFILE or temporal_profile names one of temporal.toml, which TEMPORAL_CONFIG_FILE names"
	}
	return &Error{Fault: BadSettings, Text: "cannot use the settings for Temporal: " + err.Error(), Hint: hint, cause: err}
}
