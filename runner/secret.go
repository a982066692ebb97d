package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/plugins"
	"weft/secrets"
)

// Secrets finds the values of secrets by their names; secrets.Resolver is the one there is.
type Secrets interface {
	Resolve(ctx context.Context, names []string) (map[string]string, error)
}

var _ Secrets = (*secrets.Resolver)(nil)

// unlock looks up the secrets that the task's templates read, anew for each attempt, and has them
// masked in all that leaves it from now on. nil = it reads none.
func (a *attempt) unlock(ctx context.Context) (map[string]any, error) {
	names := secretNames(a.o)
	if len(names) == 0 {
		return nil, nil
	}
	seen := make(map[string]any, len(names))
	if a.blind {
		for _, name := range names {
			seen[name] = name
		}
		return seen, nil
	}
	if a.x.Secrets == nil {
		return nil, plugins.Errorf(plugins.BadInput, "cannot resolve secret %s: there are no secrets here", names[0])
	}
	values, err := a.x.Secrets.Resolve(ctx, names)
	if err != nil {
		return nil, unresolved(err)
	}
	a.mask = secrets.NewMask(values)
	a.log.hide(a.mask)
	for name, value := range values {
		seen[name] = value
	}
	return seen, nil
}

// unresolved gives a failure to look a secret up its kind: one that may pass, or a mistake.
func unresolved(err error) error {
	var e *secrets.Error
	if !errors.As(err, &e) {
		return err
	}
	kind := plugins.BadInput
	if e.Temporary {
		kind = plugins.Temporary
	}
	return &plugins.Error{Kind: kind, Err: err, Hint: e.Hint}
}

// secretNames are the secrets that an attempt of the order reads, sorted. The validator has seen to
// it that each is named outright.
func secretNames(o machine.Order) []string {
	var names []string
	for _, list := range [][]machine.Var{o.Plan.Env, o.Task.Env, o.Task.ScriptEnv} {
		for _, v := range list {
			if mentionsSecrets(v.Value) {
				names = append(names, expr.SecretsOfTemplate(v.Value)...)
			}
		}
	}
	if mentionsSecrets(string(o.Task.With)) {
		if v, err := expr.DecodeJSON(o.Task.With); err == nil {
			names = append(names, secretsBelow(v)...)
		}
	}
	if s := o.Task.Sensor; s != nil {
		for _, e := range []*machine.Expr{s.Until, s.FailWhen} {
			if e != nil && mentionsSecrets(e.Src) {
				names = append(names, expr.SecretsOf(e.Src)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mentionsSecrets spares nearly all templates the reading.
func mentionsSecrets(src string) bool { return strings.Contains(src, "secrets") }

// secretsBelow are the secrets that the templates in a value of `with` read.
func secretsBelow(v any) (names []string) {
	switch v := v.(type) {
	case string:
		if mentionsSecrets(v) {
			names = expr.SecretsOfTemplate(v)
		}
	case []any:
		for _, el := range v {
			names = append(names, secretsBelow(el)...)
		}
	case map[string]any:
		for _, el := range v {
			names = append(names, secretsBelow(el)...)
		}
	}
	return names
}

// mayKeep reads what is about to be kept, to its end and back to its beginning, and refuses it if it
// holds a secret: outputs, spilled ones too, and whatever else of an attempt outlasts it. Nothing
// may have been put anywhere before. It is `remote`, what the work gave back.
func (a *attempt) mayKeep(what string, r io.ReadSeeker) error {
	if a.mask == nil {
		return nil
	}
	name, err := a.mask.Find(r)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return plugins.Errorf(plugins.Remote, "cannot keep %s: it cannot be read: %w", what, bare(err))
	}
	if name == "" {
		return nil
	}
	e := plugins.Errorf(plugins.Remote, "cannot keep %s: it holds secret %s", what, name)
	e.Hint = fmt.Sprintf("a task that needs it reads secrets.%s itself", name)
	return e
}

// exposes refuses an argument that an expression has put a secret into, by way of `env`: everyone on
// the machine sees it. The word itself may stand in the file, whatever secrets say.
func (a *attempt) exposes(what, text string, i int) error {
	if a.mask == nil {
		return nil
	}
	var with struct{ Run []json.RawMessage }
	if json.Unmarshal(a.o.Task.With, &with) != nil || i >= len(with.Run) || !expr.HasExpr(string(with.Run[i])) {
		return nil
	}
	name, _ := a.mask.Find(strings.NewReader(text)) // a text can be read
	if name == "" {
		return nil
	}
	return fmt.Errorf("cannot pass %s to a process: it holds secret %s, and everyone on this machine sees arguments (let the process read it from `env`)", what, name)
}
