package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"weft/awsconf"
)

// freshFor is how long a value that AWS gave is used before it is asked for again: ten thousand
// instances of a task are one question, and a rotated password is in force within minutes.
const freshFor = 5 * time.Minute

// A fetched is what AWS gave for one source.
type fetched struct {
	gate  chan struct{} // held by who asks; the others wait for the answer
	value string
	until time.Time
}

// fetch returns the value of a source of AWS. Failures are not kept.
func (r *Resolver) fetch(ctx context.Context, source, kind, what string) (string, error) {
	f := r.entry(source)
	select {
	case f.gate <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-f.gate }()
	if now := r.now(); now.Before(f.until) {
		return f.value, nil
	}
	session, err := awsconf.For(ctx, nil)
	if err != nil {
		return "", explain(ctx, err, "")
	}
	value := ""
	if kind == "ssm" {
		value, err = parameter(ctx, session, what)
	} else {
		value, err = managed(ctx, session, what)
	}
	if err != nil {
		return "", err
	}
	f.value, f.until = value, r.now().Add(freshFor)
	return value, nil
}

func (r *Resolver) entry(source string) *fetched {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetched == nil {
		r.fetched = map[string]*fetched{}
	}
	f := r.fetched[source]
	if f == nil {
		f = &fetched{gate: make(chan struct{}, 1)}
		r.fetched[source] = f
	}
	return f
}

func (r *Resolver) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// The two services that keep secrets.
var (
	parameters = awsconf.JSON{ID: "SSM", Service: "ssm", Target: "AmazonSSM", Version: "1.1"}
	manager    = awsconf.JSON{ID: "Secrets Manager", Service: "secretsmanager", Target: "secretsmanager", Version: "1.1"}
)

// parameter reads a parameter of the Systems Manager.
func parameter(ctx context.Context, s *awsconf.Session, path string) (string, error) {
	in := struct {
		Name           string
		WithDecryption bool
	}{path, true}
	var out struct {
		Parameter struct{ Value *string }
	}
	if err := parameters.Ask(ctx, s, "GetParameter", in, &out); err != nil {
		return "", explain(ctx, err, fmt.Sprintf("grant ssm:GetParameter on %s, and kms:Decrypt on its key", path))
	}
	if out.Parameter.Value == nil {
		return "", errors.New("the parameter has no value")
	}
	return *out.Parameter.Value, nil
}

// managed reads a secret of the Secrets Manager: ID, or ID#member of one that is JSON.
func managed(ctx context.Context, s *awsconf.Session, what string) (string, error) {
	id, member, part := strings.Cut(what, "#")
	in := struct{ SecretId string }{id}
	var out struct {
		SecretString *string
		SecretBinary []byte // base64 on the wire
	}
	if err := manager.Ask(ctx, s, "GetSecretValue", in, &out); err != nil {
		return "", explain(ctx, err, fmt.Sprintf("grant secretsmanager:GetSecretValue on %s, and kms:Decrypt on its key", id))
	}
	value := string(out.SecretBinary)
	switch {
	case out.SecretString == nil && out.SecretBinary == nil:
		return "", errors.New("the secret has no value")
	case out.SecretString != nil:
		value = *out.SecretString
	}
	if !part {
		return value, nil
	}
	return pick(value, member)
}

// pick takes a member, a.b.c, out of a secret that is a JSON object.
func pick(value, path string) (string, error) {
	var at any
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if d.Decode(&at) != nil {
		return "", fmt.Errorf("it is no JSON, so there is no member %s in it", path)
	}
	for name := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	switch v := at.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	case nil:
		return "", fmt.Errorf("there is no member %s in it", path)
	}
	return "", fmt.Errorf("its member %s is no text", path)
}

// explain puts a failure of AWS into words. grant is what to do where access is denied.
func explain(ctx context.Context, err error, grant string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch awsconf.CodeOf(err) {
	case "ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound":
		return &Error{Err: errors.New("there is none of that name"), Hint: "check its name, the account, the region and the endpoint"}
	}
	var known *awsconf.Error
	if !errors.As(awsconf.Explain(err), &known) {
		return err
	}
	e := &Error{Err: errors.New(known.Text), Hint: known.Hint, Temporary: known.Temporary()}
	if known.Fault == awsconf.Denied && grant != "" && strings.HasPrefix(awsconf.CodeOf(err), "AccessDenied") {
		e.Hint = grant
	}
	return e
}
