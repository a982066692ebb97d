package spec

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"weft/machine"
)

// draftFiles reads `artifacts` and `inputs`: names and paths under the attempt's scratch folder.
func (d *DAG) draftFiles(t *task) {
	t.Artifacts = d.filesOf(t, "artifacts")
	t.Inputs = d.filesOf(t, "inputs")
}

// filesOf reads one of the two. A value of inputs makes an edge, as the artifact of another task is
// there only when that has succeeded; a value of artifacts names the task's own files.
func (d *DAG) filesOf(t *task, key string) []machine.Var {
	var out []machine.Var
	for _, f := range d.named(t.f.get(key), key) {
		if f.Value.Empty() || f.Value.Kind != Scalar {
			d.report(sType, d.span(f.Key), "`%s.%s` must be a path or an expression, not %s", key, f.Key.Text, f.Value.words())
			continue
		}
		if key == "inputs" && (path.IsAbs(f.Key.Text) || slices.Contains(strings.Split(f.Key.Text, "/"), "..")) {
			d.report(sValue, d.span(f.Key), "the path of an input lies under $WEFT_TMPDIR: it cannot be absolute or hold `..`")
			continue
		}
		out = append(out, machine.Var{Name: f.Key.Text, Value: f.Value.Text, Pos: f.Value.Pos})
		d.use(&use{task: t, where: key, path: key + "." + f.Key.Text, node: f.Value, form: template, edge: key == "inputs"})
	}
	return out
}

// handoffs are the schemes of a handoff, and how one looks. The scheme alone chooses who carries it
// out, so one that is not here could be carried out by nobody.
var handoffs = map[string]string{
	"s3": "s3://bucket/prefix", "file": "file:///dir", "dynamodb": "dynamodb://table",
}

// draftHandoff checks a URI's shape; whether anybody answers there is no matter of a file.
func (d *DAG) draftHandoff(n *Node) {
	if !d.filled(n, "handoff", "a URI like s3://bucket/prefix") {
		return
	}
	u, err := url.Parse(n.Text)
	switch {
	case err != nil || handoffs[u.Scheme] == "":
		d.report(sValue, d.span(n), "`handoff` must be a URI like s3://bucket/prefix, file:///dir or dynamodb://table")
	case u.Scheme == "file" && (u.Host != "" || !path.IsAbs(u.Path)), u.Scheme != "file" && u.Host == "":
		d.report(sValue, d.span(n), "`handoff` must look like %s", handoffs[u.Scheme])
	default:
		d.plan.Handoff = n.Text
	}
}
