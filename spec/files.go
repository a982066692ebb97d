package spec

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
)

// maxArtifactName leaves room for what else stands in a key of the handoff.
const maxArtifactName = 100

// maxPath is how long a path can be, in bytes (PATH_MAX of Linux).
const maxPath = 4095

// draftFiles reads `artifacts` and `inputs`: what of the attempt's scratch folder is kept after
// success, and what lies there before the start.
func (d *DAG) draftFiles(t *task) {
	for _, f := range d.named(t.f.get("artifacts"), "artifacts") {
		named := d.id(f.Key, "the name of an artifact", taskID) && d.shortEnough(f.Key)
		if d.fileValue(f, "artifacts") && d.artifactPath(f.Value) && named {
			t.Artifacts = append(t.Artifacts, machine.Var{Name: f.Key.Text, Value: f.Value.Text, Pos: f.Value.Pos()})
		}
		d.fileUse(t, "artifacts", f)
	}
	var laid inputPaths
	for _, f := range d.named(t.f.get("inputs"), "inputs") {
		placed := d.inputPath(f.Key) && d.apart(f, &laid)
		if d.fileValue(f, "inputs") && d.inputSource(f.Value) && placed {
			t.Inputs = append(t.Inputs, machine.Var{Name: path.Clean(f.Key.Text), Value: f.Value.Text, Pos: f.Value.Pos()})
		}
		d.fileUse(t, "inputs", f)
	}
}

// fileUse notes the expressions of a value. One of inputs makes an edge, as the artifact of another
// task is there only when that has succeeded; one of artifacts names the task's own files.
func (d *DAG) fileUse(t *task, key string, f Field) {
	if f.Value.Kind == Scalar && !f.Value.Empty() {
		d.use(&use{task: t, where: key, path: key + "." + f.Key.Text, node: f.Value, form: template, edge: key == "inputs"})
	}
}

// shortEnough bounds a name; what else ids must be, d.id has said.
func (d *DAG) shortEnough(name *Node) bool {
	if len(name.Text) > maxArtifactName {
		d.report(nLength, d.span(name), "the name of an artifact is longer than %d characters", maxArtifactName)
		return false
	}
	return true
}

// fileValue refuses what is neither a path nor an expression: a list of inputs is one expression.
func (d *DAG) fileValue(f Field, key string) bool {
	if f.Value.Empty() || f.Value.Kind != Scalar {
		d.report(sType, d.span(f.Key), "`%s.%s` must be a path or an expression, not %s", key, f.Key.Text, f.Value.words())
		return false
	}
	return true
}

// artifactPath checks as much of a path as stands in the file; the rest is checked when it is known.
func (d *DAG) artifactPath(n *Node) bool {
	switch {
	case n.Text == "":
		d.report(sValue, d.span(n), "the path of an artifact is empty").help("write . for all of $WEFT_TMPDIR")
	case !d.literalIfAbsolute(n):
	case climbs(n.Text):
		d.report(sValue, d.span(n), "the path of an artifact cannot hold `..`")
	case !path.IsAbs(n.Text) && weftsOwn(n.Text):
		d.report(sValue, d.span(n), "names that begin with .weft_ are weft's own in $WEFT_TMPDIR")
	default:
		return true
	}
	return false
}

// literalIfAbsolute: an absolute path is the author's word, not that of whoever gives a value.
func (d *DAG) literalIfAbsolute(n *Node) bool {
	if path.IsAbs(n.Text) && expr.HasExpr(n.Text) {
		d.report(sValue, d.span(n), "an absolute path cannot hold an expression here").
			help("write the path as it is, or a relative one")
		return false
	}
	return true
}

// inputPath checks where an input shall lie.
func (d *DAG) inputPath(key *Node) bool {
	switch {
	case !d.literal(key, "inputs"):
	case key.Text == "" || path.IsAbs(key.Text) || climbs(key.Text) || path.Clean(key.Text) == ".":
		d.report(sValue, d.span(key), "the path of an input lies under $WEFT_TMPDIR: it cannot be absolute, empty or hold `..`")
	case len(key.Text) > maxPath:
		d.report(sValue, d.span(key), "the path of an input is longer than a path can be")
	case weftsOwn(key.Text):
		d.report(sValue, d.span(key), "names that begin with .weft_ are weft's own in $WEFT_TMPDIR")
	default:
		return true
	}
	return false
}

// apart refuses an input that would lie in another, or be it.
func (d *DAG) apart(f Field, others *inputPaths) bool {
	o, over := others.add(f)
	if over {
		d.report(sValue, d.span(f.Key), "the inputs `%s` and `%s` overlap", o.Key.Text, f.Key.Text).
			related(d.span(o.Key), "`%s` is here", o.Key.Text)
	}
	return !over
}

// inputPaths are the paths of inputs that do not overlap.
type inputPaths struct {
	fields []Field
	at     map[string]int // by path
	below  map[string]int // by folder: the first of them that lies below it
}

// add adds a path; if it overlaps another it returns the first such one instead.
func (l *inputPaths) add(f Field) (other Field, over bool) {
	if l.at == nil {
		l.at, l.below = map[string]int{}, map[string]int{}
	}
	mine, first := path.Clean(f.Key.Text), len(l.fields)
	see := func(i int, there bool) {
		if there {
			first = min(first, i)
		}
	}
	i, there := l.at[mine]
	see(i, there)
	i, there = l.below[mine]
	see(i, there)
	for dir := folder(mine); dir != ""; dir = folder(dir) {
		i, there = l.at[dir]
		see(i, there)
	}
	if first < len(l.fields) {
		return l.fields[first], true
	}
	l.at[mine] = first
	for dir := folder(mine); dir != ""; dir = folder(dir) {
		if _, there := l.below[dir]; there {
			break
		}
		l.below[dir] = first
	}
	l.fields = append(l.fields, f)
	return Field{}, false
}

// folder is that of a clean path, "" if it lies in none.
func folder(p string) string { return p[:max(0, strings.LastIndexByte(p, '/'))] }

// inputSource checks a path of this machine; what an expression gives is checked by its type.
func (d *DAG) inputSource(n *Node) bool {
	if n.Text == "" {
		d.report(sValue, d.span(n), "the path of a file for `inputs` is empty").help("write . for the folder of the DAG file")
		return false
	}
	if !d.literalIfAbsolute(n) {
		return false
	}
	if expr.HasExpr(n.Text) || path.IsAbs(n.Text) {
		return true
	}
	if climbs(n.Text) {
		d.report(sValue, d.span(n), "a file for `inputs` lies below the folder of the DAG file: its path cannot hold `..`").
			help("write an absolute path")
		return false
	}
	if d.opts.FileExists != nil && !d.opts.FileExists(path.Clean(n.Text)) {
		d.reportAs(Warning, sFile, d.span(n), "there is no file %s beside the DAG file", cut(n.Text, 60)).
			help("a path in `inputs` is relative to the folder of the DAG file; an artifact is ${{ tasks.X.artifacts.NAME }}")
	}
	return true
}

// climbs tells whether a path holds a part `..`.
func climbs(p string) bool { return slices.Contains(strings.Split(p, "/"), "..") }

// weftsOwn tells whether a path under the scratch folder is, or lies in, a place of weft's own.
func weftsOwn(p string) bool { return strings.HasPrefix(path.Clean(p), ".weft_") }

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
