package spec

import (
	"strconv"
	"strings"

	"weft/schema"
)

// strayInput reports an input of a task's plugin that stands beside `uses` instead of under `with`.
func (d *DAG) strayInput(f Field, t *table, in fields) bool {
	uses := in.node.Get("uses")
	if t != taskKeys && t != callbackKeys || d.opts.Plugins == nil || uses == nil || uses.Kind != Scalar {
		return false
	}
	info, known := d.opts.Plugins.Plugin(uses.Text)
	if !known || !hasInput(&info, f.Key.Text) {
		return false
	}
	diag := d.report(sWrongPlace, d.span(f.Key), "%s has no key %q", t.what, f.Key.Text).label("not here")
	switch {
	case in.node.Get("with") != nil || f.Value.Kind != Scalar || f.Value.Empty():
		diag.help("it is an input of %s, and belongs under `with`", uses.Text)
	default:
		diag.help("it is an input of %s: write `with: {%s: %s}`", uses.Text, f.Key.Text, oneLine(f.Value))
	}
	return true
}

// hasInput tells whether a plugin has an input of a name.
func hasInput(info *PluginInfo, name string) bool {
	in, _ := schemaValue(info.Input).(map[string]any)
	props, _ := in["properties"].(map[string]any)
	return props[name] != nil
}

// strays tells whether what is missing in an input is reported already: it stands in the wrong place.
func (t *task) strays(v schema.Violation) bool {
	if t.f.node == nil || len(v.Path) > 0 {
		return false
	}
	oneOf := strings.HasPrefix(v.Message, "needs one of ")
	for _, f := range t.f.node.Fields() {
		if t.f.field(f.Key.Text).Key == nil && hasInput(t.plugin, f.Key.Text) &&
			(v.Keyword == "required" && v.Name == f.Key.Text || oneOf && strings.Contains(v.Message, strconv.Quote(f.Key.Text))) {
			return true
		}
	}
	return false
}
