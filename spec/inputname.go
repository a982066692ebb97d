package spec

import (
	"slices"
	"strings"

	"weft/schema"
)

// foreignInputs are what other tools call inputs, and what plugins here call the same; the first that the plugin has
// is meant. Nothing of it is an alias.
var foreignInputs = map[string][]string{
	"source": {"from"}, "src": {"from"}, "source_bucket_key": {"from"}, "source_uri": {"from"}, "source_url": {"from"},
	"dest": {"to"}, "dst": {"to"}, "destination": {"to"}, "target": {"to"}, "dest_bucket_key": {"to"}, "destination_uri": {"to"},
	"s3_uri": {"uri"}, "s3_url": {"uri"}, "url": {"uri"}, "wildcard_key": {"uri"}, "filename": {"file", "path"}, "filepath": {"path", "file"},
	"file_path": {"path", "file"}, "local_path": {"file", "to"}, "endpoint": {"url"}, "uri": {"url"}, "data": {"body", "json"}, "payload": {"json", "body"},
	"params": {"query"}, "op_kwargs": {"args"}, "op_args": {"args"}, "kwargs": {"args"}, "arguments": {"args"}, "script": {"code", "run"},
	"python_callable": {"callable"}, "function": {"callable"}, "seconds": {"for"}, "duration": {"for"}, "command": {"run"}, "cmd": {"run"},
	"bash_command": {"run"}, "value": {"output"},
}

// inParts are inputs that are parts of one here.
var inParts = map[string]string{
	"bucket": "uri", "bucket_name": "uri", "key": "uri", "bucket_key": "uri", "object": "uri", "s3_bucket": "uri", "s3_key": "uri", "prefix": "uri",
}

// inputOf returns the inputs that an unknown one may mean by another tool's word.
func inputOf(v schema.Violation) []string {
	var meant []string
	for _, name := range append(slices.Clone(foreignInputs[strings.ToLower(v.Name)]), inParts[strings.ToLower(v.Name)]) {
		if slices.Contains(v.Choices, name) {
			meant = append(meant, name)
		}
	}
	return meant
}

// inputName reports an input that the plugin, or a map of its input, does not have.
func (d *DAG) inputName(n, key *Node, of string, v schema.Violation) {
	in := n.At(v.Path[:len(v.Path)-1]...)
	meant, near := inputOf(v), nearest(v.Name, v.Choices)
	if len(v.Path) == 1 && len(meant) == 0 && len(near) == 0 && slices.Contains(taskKeys.keys, v.Name) {
		d.report(sWrongPlace, d.span(key), "%s has no input %q", of, v.Name).label("not here").help("it is a key of the task, beside `with`")
		return
	}
	diag := d.report(sInputName, d.span(key), "%s has no input %q", of, v.Name)
	switch {
	case len(meant) == 0 || len(v.Path) > 1:
		diag.suggest(v.Name, v.Choices).unlessTaken(in)
	case inParts[strings.ToLower(v.Name)] == meant[0]:
		diag.help("write `uri: s3://bucket/key`")
	case in.Get(meant[0]) != nil:
		diag.help("`%s` says that here", meant[0])
	case slices.Contains(otherInputs, strings.ToLower(v.Name)):
		diag.label("write `%s`", meant[0])
	default:
		diag.instead(v.Name, meant[0]).unlessTaken(in)
	}
}

// otherInputs are the words of foreignInputs whose values look different there: a name alone is no fix.
var otherInputs = []string{"seconds", "duration", "python_callable", "function", "source_bucket_key", "dest_bucket_key", "wildcard_key", "data", "payload", "value"}
