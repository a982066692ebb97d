package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A service is one of AWS's, as the sandbox has it. All of them share one address: a request says in
// the scope of its signature which one it is for.
type service struct {
	name     string // in the scope of signatures
	variable string // its endpoint is in AWS_ENDPOINT_URL_ and this
	// open reads what an earlier start has left. The folder, where there is one, is locked by then.
	open func(s *Sandbox, o Options) (served, error)
}

// served is a service that runs. What reaches it is signed, but for S3, which looks at each
// signature itself.
type served interface {
	http.Handler
	close()
}

// services is every service there is. A new one is a file and a row. S3 comes first: it locks the
// folder.
var services = []service{
	{"s3", "S3", openS3},
	{"dynamodb", "DYNAMODB", openTables},
	{"glue", "GLUE", openGlue},
	{"lambda", "LAMBDA", openFunctions},
	{"states", "SFN", openMachines},
	{"batch", "BATCH", openBatch},
	{"ecs", "ECS", openECS},
	{"emr-serverless", "EMR_SERVERLESS", openEMR},
}

// mostCall bounds the body of a call of a service other than S3: Lambda's payload and what is around it.
const mostCall = 16 << 20

// dispatch leads a request to the service that it is signed for.
func (s *Sandbox) dispatch(w http.ResponseWriter, r *http.Request) {
	name := serviceOf(r)
	at := slices.IndexFunc(services, func(v service) bool { return v.name == name })
	switch {
	case name == "" || name == "s3":
		s.served[0].ServeHTTP(w, r)
		return
	case at < 0:
		w.Header().Set("X-Amzn-Requestid", random(8))
		refuseJSON(w, &fault{501, "NotImplementedException", "The sandbox has no service " + name + "."})
		return
	}
	w.Header().Set("X-Amzn-Requestid", random(8))
	w.Header().Set("Server", "weft-sandbox")
	if err := s.signed(r, time.Now()); err != nil {
		refuseJSON(w, inJSON(err))
		return
	}
	if due := s.faults.next(name, r); due != nil {
		due.befall(w, r, s.served[at])
		return
	}
	s.served[at].ServeHTTP(w, r)
}

// serviceOf is the service that a request's signature names, "" if it names none.
func serviceOf(r *http.Request) string {
	c, err := claimOf(r)
	scope := strings.Split(c.scope, "/")
	if err != nil || len(scope) != 4 {
		return ""
	}
	return scope[2]
}

// signed proves a request of a service other than S3 by its signature and its body, which is then
// there to be read again.
func (s *Sandbox) signed(r *http.Request, now time.Time) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostCall+1))
	if err != nil {
		return errIncomplete
	}
	if len(body) > mostCall {
		return &fault{413, "RequestEntityTooLargeException", "The body is too large."}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	switch said := r.Header.Get("X-Amz-Content-Sha256"); {
	case said == "": // the signature is of the sum all the same
		r.Header.Set("X-Amz-Content-Sha256", hash)
	case said != hash && said != unsigned:
		return errPayload
	}
	_, err = s.key.check(r, now)
	return err
}

// inJSON says in the words of the services that speak JSON what the signature is refused for.
func inJSON(err error) error {
	words := map[*fault]*fault{
		errNoSignature: {400, "MissingAuthenticationTokenException", errNoSignature.message},
		errUnknownKey:  {400, "UnrecognizedClientException", "The security token included in the request is invalid."},
		errSignature:   {400, "InvalidSignatureException", errSignature.message},
		errPayload:     {400, "InvalidSignatureException", errPayload.message},
		errSkewed:      {400, "InvalidSignatureException", "Signature expired: " + errSkewed.message},
	}
	var f *fault
	if errors.As(err, &f) && words[f] != nil {
		return words[f]
	}
	return err
}

// refuseJSON answers with a failure in the form of awsJson and restJson. Causes that are no faults
// stay inside: they name files.
func refuseJSON(w http.ResponseWriter, err error) {
	f := &fault{500, "InternalServerError", errWork.message}
	errors.As(err, &f)
	w.Header().Set("X-Amzn-Errortype", f.code)
	answerJSON(w, f.status, map[string]string{"__type": f.code, "message": f.message})
}

// answerJSON sends v. A client that has gone is told nothing.
func answerJSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
