// Package secrets finds the values of secrets, and keeps them out of whatever is kept or shown.
//
// A Resolver finds a value by its name, in weft's environment, by the table `secrets` of weft.yaml,
// in a secrets file. A Mask knows the ways in which values may be written, and masks them in a
// stream or a text. Values live in memory alone; no error and no log line of this package quotes one.
//
// Absent on purpose: secrets that are encrypted here (a key would have to lie somewhere), values in
// weft.yaml itself, ciphers and archives among the forms that are masked: a program that encrypts or
// compresses a secret before it prints it has printed something else.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// EnvPrefix opens the names of the variables in which weft looks for secrets first.
const EnvPrefix = "WEFT_SECRET_"

// MaxValue is how long a secret may be, in bytes.
const MaxValue = 64 << 10

// A Resolver finds secrets. Its fields must not change once it is used; it may be used by many at
// once.
type Resolver struct {
	Env     func(name string) (string, bool) // weft's own environment; nil = os.LookupEnv
	Sources map[string]string                // by name, as weft.yaml says: file:PATH, env:NAME, secretsmanager:ID, ssm:/path
	File    func() (map[string]string, error)
	Path    string           // of the secrets file, which File reads; "" = there is none
	Now     func() time.Time // for the age of what was fetched; nil = the machine's

	mu      sync.Mutex
	fetched map[string]*fetched // by source
}

// An Error says why a secret cannot be had, and never what it is.
type Error struct {
	Name      string
	Err       error
	Hint      string // what the user can do; "" = nothing to add
	Temporary bool   // the same may succeed later
}

func (e *Error) Error() string { return fmt.Sprintf("cannot resolve secret %s: %v", e.Name, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// Resolve returns the values of these names. The error is an *Error, or the end of ctx.
func (r *Resolver) Resolve(ctx context.Context, names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		value, err := r.one(ctx, name)
		if err == nil {
			err = fit(value)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var known *Error
		switch {
		case errors.As(err, &known):
			known.Name = name
			return nil, known
		case err != nil:
			return nil, &Error{Name: name, Err: err}
		}
		values[name] = value
	}
	return values, nil
}

// one asks the places in their order: the first that knows the name counts.
func (r *Resolver) one(ctx context.Context, name string) (string, error) {
	if !nameForm().MatchString(name) {
		return "", errors.New("a name has letters, digits and _, no digit first")
	}
	for _, variable := range []string{EnvPrefix + name, EnvPrefix + strings.ToUpper(name)} {
		if value, ok := r.env(variable); ok {
			return value, nil
		}
	}
	if source, ok := r.Sources[name]; ok {
		return r.from(ctx, source)
	}
	if r.Path != "" {
		all, err := r.File()
		if err != nil {
			return "", err
		}
		if value, ok := all[name]; ok {
			return value, nil
		}
	}
	return "", &Error{
		Err:  errors.New("nobody knows it"),
		Hint: fmt.Sprintf("looked for the variable %s%s, for %s under secrets in weft.yaml, and %s", EnvPrefix, strings.ToUpper(name), name, r.file()),
	}
}

func (r *Resolver) env(name string) (string, bool) {
	if r.Env == nil {
		return os.LookupEnv(name)
	}
	return r.Env(name)
}

// file says where the secrets file is, for the message that nothing was found.
func (r *Resolver) file() string {
	if r.Path == "" {
		return "in a secrets file (secrets_file is not set)"
	}
	return "in " + r.Path
}

// fit refuses values that no task could use as they are. An empty one is refused because a task
// that ran with an empty password would be worse than one that does not run.
func fit(value string) error {
	switch {
	case value == "":
		return errors.New("its value is empty")
	case len(value) > MaxValue:
		return fmt.Errorf("its value has %d bytes, at most %d are taken", len(value), MaxValue)
	case !utf8.ValidString(value):
		return &Error{Err: errors.New("its value is not UTF-8"), Hint: "keep it in base64, and decode it in the script"}
	}
	return nil
}
