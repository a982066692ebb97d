package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A double speaks as the Secrets Manager and the parameter store do (awsJson1.1).
type double struct {
	mu    sync.Mutex
	asked []string
	fail  string // the code of the error with which it answers; "" = none
}

// kept is what the double knows, by what is asked and its name.
var kept = map[string]map[string]any{
	"secretsmanager.GetSecretValue plain":      {"SecretString": "hunter2!"},
	"secretsmanager.GetSecretValue binary":     {"SecretBinary": []byte("hunter2?")},
	"secretsmanager.GetSecretValue arn:x:y:db": {"SecretString": `{"login": {"password": "p\"w", "port": 5432, "tls": true, "none": null}}`},
	"secretsmanager.GetSecretValue hollow":     {},
	"AmazonSSM.GetParameter /prod/db":          {"Parameter": map[string]any{"Value": "of the store"}},
	"AmazonSSM.GetParameter /prod/empty":       {"Parameter": map[string]any{}},
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SecretId, Name string
		WithDecryption bool
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &in)
	what := r.Header.Get("X-Amz-Target") + " " + in.SecretId + in.Name
	d.mu.Lock()
	d.asked = append(d.asked, what)
	fail := d.fail
	d.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	answer, known := kept[what]
	switch {
	case fail != "":
	case !known && in.Name != "":
		fail = "ParameterNotFound"
	case !known:
		fail = "ResourceNotFoundException"
	case in.Name != "" && !in.WithDecryption:
		fail = "NotDecrypted"
	}
	if fail != "" {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": fail, "message": "So it is."}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (d *double) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

// against gives a resolver, whose clock stands still, and the double it asks.
func against(t *testing.T, sources map[string]string) (*Resolver, *double, *time.Time) {
	t.Helper()
	d := new(double)
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ENDPOINT_URL_SSM": "", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &Resolver{Env: known(nil), Sources: sources, Now: func() time.Time { return now }}, d, &now
}

func TestSecretsOfAWS(t *testing.T) {
	r, _, _ := against(t, map[string]string{
		"PLAIN": "secretsmanager:plain", "BINARY": "secretsmanager:binary", "PASSWORD": "secretsmanager:arn:x:y:db#login.password",
		"PORT": "secretsmanager:arn:x:y:db#login.port", "TLS": "secretsmanager:arn:x:y:db#login.tls", "STORE": "ssm:/prod/db",
	})
	for name, want := range map[string]string{
		"PLAIN": "hunter2!", "BINARY": "hunter2?", "PASSWORD": `p"w`, "PORT": "5432", "TLS": "true", "STORE": "of the store",
	} {
		got, err := r.Resolve(t.Context(), []string{name})
		if err != nil || got[name] != want {
			t.Errorf("%s: %q, %v, want %q", name, got[name], err, want)
		}
	}
}

func TestWhatAWSDoesNotGive(t *testing.T) {
	for _, c := range []struct {
		source, fail, text, hint string
		temporary                bool
	}{
		{"secretsmanager:gone", "", "there is none of that name", "check its name, the account, the region and the endpoint", false},
		{"ssm:/gone", "", "there is none of that name", "check its name, the account, the region and the endpoint", false},
		{"ssm:/prod/empty", "", "the parameter has no value", "", false},
		{"secretsmanager:hollow", "", "the secret has no value", "", false},
		{"secretsmanager:plain#a", "", "it is no JSON, so there is no member a in it", "", false},
		{"secretsmanager:arn:x:y:db#login.gone", "", "there is no member login.gone in it", "", false},
		{"secretsmanager:arn:x:y:db#login.none", "", "there is no member login.none in it", "", false},
		{"secretsmanager:arn:x:y:db#login", "", "its member login is no text", "", false},
		{"secretsmanager:plain", "AccessDeniedException", "access denied", "grant secretsmanager:GetSecretValue on plain, and kms:Decrypt on its key", false},
		{"ssm:/prod/db", "AccessDeniedException", "access denied", "grant ssm:GetParameter on /prod/db, and kms:Decrypt on its key", false},
		{"ssm:/prod/db", "ThrottlingException", "the service asks to slow down", "", true},
		{"ssm:/prod/db", "ExpiredTokenException", "the credentials have expired", "renew them; a session token does not last", true},
	} {
		t.Run(c.source+" "+c.fail, func(t *testing.T) {
			r, d, _ := against(t, map[string]string{"S": c.source})
			d.fail = c.fail
			_, err := r.Resolve(t.Context(), []string{"S"})
			var e *Error
			if !errors.As(err, &e) || e.Error() != "cannot resolve secret S: "+c.text || e.Hint != c.hint || e.Temporary != c.temporary {
				t.Errorf("%+v", err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "5432") {
				t.Error("the error quotes the secret")
			}
		})
	}
}

// TestOneQuestionForManyTasks: what AWS gave is used for five minutes; what it did not give is asked
// for again.
func TestOneQuestionForManyTasks(t *testing.T) {
	r, d, now := against(t, map[string]string{"S": "ssm:/prod/db"})
	d.fail = "ThrottlingException"
	if _, err := r.Resolve(t.Context(), []string{"S"}); err == nil {
		t.Error("it is throttled")
	}
	d.fail = ""
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got, err := r.Resolve(t.Context(), []string{"S"}); err != nil || got["S"] != "of the store" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
	if d.count() != 2 {
		t.Errorf("asked %d times, want 2", d.count())
	}
	*now = now.Add(freshFor)
	_, _ = r.Resolve(t.Context(), []string{"S"})
	if d.count() != 3 {
		t.Errorf("asked %d times after five minutes, want 3", d.count())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	*now = now.Add(freshFor)
	if _, err := r.Resolve(ctx, []string{"S"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}
