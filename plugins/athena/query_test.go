package athena

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"weft/plugins"
)

// A desk answers as Athena does: one query for a token, however often it is asked for.
type desk struct {
	mu     sync.Mutex
	tokens map[string]start
	states []execution // by number of the query, as it is asked for
	calls  map[string]int
	refuse func(operation string, n int) string // a code, "lost", or ""
}

func newDesk(t *testing.T, input string) (*desk, *plugins.Call) {
	t.Helper()
	d := &desk{tokens: map[string]start{}, calls: map[string]int{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	env := []string{
		"AWS_ENDPOINT_URL_ATHENA=" + server.URL, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=eu-west-1",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_MAX_ATTEMPTS=1",
	}
	return d, &plugins.Call{Env: env, Input: json.RawMessage(input), Now: time.Now, Logf: t.Logf}
}

// ServeHTTP implements http.Handler.
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	d.calls[operation]++
	due := ""
	if d.refuse != nil {
		due = d.refuse(operation, d.calls[operation])
	}
	if due != "" && due != "lost" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"it was ordered so"}`, due)
		return
	}
	out := d.answer(operation, r)
	if due == "lost" {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (d *desk) answer(operation string, r *http.Request) any {
	var in struct {
		start
		QueryExecutionID  string   `json:"QueryExecutionId"`
		QueryExecutionIDs []string `json:"QueryExecutionIds"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	switch operation {
	case "StartQueryExecution":
		d.tokens[in.ClientRequestToken] = in.start
		return map[string]string{"QueryExecutionId": "q-" + in.ClientRequestToken}
	case "BatchGetQueryExecution":
		list := []execution{}
		for _, id := range in.QueryExecutionIDs {
			list = append(list, d.execution(id))
		}
		return map[string]any{"QueryExecutions": list}
	case "StopQueryExecution":
		d.states = append(d.states, execution{})
		d.states[len(d.states)-1].Status.State = "CANCELLED"
		return struct{}{}
	}
	return map[string]any{"QueryExecution": d.execution(in.QueryExecutionID)}
}

func (d *desk) execution(id string) execution {
	var e execution
	if len(d.states) > 0 {
		e = d.states[len(d.states)-1]
	}
	e.QueryExecutionID = id
	return e
}

func sub(token string) plugins.Submission {
	return plugins.Submission{Token: token, Intended: time.Now(), Target: json.RawMessage("{}")}
}

func TestAQueryIsAskedForAsItStands(t *testing.T) {
	d, call := newDesk(t, `{"query":"select ?","parameters":["'x'"],"database":"sales","workgroup":"etl","output":"s3://acme/out/"}`)
	h, err := Query{}.Submit(t.Context(), call, sub("weft-0123456789abcdef01234567"))
	if err != nil {
		t.Fatal(err)
	}
	const token = "weft-0123456789abcdef01234567-weft-0123456789abcdef01234567"
	got, _ := json.Marshal(d.tokens[token])
	want := `{"QueryString":"select ?","ClientRequestToken":"` + token + `","QueryExecutionContext":{"Database":"sales"},"ResultConfiguration":{"OutputLocation":"s3://acme/out/"},"WorkGroup":"etl","ExecutionParameters":["'x'"]}`
	if string(got) != want {
		t.Errorf("asked\n%s, want\n%s", got, want)
	}
	if string(h.Data) != `{"id":"q-`+token+`","region":"eu-west-1"}` {
		t.Errorf("the handle is %s", h.Data)
	}
}

// TestAStartThatWasLostIsMadeAgain: under its token it gives the query that was begun.
func TestAStartThatWasLostIsMadeAgain(t *testing.T) {
	d, call := newDesk(t, `{"query":"select 1"}`)
	d.refuse = func(_ string, n int) string { return []string{"lost", "ThrottlingException", ""}[min(n-1, 2)] }
	for n := range 3 {
		_, err := Query{}.Submit(t.Context(), call, sub("weft-1"))
		e, refused := err.(*plugins.Error)
		if refused != (n < 2) || refused && !e.Unsure {
			t.Errorf("start %d: %v", n+1, err)
		}
	}
	if len(d.tokens) != 1 {
		t.Errorf("%d queries were begun", len(d.tokens))
	}
	d.refuse = func(string, int) string { return "InvalidRequestException" }
	if _, err := (Query{}).Submit(t.Context(), call, sub("weft-2")); plugins.KindOf(err) != plugins.BadInput || !strings.Contains(err.Error(), "it was ordered so") {
		t.Errorf("what is no query: %v", err)
	}
}

func TestEachEndOfAQuery(t *testing.T) {
	for state, want := range map[string]string{
		`{"State":"QUEUED"}`:    "QUEUED goes on",
		`{"State":"RUNNING"}`:   "RUNNING goes on",
		`{"State":"SUCCEEDED"}`: `{"query_execution_id":"q-weft-1-weft-1","state":"SUCCEEDED","output_location":"s3://acme/out/x.csv","data_scanned_bytes":7,"engine_ms":9}`,
		`{"State":"CANCELLED"}`: "remote: athena query q-weft-1-weft-1 was stopped (CANCELLED)",
		`{"State":"FAILED","StateChangeReason":"no such table"}`:                              "remote: athena query q-weft-1-weft-1 has failed (FAILED): no such table",
		`{"State":"FAILED","StateChangeReason":"try again","AthenaError":{"Retryable":true}}`: "temporary: athena query q-weft-1-weft-1 has failed (FAILED): try again",
	} {
		d, call := newDesk(t, `{"query":"select 1"}`)
		h, err := Query{}.Submit(t.Context(), call, sub("weft-1"))
		if err != nil {
			t.Fatal(err)
		}
		var e execution
		if err := json.Unmarshal([]byte(state), &e.Status); err != nil {
			t.Fatal(err)
		}
		e.ResultConfiguration.OutputLocation, e.Statistics.DataScannedInBytes, e.Statistics.EngineExecutionTimeInMillis = "s3://acme/out/x.csv", 7, 9
		d.states = []execution{e}
		one, err := Query{}.Check(t.Context(), call, h.Data)
		if err != nil {
			t.Fatal(err)
		}
		many, err := Query{}.CheckAll(t.Context(), call, []json.RawMessage{h.Data})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(many, one) {
			got := p.State + " goes on"
			switch {
			case p.Failed != nil:
				got = fmt.Sprintf("%s: %s", p.Failed.Kind, p.Failed)
			case p.Done:
				got = string(p.Result.Output)
			}
			if got != want {
				t.Errorf("%s: %s, want %s", state, got, want)
			}
		}
	}
}

func TestAHundredQueriesAreTwoCalls(t *testing.T) {
	d, call := newDesk(t, `{"query":"select 1"}`)
	var handles []json.RawMessage
	for i := range 100 {
		h, err := Query{}.Submit(t.Context(), call, sub(fmt.Sprint("weft-", i)))
		if err != nil {
			t.Fatal(err)
		}
		handles = append(handles, h.Data)
	}
	d.refuse = func(operation string, n int) string {
		if operation == "BatchGetQueryExecution" && n == 4 {
			return "ThrottlingException"
		}
		return ""
	}
	for round, unasked := range []int{0, 50} { // the fourth call is refused
		all, err := Query{}.CheckAll(t.Context(), call, handles)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range all {
			if p.Unasked != nil {
				n++
			}
		}
		if calls := d.calls["BatchGetQueryExecution"]; n != unasked || calls != 2*(round+1) {
			t.Errorf("round %d: %d of 100 could not be asked, by %d calls", round+1, n, calls)
		}
	}
}

func TestAStopStops(t *testing.T) {
	_, call := newDesk(t, `{"query":"select 1"}`)
	h, err := Query{}.Submit(t.Context(), call, sub("weft-1"))
	if err == nil {
		err = Query{}.Stop(t.Context(), call, h.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if p, err := (Query{}).Check(t.Context(), call, h.Data); err != nil || !p.Done || p.Failed == nil {
		t.Errorf("it is %+v (%v)", p, err)
	}
}
