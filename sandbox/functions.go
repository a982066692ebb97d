package sandbox

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Function is a program of this machine that stands for one of Lambda's: the payload on standard input,
// the answer, JSON, on standard output, the log on standard error. An exit status other than 0 is an
// error of the function.
type Function struct {
	Argv []string
	Dir  string // working directory
}

// functions is Lambda: Invoke, of programs of this machine.
type functions struct {
	named  map[string]Function
	beside func() []string // folders of programs with the names of functions; nil = none
	env    func() []string

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	ending bool           // no event begins any more
	events sync.WaitGroup // functions whose callers do not wait
}

// Limits as Lambda has them, but for how long events are waited for at the end.
const (
	mostFunctionTime = 15 * time.Minute
	mostAnswer       = 6 << 20
	mostAsync        = 1 << 20
	mostLog          = 4 << 10
	eventsEnd        = 15 * time.Second
)

func openFunctions(s *Sandbox, o Options) (served, error) {
	f := &functions{named: o.Functions, beside: o.FunctionsDirs, env: s.Env}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f, nil
}

// settle waits for events that have begun, for a while. None may begin any more.
func (f *functions) settle() {
	f.mu.Lock()
	f.ending = true
	f.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		f.events.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(eventsEnd):
	}
}

func (f *functions) close() {
	f.cancel()
	f.events.Wait()
}

// begin starts an event, unless the end has come.
func (f *functions) begin(event func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending {
		return &fault{503, "ServiceUnavailableException", "The sandbox ends."}
	}
	f.events.Go(event)
	return nil
}

var functionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,140}$`) })

// ServeHTTP implements http.Handler: POST /2015-03-31/functions/NAME/invocations.
func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != http.MethodPost || len(parts) != 4 || parts[0] != "2015-03-31" || parts[1] != "functions" || parts[3] != "invocations" {
		refuseJSON(w, &fault{501, "NotImplementedException", "The sandbox has Invoke alone of Lambda."})
		return
	}
	name := parts[2][strings.LastIndex(parts[2], ":")+1:] // of an ARN, which ends in it: the version is a parameter
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		refuseJSON(w, errIncomplete)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	program, err := f.find(name)
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); {
	case err != nil:
	case len(payload) > 0 && !json.Valid(payload):
		err = &fault{400, "InvalidRequestContentException", "Could not parse request body into json"}
	case kind == "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return
	case kind == "Event":
		if len(payload) > mostAsync {
			err = &fault{413, "RequestEntityTooLargeException", "The payload of an event is too large."}
			break
		}
		if err = f.begin(func() { _ = f.run(f.ctx, name, program, payload, r.Header) }); err == nil { // nobody hears of it
			w.WriteHeader(http.StatusAccepted)
			return
		}
	case len(payload) > mostAnswer:
		err = &fault{413, "RequestEntityTooLargeException", "The payload is too large."}
	default:
		f.run(r.Context(), name, program, payload, r.Header).send(w, r.Header.Get("X-Amz-Log-Type") == "Tail")
		return
	}
	refuseJSON(w, err)
}

// find returns the program of a function: the one that is named for it, else the one that has its name.
func (f *functions) find(name string) (Function, error) {
	if one, ok := f.named[name]; ok {
		return one, nil
	}
	where := "name a program for it in weft.yaml, sandbox.lambda"
	if f.beside == nil || !functionName().MatchString(name) {
		return Function{}, noFunction(name, where)
	}
	folders := f.beside()
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, name+"*")) // the name holds no pattern
		for _, path := range found {
			base := filepath.Base(path)
			info, err := os.Stat(path)
			if err == nil && strings.TrimSuffix(base, filepath.Ext(base)) == name && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return Function{Argv: []string{path}, Dir: folder}, nil
			}
		}
	}
	return Function{}, noFunction(name, where+", or put one with its name, executable, into "+strings.Join(folders, " or "))
}

func noFunction(name, where string) error {
	return &fault{404, "ResourceNotFoundException", "Function not found: " + name + " (" + where + ")"}
}

// An answer of a function.
type functionAnswer struct {
	body   []byte
	failed string // "" = it did not; else Lambda's X-Amz-Function-Error
	log    []byte
}

func (a functionAnswer) send(w http.ResponseWriter, tail bool) {
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	if tail {
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(a.log[max(0, len(a.log)-mostLog):]))
	}
	if a.failed != "" {
		w.Header().Set("X-Amz-Function-Error", a.failed)
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.body) // who has gone is told nothing
}

// run carries a function out. Whatever it has started ends with it.
func (f *functions) run(ctx context.Context, name string, program Function, payload []byte, header http.Header) functionAnswer {
	ctx, cancel := context.WithTimeout(ctx, mostFunctionTime)
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	cmd := exec.CommandContext(ctx, program.Argv[0], program.Argv[1:]...)
	cmd.Dir = program.Dir
	cmd.Env = append(environ(f.env()), "AWS_LAMBDA_FUNCTION_NAME="+name)
	if raw, err := base64.StdEncoding.DecodeString(header.Get("X-Amz-Client-Context")); err == nil && len(raw) > 0 {
		cmd.Env = append(cmd.Env, "AWS_LAMBDA_CLIENT_CONTEXT="+string(raw))
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	out, said := &bounded{most: mostAnswer + 1}, &bounded{most: 1 << 20}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(payload), out, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel, cmd.WaitDelay = end, time.Second
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well, and left something that holds its output
		err = nil
	}
	if cmd.Process != nil {
		_ = end() // what it has left running, if anything
	}
	return answerOf(name, err, ctx.Err(), out.Bytes(), said.Bytes())
}

func answerOf(name string, err, ended error, out, log []byte) functionAnswer {
	fail := func(kind, text string) functionAnswer {
		raw, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": text}) // texts always marshal
		return functionAnswer{raw, "Unhandled", log}
	}
	var exit *exec.ExitError
	switch out = bytes.TrimSpace(out); {
	case ended != nil:
		return fail("Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", mostFunctionTime.Seconds()))
	case errors.As(err, &exit):
		text := strings.TrimSpace(string(log))
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			text = text[i+1:]
		}
		if text == "" {
			text = exit.Error()
		}
		return fail("Runtime.ExitError", text)
	case err != nil:
		return fail("Runtime.InvalidEntrypoint", "the program of "+name+" cannot be run: "+err.Error())
	case len(out) > mostAnswer:
		return fail("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size")
	case len(out) == 0:
		return functionAnswer{[]byte("null"), "", log}
	case !json.Valid(out):
		return fail("Runtime.MarshalError", "what the function gave is no JSON")
	}
	return functionAnswer{out, "", log}
}

// bounded keeps the first bytes of what is written, and forgets the rest.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	_, _ = b.Buffer.Write(p[:min(len(p), b.most-b.Len())]) // never fails
	return len(p), nil
}

// environ is this program's environment, without what is weft's own, and with the sandbox's in the place
// of anybody else's AWS.
func environ(box []string) (out []string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(kv, "WEFT_") && !slices.ContainsFunc(box, func(own string) bool { return strings.HasPrefix(own, name+"=") }) {
			out = append(out, kv)
		}
	}
	for _, kv := range box {
		if !strings.HasSuffix(kv, "=") {
			out = append(out, kv)
		}
	}
	return out
}
