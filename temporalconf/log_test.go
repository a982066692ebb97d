package temporalconf

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestTheSDKSpeaksInWordsForPeople: a poll that breaks off in the middle says what a first connection would.
func TestTheSDKSpeaksInWordsForPeople(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	l := logger{slog.New(slog.NewTextHandler(&said, nil))}
	err := status.Error(codes.Unavailable, `connection error: desc = "error reading server preface: remote error: tls: expired certificate"`)
	l.Warn("Failed to poll for task.", "Error", err)
	if got := said.String(); !strings.Contains(got, "it refuses this weft's certificate: it has expired (renew the one in TEMPORAL_TLS_CLIENT_CERT_PATH)") {
		t.Errorf("it says %s", got)
	}
	for text, stack := range map[string]bool{"cannot read plan: format 99": false, "runtime error: index out of range": true} {
		said.Reset()
		l.Error("Workflow panic", "Error", errors.New(text), "StackTrace", "coroutine root")
		if got := said.String(); !strings.Contains(got, text) || strings.Contains(got, "coroutine root") != stack {
			t.Errorf("it says %s", got)
		}
	}
}
