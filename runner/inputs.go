package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// layInputs puts what `inputs` names under the scratch folder. When it returns nil all of it is
// there, whole and checked; else the plugin does not start, and the scratch folder goes.
func (a *attempt) layInputs(ctx context.Context) error {
	if len(a.o.Task.Inputs) == 0 {
		return nil
	}
	root, err := os.OpenRoot(a.scratch.dir)
	if err != nil {
		return plugins.Errorf(plugins.Temporary, "cannot lay out the inputs: %w", bare(err))
	}
	defer root.Close()
	vars := a.inputVars()
	for _, v := range a.o.Task.Inputs {
		in := input{attempt: a, v: v, root: root}
		value := any(v.Value)
		if expr.HasExpr(v.Value) {
			if value, err = a.exprs.Render(v.Value, vars); err != nil {
				return plugins.Errorf(plugins.BadInput, "%scannot evaluate inputs.%s: %w", a.place(v.Pos), v.Name, err)
			}
		}
		if err := in.lay(ctx, v.Name, value); err != nil {
			return in.failed(err)
		}
	}
	return nil
}

// An input is one entry of `inputs`.
type input struct {
	*attempt
	v    machine.Var
	root *os.Root
}

// errUsage is a value that no waiting makes a file.
var errUsage = errors.New("")

func unusable(format string, args ...any) error {
	return fmt.Errorf("%w"+format, append([]any{errUsage}, args...)...)
}

// lay puts what a value names at a place. In a list each entry has its position for a name, and what
// is null is left out.
func (in input) lay(ctx context.Context, at string, value any) error {
	switch value := value.(type) {
	case nil:
		return in.nothing()
	case string:
		return in.copyFile(ctx, at, value)
	case map[string]any:
		return in.fetchFile(ctx, at, value)
	case []any:
		if at != in.v.Name {
			return unusable("a list in a list is no file")
		}
		if err := in.root.MkdirAll(at, 0o755); err != nil {
			return bare(err)
		}
		for i, one := range value {
			if one == nil {
				continue
			}
			if err := in.lay(ctx, path.Join(at, strconv.Itoa(i)), one); err != nil {
				return err
			}
		}
		return nil
	}
	return unusable("the expression gives %s, and no file (name tasks.X.artifacts.NAME, tasks.X.ref or a path)", describe(value))
}

// nothing says whose fault a null is.
func (in input) nothing() error {
	for _, id := range in.named() {
		v := in.o.Tasks[id]
		switch {
		case v.State == machine.None:
			return unusable("the expression gives null: task %s had not finished", id)
		case v.State != machine.Success:
			return unusable("the expression gives null: task %s is %s", id, v.State)
		}
	}
	return unusable("the expression gives null: there is no such artifact or output")
}

// named are the tasks that the input's value reads, as far as the text tells.
func (in input) named() (ids []string) {
	for src := in.v.Value; ; {
		i := strings.Index(src, "tasks")
		if i < 0 {
			return ids
		}
		var name string
		name, src = member(src[i+len("tasks"):])
		for _, id := range slices.Sorted(maps.Keys(in.o.Tasks)) {
			if id == name || name != "" && strings.HasPrefix(id, name+"-") {
				ids = append(ids, id)
			}
		}
	}
}

// fetchFile lays out what an artifact or a `.ref` names.
func (in input) fetchFile(ctx context.Context, at string, value map[string]any) error {
	uri, _ := value["uri"].(string)
	size, isSize := value["size"].(int)
	sum, _ := value["sha256"].(string)
	if uri == "" || !isSize || sum == "" {
		return unusable("the expression gives a map without uri, size and sha256 (name tasks.X.artifacts.NAME or tasks.X.ref)")
	}
	a := machine.Artifact{Ref: machine.Ref{URI: uri, Size: int64(size), SHA256: sum}}
	a.Executable, _ = value["executable"].(bool)
	b, err := in.source(uri)
	if err != nil {
		return err
	}
	return handoff.Lay(ctx, b, a, in.root, at)
}

func (in input) source(uri string) (handoff.Backend, error) {
	if handoff.IsInline(uri) {
		return handoff.Values{}, nil
	}
	b, err := in.x.place(in.o)
	if err != nil {
		return nil, unusable("%w", err)
	}
	return b, nil
}

// copyFile lays out a file or folder of this machine: below the folder of the DAG's file, or
// wherever an absolute path leads that stands in it as it is.
func (in input) copyFile(ctx context.Context, at, file string) error {
	literal := !expr.HasExpr(in.v.Value)
	switch {
	case file == "":
		return unusable("its path is empty")
	case filepath.IsAbs(file) && !literal:
		return unusable("an expression gives the absolute path %q (write such a path as it is, or one below the folder of the DAG file)", file)
	}
	src := handoff.Source{Path: file}
	var err error
	if filepath.IsAbs(file) {
		src, err = outside(file)
	} else {
		src.Root, err = os.OpenRoot(orHere(in.home()))
		err = bare(err)
	}
	if err != nil {
		return err
	}
	defer src.Root.Close()
	return handoff.Copy(ctx, src, in.root, at)
}

func orHere(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// failed sorts failures: what is wrong with the value or the file is told with its place and is
// tried again in vain; a file that is not there, a handoff or a disk may be better next time.
func (in input) failed(err error) error {
	var unfit *handoff.UnfitError
	lasting := errors.Is(err, errUsage) || errors.Is(err, handoff.ErrOutside) ||
		errors.As(err, &unfit) && !errors.Is(err, fs.ErrNotExist)
	if lasting {
		return plugins.Errorf(plugins.BadInput, "%scannot lay out input %s: %w", in.place(in.v.Pos), in.v.Name, err)
	}
	return plugins.Errorf(plugins.Temporary, "cannot lay out input %s: %w", in.v.Name, err)
}

// inputVars are what expressions of `inputs` see: as elsewhere, but for the `.ref` of an output that
// is kept with the run, which holds the value itself. So a small output and a large one are laid out
// by the same words.
func (a *attempt) inputVars() map[string]any {
	reads := false
	for _, v := range a.o.Task.Inputs {
		reads = reads || strings.Contains(v.Value, "ref")
	}
	tasks, ok := a.vars["tasks"].(map[string]any)
	if !reads || !ok {
		return a.vars
	}
	vars, withRefs := maps.Clone(a.vars), maps.Clone(tasks)
	for id, view := range a.o.Tasks {
		seen, ok := tasks[id].(map[string]any)
		if !ok {
			continue
		}
		seen = maps.Clone(seen)
		if ref := inlineRef(view.Output, view.Ref); ref != nil && !view.Mapped {
			seen["ref"] = ref
		}
		if list, ok := seen["instances"].([]any); ok {
			seen["instances"] = instancesWithRefs(list, view.Instances)
		}
		withRefs[id] = seen
	}
	vars["tasks"] = withRefs
	return vars
}

func instancesWithRefs(list []any, views []machine.InstanceView) []any {
	out := make([]any, len(list))
	for i, one := range list {
		out[i] = one
		m, ok := one.(map[string]any)
		if !ok || i >= len(views) {
			continue
		}
		if ref := inlineRef(views[i].Output, views[i].Ref); ref != nil {
			m = maps.Clone(m)
			m["ref"], out[i] = ref, m
		}
	}
	return out
}

// inlineRef makes the `.ref` of an output that has none; nil where there is no output either.
func inlineRef(raw machine.Raw, ref *machine.Ref) any {
	if raw == nil || ref != nil {
		return nil
	}
	return machine.Artifact{Ref: handoff.Inline(raw)}.Value()
}
