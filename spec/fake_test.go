package spec

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// somePlugins are the plugins that the tests know; their inputs are cut to what the tests need.
type somePlugins map[string]PluginInfo

func (p somePlugins) Plugin(name string) (PluginInfo, bool) { i, ok := p[name]; return i, ok }
func (p somePlugins) Names() []string                       { return slices.Sorted(maps.Keys(p)) }

func schemaOf(s string) json.RawMessage { return json.RawMessage(s) }

var fakes = somePlugins{
	"shell": {Name: "shell", Input: schemaOf(`{"type":"object","required":["run"],"additionalProperties":false,"properties":{
		"run":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]},
		"shell":{"anyOf":[{"type":"string","enum":["bash","sh"]},{"type":"array","items":{"type":"string"}}]}}}`)},
	"noop": {Name: "noop", Input: schemaOf(`{"type":"object","additionalProperties":false,"properties":{"output":{}}}`)},
	"fail": {Name: "fail", Input: schemaOf(`{"type":"object","required":["message"],"additionalProperties":false,"properties":{"message":{"type":"string"}}}`)},
	"wait": {Name: "wait", Sensor: true, Input: schemaOf(`{"type":"object","additionalProperties":false,
		"oneOf":[{"required":["for"]},{"required":["until"]}],
		"properties":{"for":{"type":"string"},"until":{"type":"string"}}}`), Output: schemaOf(`{"type":"string"}`)},
	"job": {Name: "job", Remote: true, Input: schemaOf(`{"type":"object","required":["name"],"additionalProperties":false,"properties":{"name":{"type":"string"}}}`)},
	"dag.run": {Name: "dag.run", Remote: true, Input: schemaOf(`{"type":"object","required":["id"],"additionalProperties":false,"properties":{
		"id":{"type":"string"},"params":{"type":"object"},"logical_date":{"type":"string"},"wait":{"type":"boolean"}}}`)},
	"dag.wait": {Name: "dag.wait", Sensor: true, Endless: true, Input: schemaOf(`{"type":"object","required":["id"],"additionalProperties":false,"properties":{
		"id":{"type":"string"},"task":{"type":"string"},"logical_date":{"type":"string"}}}`)},
	"tag": {Name: "tag", Input: schemaOf(`{"type":"object","additionalProperties":false,"properties":{
		"names":{"type":"array","items":{"$ref":"#/definitions/text"}},
		"labels":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/definitions/text"},{"type":"array","items":{"type":"string"}}]}}},
		"definitions":{"text":{"type":"string"}}}`)},
	"http": {
		Name: "http", Input: schemaOf(`{"type":"object",
		"x-weft-once":{"when":{"properties":{"method":{"enum":["POST"]},"headers":{"propertyNames":{"not":{"pattern":"(?i)idempotency"}}}},
			"anyOf":[{"required":["method"]},{"required":["json"]}]},"help":"send a key"},"required":["url"],"additionalProperties":false,"properties":{
		"url":{"type":"string"},"method":{"type":"string"},"headers":{"type":"object"},"json":{},"auth":{"type":"object"},"expect":{"type":"object","additionalProperties":false,"properties":{
			"status":{"type":"integer"},"when":{"type":"string","x-weft-expr":["output"]}}}}}`),
		Output: schemaOf(`{"type":"object","additionalProperties":false,"properties":{"status":{"type":"integer"},"body":{}}}`),
	},
	"python": {Name: "python", Input: schemaOf(`{"type":"object","additionalProperties":false,
		"oneOf":[{"required":["code"]},{"required":["file"]},{"required":["callable"]}],"properties":{
		"code":{"type":"string","contentMediaType":"text/x-python"},"file":{"type":"string","x-weft-file":true},"callable":{"type":"string"},
		"args":{"oneOf":[{"type":"array"},{"type":"object"}]},
		"requirements":{"x-weft-file":true,"oneOf":[{"type":"array","items":{"type":"string"}},{"type":"string"}]}}}`)},
	"s3.copy": {Name: "s3.copy", Input: schemaOf(`{"type":"object","required":["from","to"],"additionalProperties":false,
		"properties":{"from":{"type":"string"},"to":{"type":"string"}}}`)},
	"s3.head": {
		Name: "s3.head", Input: schemaOf(`{"type":"object","required":["uri"],"additionalProperties":false,"properties":{"uri":{"type":"string"}}}`),
		Output: schemaOf(`{"type":"object","additionalProperties":false,"properties":{"exists":{"type":"boolean"}}}`),
	},
	"file.head": {
		Name: "file.head", Input: schemaOf(`{"type":"object","required":["path"],"additionalProperties":false,
		"properties":{"path":{"type":"string"},"follow":{"type":"boolean"},"max":{"type":"integer","minimum":1},"kind":{"enum":["file","folder"]}}}`),
		Output: schemaOf(`{"type":"object","additionalProperties":false,"properties":{"exists":{"type":"boolean"},"size":{"type":"integer"},"modified":{"type":"string"}}}`),
	},
}

func online() Options {
	return Options{
		Plugins: fakes, Pools: map[string]int{"default": 16, "glue": 5}, Vars: map[string]any{"bucket": "b"},
		FileExists: func(rel string) bool { return rel == "there.sh" },
		Lint:       looseLint,
	}
}

// looseLint is a linter that knows one mistake: $loose and "$loose", of which the latter is worse.
func looseLint(s Script) []Remark {
	var out []Remark
	for i, line := range strings.Split(s.Text, "\n") {
		for at := 0; ; {
			n := strings.Index(line[at:], "$loose")
			if n < 0 {
				break
			}
			col := utf8.RuneCountInString(line[:at+n]) + 1
			r := Remark{
				Code: "SC1", Severity: Info, Line: i + 1, Column: col, EndLine: i + 1, EndColumn: col + len("$loose"),
				Message: "this is loose, in " + s.Dialect, Page: "https://example.org/SC1", Names: "loose",
			}
			if at+n > 0 && line[at+n-1] == '"' {
				r.Severity = Error
			}
			out = append(out, r)
			at += n + len("$loose")
		}
	}
	return out
}
