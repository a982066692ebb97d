package runner

import (
	"context"
	"maps"
	"slices"
	"strings"

	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// maxValue is how large a value may be that expressions read; above it there is only its `.ref`.
const maxValue = 64 << 20

// fetch reads back the spilled values that the sources read, and the element of a spilled list. It
// lets go of the values that they do not read: to make one out of its JSON for each of ten thousand
// instances is what a fan-out would cost. The order's own map of views is not touched: others hold
// it too.
func (x *Executor) fetch(ctx context.Context, o *machine.Order, sources []string) error {
	copied := false
	for id, v := range o.Tasks {
		read := slices.ContainsFunc(sources, func(src string) bool { return readsOutput(src, id) })
		switch {
		case !read && holdsOutput(v):
			v = without(v)
		case read && spilled(v):
			var err error
			if v, err = x.fetchView(ctx, *o, id, v); err != nil {
				return err
			}
		default:
			continue
		}
		if !copied {
			o.Tasks, copied = maps.Clone(o.Tasks), true
		}
		o.Tasks[id] = v
	}
	if o.ItemRef != nil && !o.HasItem {
		return x.fetchItem(ctx, o)
	}
	return nil
}

func holdsOutput(v machine.TaskView) bool {
	return v.Output != nil || slices.ContainsFunc(v.Instances, func(in machine.InstanceView) bool { return in.Output != nil })
}

// without is a view without its outputs, for expressions that read none.
func without(v machine.TaskView) machine.TaskView {
	v.Output, v.Instances = nil, slices.Clone(v.Instances)
	for i := range v.Instances {
		v.Instances[i].Output = nil
	}
	return v
}

func spilled(v machine.TaskView) bool {
	return v.Ref != nil && v.Output == nil ||
		slices.ContainsFunc(v.Instances, func(in machine.InstanceView) bool { return in.Ref != nil && in.Output == nil })
}

// fetchView fills the outputs of one task. The bound holds for a mapped task's outputs together.
func (x *Executor) fetchView(ctx context.Context, o machine.Order, id string, v machine.TaskView) (machine.TaskView, error) {
	size := int64(0)
	if v.Ref != nil {
		size = v.Ref.Size
	}
	for _, in := range v.Instances {
		if in.Ref != nil {
			size += in.Ref.Size
		}
	}
	if size > maxValue {
		return v, plugins.Errorf(plugins.BadInput, "cannot read tasks.%s.output: it has %d bytes, at most %d are read (use tasks.%s.ref)", id, size, maxValue, id)
	}
	var err error
	if v.Ref != nil && v.Output == nil {
		if v.Output, err = x.fetchValue(ctx, o, *v.Ref); err != nil {
			return v, err
		}
	}
	v.Instances = slices.Clone(v.Instances)
	for i := range v.Instances {
		if in := &v.Instances[i]; in.Ref != nil && in.Output == nil {
			if in.Output, err = x.fetchValue(ctx, o, *in.Ref); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

func (x *Executor) fetchValue(ctx context.Context, o machine.Order, ref machine.Ref) ([]byte, error) {
	b, err := x.values(o)
	if err != nil {
		return nil, &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	raw, err := handoff.Get(ctx, b, ref, maxValue)
	if err != nil {
		return nil, &plugins.Error{Kind: plugins.Temporary, Err: err}
	}
	return raw, nil
}

// readsOutput tells whether a source may read the output of a task: it may, unless every `tasks`
// in it leads, by plain names, to another task or to something that is no output. So a value that
// is too large, or not worth the reading, is left where it is when only its `.ref` is wanted.
func readsOutput(src, id string) bool {
	for {
		i := strings.Index(src, "tasks")
		if i < 0 {
			return false
		}
		before, rest := src[:i], src[i+len("tasks"):]
		src = rest
		// Another name that ends so, or a member of that name. A letter before it says nothing: in
		// the JSON of `with` it may be the end of an escape.
		if strings.HasSuffix(before, "_") || strings.HasSuffix(before, ".") && !strings.HasSuffix(before, "..") {
			continue
		}
		task, rest := member(rest)
		if task != id {
			if task == "" || strings.HasPrefix(id, task) { // an id with a hyphen is read to there
				return true
			}
			continue
		}
		switch field, after := member(rest); field {
		case "state", "error", "ref", "artifacts":
		case "instances":
			if !skipsOutputs(after) {
				return true
			}
		default:
			return true
		}
	}
}

// skipsOutputs tells whether what follows `.instances` asks for a member of each that is no output.
func skipsOutputs(after string) bool {
	asks := func(name string) bool { return strings.Contains(after, name) }
	return !asks("output") && (asks(".state") || asks(".ref") || asks(".index") || asks(".artifacts"))
}

// member reads `.name`, `?.name`, `["name"]` or `['name']`; "" if there is none of them.
func member(s string) (name, rest string) {
	s = strings.TrimLeft(s, " \t\n")
	if q, ok := strings.CutPrefix(s, "["); ok && q != "" && (q[0] == '"' || q[0] == '\'') {
		name, rest, _ = strings.Cut(q[1:], q[:1]+"]")
		return name, rest
	}
	s, ok := strings.CutPrefix(strings.TrimPrefix(s, "?"), ".")
	if !ok {
		return "", s
	}
	s = strings.TrimLeft(s, " \t\n")
	end := strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}
