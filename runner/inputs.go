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

// A uselessError is about a value that no waiting makes a file.
type uselessError struct{ error }

func unusable(format string, args ...any) error { return uselessError{fmt.Errorf(format, args...)} }

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
		if at != in.v.Name { // it is an entry of a list itself
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
		case !v.Mapped && len(v.Declared) > 0 && len(v.Artifacts) == 0:
			return unusable("the expression gives null: task %s is success and has kept nothing (it was marked by hand, or ran under another version; weft clear runs it again)", id)
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
	// That it is a folder its URI says; how many files it has its manifest knows best.
	a := machine.Artifact{Ref: machine.Ref{URI: uri, Size: int64(size), SHA256: sum}}
	a.Executable, _ = value["executable"].(bool)
	b, err := in.source(uri)
	if err != nil {
		return err
	}
	return handoff.Lay(ctx, b, a, in.root, at)
}

// source is the place that a reference is read from: itself, or the handoff in force, which refuses
// what is not its own. Nothing else of this machine or the network can be named by a URI.
func (in input) source(uri string) (handoff.Backend, error) {
	if handoff.IsInline(uri) {
		return handoff.Values{}, nil
	}
	b, err := in.x.values(in.o)
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

// orHere is where weft was started, if nobody says otherwise.
func orHere(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// failed sorts failures: what is wrong with the value or the file is told with its place and is
// tried again in vain; a file that is not there, a handoff or a disk may be better next time.
func (in input) failed(err error) error {
	var useless uselessError
	var unfit *handoff.UnfitError
	lasting := errors.As(err, &useless) || errors.Is(err, handoff.ErrOutside) ||
		errors.As(err, &unfit) && !errors.Is(err, fs.ErrNotExist)
	if lasting {
		return plugins.Errorf(plugins.BadInput, "%scannot lay out input %s: %w", in.place(in.v.Pos), in.v.Name, err)
	}
	return plugins.Errorf(plugins.Temporary, "cannot lay out input %s: %w", in.v.Name, err)
}
