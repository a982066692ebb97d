package spec

import (
	"path"
	"slices"
	"strings"

	"weft/expr"
)

// inputFile warns of a file that an input names and that is not there. A plugin's schema marks such inputs by
// "x-weft-file": they are programs and lists that belong to the DAG, relative to the task's working directory, and not
// what another task makes.
func (d *DAG) inputFile(t *task, f Field, schema any) {
	m, _ := resolveRef(schema, schema).(map[string]any)
	name := f.Value.Text
	if m["x-weft-file"] != true || f.Value.Kind != Scalar || f.Value.bad || name == "" || d.opts.FileExists == nil {
		return
	}
	if t.f.get("workdir") != nil || expr.HasExpr(name) || path.IsAbs(name) || strings.HasPrefix(name, "~") || climbs(name) || d.opts.FileExists(path.Clean(name)) {
		return
	}
	diag := d.reportAs(Warning, sFile, d.span(f.Value), "there is no file %s beside the DAG file", cut(name, 60))
	if slices.Contains(admitted(m), "array") && path.Ext(name) != ".txt" && !strings.Contains(name, "/") {
		diag.help("for what no file holds write a list: `%s: [%q]`", f.Key.Text, cut(name, 60))
		return
	}
	diag.help("paths are relative to the folder of the DAG file, unless `workdir` says otherwise")
}
