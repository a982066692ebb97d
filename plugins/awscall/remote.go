package awscall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"weft/awsconf"
	"weft/plugins"
)

// Reach finds the way to AWS for work that was begun in a region; "" = wherever this leads.
func Reach(ctx context.Context, call *plugins.Call, region string) (*awsconf.Session, error) {
	s, err := awsconf.For(ctx, call.Env)
	if err != nil {
		return nil, Failed(ctx, "reach AWS", err)
	}
	if region != "" && s.Config.Region != region {
		return nil, &plugins.Error{
			Kind: plugins.BadInput, Err: fmt.Errorf("cannot ask about it: it was started in %s, and this leads to %s", region, s.Config.Region),
			Hint: "set AWS_REGION to " + region,
		}
	}
	return s, nil
}

// Input reads the input of a call.
func Input(raw json.RawMessage, into any) error {
	if json.Unmarshal(raw, into) != nil {
		return plugins.Errorf(plugins.BadInput, "cannot read the input: it is not what the plugin's schema describes")
	}
	return nil
}

// Recorded reads a target or a handle that a plugin has written.
func Recorded[T any](raw json.RawMessage) (T, error) {
	var v T
	if json.Unmarshal(raw, &v) != nil {
		return v, plugins.Errorf(plugins.Internal, "cannot read what was recorded of it: %.100s", raw)
	}
	return v, nil
}

// Handle makes a handle of what is to be recorded, which names itself.
func Handle[T fmt.Stringer](h T) (plugins.Handle, error) {
	raw, err := json.Marshal(h)
	return plugins.Handle{Data: raw, Text: h.String()}, err
}

// Watched is the answer of a RemoteWork's Run, which only a sensor comes to.
func Watched(ctx context.Context, name string) (plugins.Result, error) {
	if ctx.Err() != nil {
		return plugins.Result{}, ctx.Err()
	}
	return plugins.Result{}, &plugins.Error{
		Kind: plugins.BadInput, Err: fmt.Errorf("cannot use %s as a sensor: each poke would start it anew", name),
		Hint: "leave out sensor; it is watched anyway, for nothing",
	}
}

// patience is how long a start is tried that the service surely has not taken: it asks to slow down, it
// is away, or the credentials are being renewed.
const patience = 5 * time.Minute

// Patiently tries a call until it is taken, or fails so that no waiting helps, or nobody knows.
func Patiently(ctx context.Context, call *plugins.Call, do func() error) error {
	began := time.Now()
	for n := 0; ; n++ {
		err := do()
		var aws *awsconf.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &aws) || aws.Unsure || time.Since(began) > patience {
			return err
		}
		switch aws.Fault {
		case awsconf.Throttled, awsconf.Unreached, awsconf.Broken, awsconf.Expired, awsconf.Skewed:
		default:
			return err
		}
		if n == 0 {
			call.Logf("not started yet: %s", aws.Text)
		}
		timer := time.NewTimer(rand.N(time.Second << min(n, 4))) // full jitter, up to 16 s
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// Work is Failed for the calls of remote work, which are made again or whose effect is looked for: where
// nobody knows whether one was carried out, the error is temporary and Unsure. So it is with those codes
// of a service that say the same.
func (m Meanings) Work(ctx context.Context, what string, err error, unsure ...string) error {
	told := m.Failed(ctx, what, err)
	var e *plugins.Error
	var aws *awsconf.Error
	if !errors.As(told, &e) || !errors.As(err, &aws) {
		return told
	}
	code := awsconf.CodeOf(err)
	for _, one := range unsure {
		if code == one {
			aws = &awsconf.Error{Text: aws.Text, Unsure: true}
		}
	}
	if aws.Unsure {
		return &plugins.Error{Kind: plugins.Temporary, Unsure: true, Err: fmt.Errorf("cannot %s: %s", what, aws.Text)}
	}
	return told
}

// Again has the start of work that is idempotent under its token tried on where it failed for a while:
// that does no harm.
func Again(err error) error {
	var e *plugins.Error
	if errors.As(err, &e) && e.Kind == plugins.Temporary {
		told := *e
		told.Unsure = true
		return &told
	}
	return err
}

// Text is a value as AWS's parameters and variables take it: text, and numbers and booleans as they are
// written.
func Text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, float64:
		b, err := json.Marshal(v)
		return string(b), err
	}
	return "", errors.New("it is neither text nor a number nor true or false (toJSON makes a text of it)")
}

// Texts is Text for a map; what says what its members are: "the parameter".
func Texts(what string, m map[string]any) (map[string]string, error) {
	if len(m) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(m))
	for name, v := range m {
		text, err := Text(v)
		if err != nil {
			return nil, plugins.Errorf(plugins.BadInput, "cannot pass %s %s: %w", what, name, err)
		}
		out[name] = text
	}
	return out, nil
}

// Values makes text of what the lists of an override hold under `value`: its variables, and how much it
// wants of a resource. AWS takes nothing else there.
func Values(override map[string]any) error {
	for _, list := range []string{"environment", "resourceRequirements"} {
		items, _ := override[list].([]any)
		for _, item := range items {
			pair, _ := item.(map[string]any)
			if _, there := pair["value"]; !there {
				continue
			}
			text, err := Text(pair["value"])
			if err != nil {
				return plugins.Errorf(plugins.BadInput, "cannot pass the %s %v: %w", list, pair["name"], err)
			}
			pair["value"] = text
		}
	}
	return nil
}

// Named is a name that ends with a token, of at most so many characters, all of them in ASCII: of a
// prefix that is too long the beginning is kept.
func Named(prefix, token string, most int) string {
	if prefix == "" {
		return token
	}
	return prefix[:min(len(prefix), most-1-len(token))] + "-" + token
}

// A Moment is how awsJson and restJson write a time: seconds since 1970, with a fraction.
type Moment float64

// Time is the moment as a time, in UTC.
func (m Moment) Time() time.Time {
	return time.UnixMicro(int64(float64(m) * 1e6)).UTC()
}

// Stamp writes a moment for outputs; nil where there is none.
func (m Moment) Stamp() *string {
	if m == 0 {
		return nil
	}
	s := m.Time().Format(time.RFC3339Nano)
	return &s
}

// Parts checks handles by calls that take so many at most. One refusal is enough for one round: what is
// left then is Unasked.
func Parts(handles []json.RawMessage, most int, check func(handles []json.RawMessage, into []plugins.Progress) error) []plugins.Progress {
	all := make([]plugins.Progress, len(handles))
	for from := 0; from < len(handles); from += most {
		part := all[from:min(from+most, len(all))]
		if err := check(handles[from:from+len(part)], part); err != nil {
			for i := range all[from:] {
				all[from+i] = plugins.Progress{Unasked: err}
			}
			break
		}
	}
	return all
}

// One makes a Check of a CheckAll of one handle.
func One(all []plugins.Progress, err error) (plugins.Progress, error) {
	if err == nil {
		err = all[0].Unasked
	}
	if err != nil {
		return plugins.Progress{}, err
	}
	return all[0], nil
}
