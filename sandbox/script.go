package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// A Fault is something that goes wrong by order: the first calls of an operation are refused, or carried
// out and not answered.
type Fault struct {
	Service   string // as signatures name it: dynamodb, lambda, glue, states
	Operation string // PutItem, Invoke; "" = any
	Times     int    // how many calls, from the first
	Code      string // what they are refused with; "" = the service's word for throttling
	Lost      bool   // carried out, and the connection breaks instead of an answer
}

// faults are those that are still to come.
type faults struct {
	mu   sync.Mutex
	left []Fault
}

// next returns the fault that is due for a call, nil if none is.
func (f *faults) next(service string, r *http.Request) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.left {
		one := &f.left[i]
		if one.Times > 0 && one.Service == service && (one.Operation == "" || strings.EqualFold(one.Operation, operationOf(service, r))) {
			one.Times--
			due := *one
			return &due
		}
	}
	return nil
}

// operationOf names the operation of a call: awsJson has it in a header, Batch in the path, EMR Serverless
// in method and path, of Lambda there is one.
func operationOf(service string, r *http.Request) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case service == "batch":
		return last
	case service == "emr-serverless" && last == "jobruns":
		return map[string]string{"POST": "StartJobRun", "GET": "ListJobRuns"}[r.Method]
	case service == "emr-serverless":
		return map[string]string{"GET": "GetJobRun", "DELETE": "CancelJobRun"}[r.Method]
	}
	return "Invoke"
}

// befall has a call go wrong.
func (f *Fault) befall(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if f.Lost {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // breaks the connection, in net/http's own way
	}
	refusal := &fault{400, f.Code, "It was ordered so."}
	switch {
	case f.Code == "" && f.Service == "lambda":
		refusal.status, refusal.code = http.StatusTooManyRequests, "TooManyRequestsException"
	case f.Code == "":
		refusal.code = "ThrottlingException"
	}
	refuseJSON(w, refusal)
}
