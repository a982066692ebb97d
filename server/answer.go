package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"weft/runner"
	"weft/scheduler"
	"weft/store"
)

// Format is the number of the API's form; it grows when a reader could be misled.
const Format = 1

// jsonLines is the type of an answer that is one JSON object a line.
const jsonLines = "application/x-ndjson"

// A problem is the answer to what could not be done. Code is for programs, Error for people.
type problem struct {
	Code  string `json:"code"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// A Problem is what could not be done, on either side of the API.
type Problem struct {
	Status int // of HTTP
	Code   string
	Text   string
	Hint   string
}

func (p *Problem) Error() string { return p.Text }

// The codes of problems that callers tell apart.
const (
	CodeDriven     = "driven"      // another weft drives the run
	CodeRefused    = "refused"     // the run did not take the order
	CodeSandbox    = "sandbox"     // the run and the server are not both in the sandbox, or outside
	CodeStopping   = "stopping"    // the server begins nothing more
	CodeNotFound   = "not_found"   // no such run, or backfill
	CodeUnknownDAG = "unknown_dag" // no such DAG is in force
	CodeParams     = "bad_params"  // params that the DAG does not take
	codeBad        = "bad_request"
	codeExists     = "exists"
	codeTooLarge   = "too_large"
	codeMedia      = "media_type"
	codeInternal   = "internal"
	codeMoved      = "moved"
)

func bad(format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: codeBad, Text: fmt.Sprintf(format, args...)}
}

func conflict(code, hint, format string, args ...any) *Problem {
	return &Problem{Status: http.StatusConflict, Code: code, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Moved refuses an order that would have a run go on in another folder while it is driven.
func Moved(err error, hint string) *Problem { return conflict(codeMoved, hint, "%v", err) }

// known is what becomes of errors that are known; the first line that fits counts.
var known = []struct {
	is     error
	status int
	code   string
	hint   string
}{
	{runner.ErrDriven, http.StatusConflict, CodeDriven, "weft logs -f follows it, weft cancel ends it"},
	{runner.ErrRefused, http.StatusConflict, CodeRefused, ""},
	{scheduler.ErrNoBackfill, http.StatusNotFound, CodeNotFound, "weft backfill list shows them"},
	{scheduler.ErrUnknown, http.StatusNotFound, CodeUnknownDAG, ""},
	{scheduler.ErrBusy, http.StatusConflict, codeExists, "wait for its end, or cancel it"},
	{scheduler.ErrOver, http.StatusServiceUnavailable, CodeStopping, ""},
	{store.ErrClosed, http.StatusServiceUnavailable, CodeStopping, ""},
	{runner.ErrHubClosed, http.StatusServiceUnavailable, CodeStopping, "it goes on when a server is back"},
	{store.ErrNotFound, http.StatusNotFound, CodeNotFound, ""},
	{store.ErrExists, http.StatusConflict, codeExists, ""},
	{store.ErrGoing, http.StatusConflict, codeExists, "weft gc is removing it"},
}

// problemOf says what an error is for the caller.
func problemOf(err error) (status int, p problem) {
	var own *Problem
	var params *scheduler.ParamsError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		return own.Status, problem{own.Code, own.Text, own.Hint}
	case errors.As(err, &params):
		return http.StatusBadRequest, problem{CodeParams, err.Error(), ""}
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, problem{codeTooLarge, fmt.Sprintf("cannot read the request: it has more than %d bytes", large.Limit), ""}
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return k.status, problem{k.code, err.Error(), k.hint}
		}
	}
	return http.StatusInternalServerError, problem{codeInternal, err.Error(), ""}
}

// write answers with one JSON object. Who has gone hears nothing.
func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// body reads what a request brings: JSON, limit bytes at most.
func (s *Server) body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: codeMedia, Text: "cannot read the request: its Content-Type is not application/json"}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &Problem{Status: http.StatusUnsupportedMediaType, Code: codeMedia, Text: "cannot read the request: Content-Encoding " + e + " is not understood"}
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTime))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = c.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		return nil, bad("cannot read the request: it ends too early")
	}
	return b, err
}

// decode reads a small JSON object. No body at all is an empty one.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, into any) error {
	if r.ContentLength == 0 {
		return nil
	}
	b, err := s.body(w, r, maxBody)
	if err != nil {
		return err
	}
	if err := runner.DecodeStrictly(b, into); err != nil {
		return bad("cannot read the request: %v", err)
	}
	return nil
}

// wantsLines tells whether the caller wants a stream.
func wantsLines(r *http.Request) bool { return r.Header.Get("Accept") == jsonLines }
