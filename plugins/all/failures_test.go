package all

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weft/plugins"
	"weft/plugins/http"
)

// TestWhatIsWrongWithAWSIsSaid holds the plugins that call AWS by JSON to one table: what went wrong, in
// words that say what to do, and the kind that decides about retries.
func TestWhatIsWrongWithAWSIsSaid(t *testing.T) {
	refuse := func(status int, code, message string) nethttp.HandlerFunc {
		return func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("X-Amzn-Errortype", code)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type": %q, "message": %q}`, code, message)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	for name, value := range map[string]string{"AWS_SHARED_CREDENTIALS_FILE": empty, "AWS_CONFIG_FILE": empty, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "2"} {
		t.Setenv(name, value)
	}
	key := []string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}
	region := append(key, "AWS_REGION=eu-west-1")
	calls := []struct{ plugin, input, doing, service, permission string }{
		{"dynamodb.put", `{"table": "orders", "key": {"id": "1"}, "item": {}}`, "put an item into orders", "dynamodb", "PutItem"},
		{"dynamodb.get", `{"table": "orders", "key": {"id": "1"}}`, "read an item of orders", "dynamodb", "GetItem"},
		{"dynamodb.delete", `{"table": "orders", "key": {"id": "1"}}`, "delete an item of orders", "dynamodb", "DeleteItem"},
		{"lambda.invoke", `{"function": "enrich"}`, "call enrich", "lambda", "InvokeFunction"},
	}
	for _, c := range []struct {
		what   string
		env    []string
		answer nethttp.HandlerFunc // nil: nobody is asked
		kind   plugins.Kind
		want   string // DOING, THING, GRANT stand for what differs
	}{
		{"no credentials", []string{"AWS_REGION=eu-west-1"}, refuse(500, "", ""), plugins.Remote, "cannot DOING: no AWS credentials were found (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; without an account, run it with --sandbox)"},
		{"half a pair", []string{"AWS_ACCESS_KEY_ID=a", "AWS_REGION=eu-west-1"}, nil, plugins.Remote, "cannot reach AWS: half a pair of AWS credentials is set (set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"},
		{"no such profile", []string{"AWS_PROFILE=data", "AWS_REGION=eu-west-1"}, nil, plugins.Remote, `cannot reach AWS: there is no AWS profile "data" (write it into ~/.aws/config, or set AWS_PROFILE to one that is there)`},
		{"no region", key, nil, plugins.BadInput, "cannot reach AWS: no AWS region is set (set AWS_REGION; without an account, run it with --sandbox)"},
		{"no such table, no such function; or they are in another region", region, refuse(400, "ResourceNotFoundException", "Not found."), plugins.Remote, "cannot DOING: there is no such THING (check its name, AWS_REGION and the account)"},
		{"denied", region, refuse(400, "AccessDeniedException", "User: arn:… is not authorized."), plugins.Remote, "cannot DOING: access denied (grant GRANT)"},
		{"another's key", region, refuse(403, "UnrecognizedClientException", "The security token included in the request is invalid."), plugins.Remote, "cannot DOING: the access key or the session token is not valid (check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE and AWS_REGION)"},
		{"a wrong secret", region, refuse(403, "InvalidSignatureException", "The request signature we calculated does not match."), plugins.Remote, "cannot DOING: the signature is wrong (check AWS_SECRET_ACCESS_KEY)"},
		{"a clock that is wrong", region, refuse(403, "InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z"), plugins.Temporary, "cannot DOING: the clock of this machine is wrong (set it, by NTP)"},
		{"credentials that have ended", region, refuse(400, "ExpiredTokenException", "The security token included in the request is expired"), plugins.Temporary, "cannot DOING: the credentials have expired (renew them; a session token does not last)"},
		{"throttled", region, refuse(400, "ThrottlingException", "Rate exceeded"), plugins.Temporary, "cannot DOING: the service asks to slow down"},
		{"throttled, in Lambda's words", region, refuse(429, "TooManyRequestsException", "Rate exceeded"), plugins.Temporary, "cannot DOING: the service asks to slow down"},
		{"too much for the table", region, refuse(400, "ProvisionedThroughputExceededException", "Rate exceeded"), plugins.Temporary, "cannot DOING: the service asks to slow down"},
		{"busy", region, refuse(503, "ServiceUnavailable", "Busy."), plugins.Temporary, "cannot DOING: the service failed: 503 ServiceUnavailable"},
		{"no sense", region, refuse(400, "ValidationException", "1 validation error detected."), plugins.BadInput, "cannot DOING: 1 validation error detected"},
		{"led away, to where a machine keeps its credentials", region, func(w nethttp.ResponseWriter, _ *nethttp.Request) {
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
			w.WriteHeader(307)
		}, plugins.Remote, "cannot DOING: what answers there is no service of AWS: 307 Temporary Redirect (check AWS_ENDPOINT_URL and what lies between, such as a proxy)"},
	} {
		for _, p := range calls {
			t.Run(c.what+", "+p.plugin, func(t *testing.T) {
				var asked atomic.Int64
				server := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
					asked.Add(1)
					if c.answer != nil {
						c.answer(w, r)
					}
				}))
				defer server.Close()
				env := c.env
				if c.what != "no region" {
					env = append([]string{"AWS_ENDPOINT_URL=" + server.URL}, env...)
				}
				thing := map[string]string{"dynamodb": "table", "lambda": "function"}[p.service]
				want := strings.NewReplacer("DOING", p.doing, "THING", thing, "GRANT", p.service+":"+p.permission).Replace(c.want)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				reg := plugins.NewRegistry(Plugins("", http.Policy{}, nil)...)
				_, err := reg.Get(p.plugin).Run(ctx, &plugins.Call{Input: json.RawMessage(p.input), Env: env, Logf: t.Logf})
				if fmt.Sprint(err) != want || plugins.KindOf(err) != c.kind {
					t.Errorf("got  %v (%s)\nwant %s (%s)", err, plugins.KindOf(err), want, c.kind)
				}
				if nobody := c.answer == nil || c.what == "no credentials"; nobody != (asked.Load() == 0) {
					t.Errorf("asked %d times", asked.Load())
				}
				var e *plugins.Error
				if !errors.As(err, &e) {
					t.Errorf("%T is no error of a plugin", err)
				}
			})
		}
	}
}
