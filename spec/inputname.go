package spec

import (
	"slices"
	"strconv"
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

// misspelt tells whether a missing input is there under another name, which is reported.
func misspelt(found []schema.Violation, missing schema.Violation) bool {
	oneOf := len(missing.Path) == 0 && strings.HasPrefix(missing.Message, "needs one of ")
	if missing.Keyword != "required" && !oneOf {
		return false
	}
	return slices.ContainsFunc(found, func(v schema.Violation) bool {
		if v.Keyword != "additionalProperties" || !slices.Equal(v.Path[:len(v.Path)-1], missing.Path) {
			return false
		}
		return slices.ContainsFunc(append(nearest(v.Name, v.Choices), inputOf(v)...), func(name string) bool {
			return name == missing.Name || oneOf && strings.Contains(missing.Message, strconv.Quote(name))
		})
	})
}

// otherPart tells whether an unknown input is a part of one here, and another part of it is reported.
func otherPart(found []schema.Violation, part schema.Violation) bool {
	whole := inParts[strings.ToLower(part.Name)]
	if whole == "" || part.Keyword != "additionalProperties" || len(part.Path) != 1 {
		return false
	}
	first := slices.IndexFunc(found, func(v schema.Violation) bool {
		return v.Keyword == "additionalProperties" && len(v.Path) == 1 && inParts[strings.ToLower(v.Name)] == whole && slices.Contains(v.Choices, whole)
	})
	return first >= 0 && found[first].Name != part.Name
}

// joined is the URI of a bucket and a key that stand beside each other as texts.
func joined(in *Node) string {
	bucket, key := "bucket", "key"
	for _, f := range in.Fields() {
		if f.Value.Kind != Scalar || f.Value.Text == "" || len(f.Value.Text) > 60 || strings.ContainsAny(f.Value.Text, "\n`") {
			continue
		}
		switch name := strings.ToLower(f.Key.Text); {
		case inParts[name] == "":
		case strings.Contains(name, "bucket") && !strings.Contains(name, "key"):
			bucket = f.Value.Text
		default:
			key = strings.TrimPrefix(f.Value.Text, "/")
		}
	}
	if strings.HasPrefix(key, "s3://") {
		return key
	}
	return "s3://" + bucket + "/" + key
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
	case in.Get(meant[0]) == nil && inParts[strings.ToLower(v.Name)] == meant[0]:
		diag.help("write `uri: %s`", joined(in))
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
