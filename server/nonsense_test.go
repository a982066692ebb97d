package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weft/runner"
)

var asJSON = map[string]string{"Content-Type": "application/json"}

// Whatever is sent, the answer is JSON that says in words what is wrong, and nothing has begun.
func TestNonsenseIsRefusedInWords(t *testing.T) {
	w := newWorld(t)
	good, err := request(planOf(t, "d", "quick"), "r").Encode()
	if err != nil {
		t.Fatal(err)
	}
	// with changes one member of a good request.
	with := func(key string, v any) string {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		if m[key] = v; v == nil {
			delete(m, key)
		}
		b, _ := json.Marshal(m)
		return string(b)
	}
	planWith := func(old, now string) string { return strings.Replace(string(good), old, now, 1) }
	for _, c := range []struct {
		what, method, path string
		head               map[string]string
		body               string
		status             int
		says               string
	}{
		{"a path that leads nowhere", "GET", "/v2/runs", nil, "", 404, "there is nothing at /v2/runs"},
		{"the root", "GET", "/", nil, "", 404, "there is nothing at /"},
		{"a wrong method", "DELETE", "/v1/runs", nil, "", 405, "cannot DELETE /v1/runs"},
		{"a method that nobody knows", "FROB", "/v1/dags", nil, "", 405, "cannot FROB /v1/dags"},
		{"no content type", "POST", "/v1/runs", nil, string(good), 415, "Content-Type is not application/json"},
		{"a form", "POST", "/v1/runs", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "a=b", 415, "Content-Type is not application/json"},
		{"a body that is packed", "POST", "/v1/runs", map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, string(good), 415, "Content-Encoding gzip is not understood"},
		{"an empty body", "POST", "/v1/runs", asJSON, "", 400, "the JSON ends too early"},
		{"half a body", "POST", "/v1/runs", asJSON, string(good[:len(good)/2]), 400, "the JSON ends too early"},
		{"no JSON", "POST", "/v1/runs", asJSON, "<xml/>", 400, "invalid character '<'"},
		{"a list", "POST", "/v1/runs", asJSON, "[]", 400, "it is a JSON array, not an object"},
		{"null", "POST", "/v1/runs", asJSON, "null", 400, "format 0"},
		{"two objects", "POST", "/v1/runs", asJSON, string(good) + "{}", 400, "something follows the JSON object"},
		{"a key of another weft", "POST", "/v1/runs", asJSON, with("colour", "red"), 400, `unknown field "colour"`},
		{"a format from the future", "POST", "/v1/runs", asJSON, with("format", 99), 400, "format 99"},
		{"a wrong type", "POST", "/v1/runs", asJSON, with("run_id", 7), 400, "run_id is of the wrong type"},
		{"no plan", "POST", "/v1/runs", asJSON, with("plan", nil), 400, "it has no plan"},
		{"a plan that is none", "POST", "/v1/runs", asJSON, with("plan", "x"), 400, "its plan is none that a weft has made"},
		{"a plan without tasks", "POST", "/v1/runs", asJSON, with("plan", map[string]any{"format": 1, "dag": "d"}), 400, "without tasks"},
		{"a DAG id that leads out of its folder", "POST", "/v1/runs", asJSON, planWith(`"dag":"d"`, `"dag":"../d"`), 400, "cannot use DAG id"},
		{"a task id that leads out of its folder", "POST", "/v1/runs", asJSON, planWith(`"id":"quick"`, `"id":"../../quick"`), 400, "cannot use task id"},
		{"a run id that leads out of its folder", "POST", "/v1/runs", asJSON, with("run_id", "../r"), 400, "cannot use run id"},
		{"no run id", "POST", "/v1/runs", asJSON, with("run_id", nil), 400, "cannot use run id"},
		{"a run of the schedule", "POST", "/v1/runs", asJSON, with("run_type", "scheduled"), 400, `type "scheduled"`},
		{"a folder that is not absolute", "POST", "/v1/runs", asJSON, with("dir", "x"), 400, "it is not absolute"},
		{"params that are a list", "POST", "/v1/runs", asJSON, with("params", []int{1}), 400, "they are no JSON object"},
		{"no logical date", "POST", "/v1/runs", asJSON, with("logical_date", nil), 400, "logical_date"},
		{"a run of the sandbox", "POST", "/v1/runs", asJSON, with("sandbox", true), 409, "the server runs outside it"},
		{"updates of no run", "GET", "/v1/runs/none/updates", nil, "", 404, "not found"},
		{"updates of a run whose name is a path", "GET", "/v1/runs/..%2F..%2Fetc%2Fpasswd/updates", nil, "", 404, "not found"},
		{"an order to no run", "POST", "/v1/runs/none/orders", asJSON, `{"type":"cancel_asked"}`, 404, "not found"},
		{"an order that is a fact of another kind", "POST", "/v1/runs/none/orders", asJSON, `{"type":"run_finished","state":"success"}`, 400, "cannot order run_finished"},
		{"an order that nobody knows", "POST", "/v1/runs/none/orders", asJSON, `{"type":"explode"}`, 400, `type "explode" is not known`},
		{"an order without a type", "POST", "/v1/runs/none/orders", asJSON, `{}`, 400, `type "" is not known`},
		{"a mark that is none", "POST", "/v1/runs/none/orders", asJSON, `{"type":"marked","task":"t","state":"running"}`, 400, "a task is marked success, failed or skipped"},
		{"a clear of nothing", "POST", "/v1/runs/none/orders", asJSON, `{"type":"reopened"}`, 400, "cannot clear nothing"},
		{"a DAG that is not there", "GET", "/v1/dags/nightl", nil, "", 404, "no DAG nightl is in force"},
		{"a DAG that was never good", "POST", "/v1/dags/torn/pause", nil, "", 404, "no version of DAG torn is in force: dags/torn.yaml is broken"},
		{"a pause with a list", "POST", "/v1/dags/nightly/pause", asJSON, "[]", 400, "not an object"},
		{"a trigger with params that are text", "POST", "/v1/dags/nightly/runs", asJSON, `{"params":"x"}`, 400, "they are no JSON object"},
		{"a trigger with a bad run id", "POST", "/v1/dags/nightly/runs", asJSON, `{"run_id":"a/b"}`, 400, "cannot use run id"},
		{"a trigger with params that do not fit", "POST", "/v1/dags/nightly/runs", asJSON, `{"text":{"bad":"1"}}`, 400, "cannot run nightly"},
		{"a limit that is no number", "GET", "/v1/missed?limit=many", nil, "", 400, "limit is 1 to 1000"},
	} {
		resp, text := w.ask(c.method, c.path, c.head, []byte(c.body))
		if resp.StatusCode != c.status {
			t.Errorf("%s: %s, want %d\n%s", c.what, resp.Status, c.status, text)
			continue
		}
		p := problemIn(t, text)
		if !strings.Contains(p.Error, c.says) || p.Code == "" || strings.Contains(text, "json:") || strings.Contains(text, "runner.") {
			t.Errorf("%s: says %+v, want %q", c.what, p, c.says)
		}
		if resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: the answer is %s", c.what, resp.Header.Get("Content-Type"))
		}
	}
	if len(w.hands.began) > 0 {
		t.Errorf("and yet it began %v", w.hands.began)
	}
}

// A body that is too large is refused while it comes, not when it is there.
func TestABodyHasABound(t *testing.T) {
	w := newWorld(t)
	body := append([]byte(`{"by":"`), bytes.Repeat([]byte("x"), maxBody)...)
	resp, text := w.ask("POST", "/v1/dags/nightly/pause", asJSON, append(body, `"}`...))
	if resp.StatusCode != http.StatusRequestEntityTooLarge || problemIn(t, text).Code != codeTooLarge {
		t.Errorf("%s\n%s", resp.Status, text)
	}
	if len(w.desk.paused) > 0 {
		t.Error("and yet it is paused")
	}
}

// Of a plan, a request and back: nothing is lost on the wire.
func TestARequestComesThroughWhole(t *testing.T) {
	req := request(planOf(t, "d", "a", "b"), "r")
	req.Params, req.Vars = map[string]any{"n": 9007199254740993, "f": 0.5, "t": "<&>"}, map[string]any{"list": []any{1, "two", nil}}
	req.By, req.Handoff, req.MaxInstances = "me", "s3://b/p", 7
	body, err := req.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := runner.DecodeRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	_, want := req.Plan.Encode()
	_, hash := got.Plan.Encode()
	if hash != want {
		t.Errorf("the plan's hash is %s, was %s", hash, want)
	}
	got.Plan, req.Plan = nil, nil
	if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", req); a != b {
		t.Errorf("came through as\n%s, was\n%s", a, b)
	}
}
