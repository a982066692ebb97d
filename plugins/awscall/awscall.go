// Package awscall is what the plugins that call AWS have in common: how a call begins, what its failures
// are called, and what kind they are of.
package awscall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"weft/awsconf"
	"weft/plugins"
)

// Begin reads the input of a call and finds the way to AWS: whose credentials, which region and
// endpoint, are the AWS_* variables of its environment.
func Begin(ctx context.Context, call *plugins.Call, in any) (*awsconf.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(call.Input, in); err != nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot read the input: it is not what the plugin's schema describes")
	}
	s, err := awsconf.For(ctx, call.Env)
	return s, Failed(ctx, "reach AWS", err)
}

// Failed says what could not be done, and gives a failure its kind: `temporary` where the same call may
// succeed later, `bad_input` where it cannot, `remote` else, and where nobody knows whether it was
// carried out. The end of ctx speaks for itself, and so does a *plugins.Error.
func Failed(ctx context.Context, what string, err error) error {
	var ours *plugins.Error
	var aws *awsconf.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ours):
		return ours
	case !errors.As(err, &aws):
		return plugins.Errorf(plugins.Temporary, "cannot %s: %w", what, err)
	}
	kind := plugins.Remote
	switch {
	case aws.Unsure:
		return &plugins.Error{
			Kind: plugins.Remote, Err: fmt.Errorf("cannot tell whether weft could %s: %s", what, aws.Text),
			Hint: "it may have been done; it is not asked again unless `retries` says so",
		}
	case aws.Temporary():
		kind = plugins.Temporary
	case aws.Fault == awsconf.BadRequest, aws.Fault == awsconf.BadSettings:
		kind = plugins.BadInput
	}
	return &plugins.Error{Kind: kind, Err: fmt.Errorf("cannot %s: %s", what, aws.Text), Hint: aws.Hint}
}

// Meanings are what a service's own names of failures mean, where that is more than awsconf knows.
type Meanings map[string]Meaning

// A Meaning is one of them. The text is a clause, "there is no such table"; "" = what the service says.
type Meaning struct {
	Kind plugins.Kind
	Text string
	Hint string
}

// Failed is the function Failed for a service.
func (m Meanings) Failed(ctx context.Context, what string, err error) error {
	known, ok := m[awsconf.CodeOf(err)]
	if !ok || ctx.Err() != nil {
		return Failed(ctx, what, err)
	}
	text := known.Text
	if text == "" {
		text = awsconf.Said(err)
	}
	return &plugins.Error{Kind: known.Kind, Err: fmt.Errorf("cannot %s: %s", what, text), Hint: known.Hint}
}

// Result makes an output of what a plugin has found out.
func Result(out any) (plugins.Result, error) {
	raw, err := json.Marshal(out)
	return plugins.Result{Output: raw}, err
}

// Answer reads the body of a REST service's answer.
func Answer(body []byte, into any) error {
	if json.Unmarshal(body, into) != nil {
		return &awsconf.Error{Fault: awsconf.Other, Text: "the service's answer has another form than is known", Hint: "check AWS_ENDPOINT_URL", Unsure: true}
	}
	return nil
}
