package spec

import (
	"maps"
	"slices"
	"strings"

	"weft/expr"
	"weft/machine"
	"weft/schema"
)

// A param is one input of a run under way to the plan.
type param struct {
	machine.Param
	key  *Node
	used bool // an expression names it; true also of one whose name is wrong, which is reported
}

// schemaTypes are the names that `type` may have.
var schemaTypes = []string{"string", "integer", "number", "boolean", "array", "object", "null"}

// foreignTypes are what other languages call the types.
var foreignTypes = map[string]string{
	"str": "string", "text": "string", "int": "integer", "long": "integer", "float": "number", "double": "number", "decimal": "number",
	"bool": "boolean", "list": "array", "dict": "object", "map": "object", "mapping": "object", "json": "object",
}

// likeTypes are words that people write for a type where there is none, and what says the same. Each may be a default too.
var likeTypes = map[string]string{
	"any": "{}", "date": "{type: string, format: date}", "datetime": "{type: string, format: date-time}",
	"timestamp": "{type: string, format: date-time}", "time": "{type: string, format: time}", "uuid": "{type: string, format: uuid}",
	"url": "{type: string, format: uri}", "uri": "{type: string, format: uri}", "email": "{type: string, format: email}",
}

// metaText types the keywords of a fragment that are text, whatever they look like.
var metaText = map[string]any{"properties": map[string]any{
	"description": textSchema, "title": textSchema, "pattern": textSchema, "format": textSchema, "$ref": textSchema,
	"$comment": textSchema,
}}

var textSchema = map[string]any{"type": "string"}

// draftParams reads the inputs of a run. A param whose schema is wrong stays declared, of any type,
// so that expressions which name it are not blamed.
func (d *DAG) draftParams(n *Node) {
	list := d.named(n, "params")
	params := make([]param, len(list)) // a file may have very many: all at once, as tasks
	d.plan.Params, d.params = slices.Grow(d.plan.Params, len(list)), make(map[string]*param, len(list))
	for i, f := range list {
		if d.full() {
			return
		}
		p := &params[i]
		*p = param{key: f.Key, used: !d.id(f.Key, "the param's name", taskID)}
		p.Name = f.Key.Text
		p.Schema = []byte("{}")
		if f.Value.Kind != Mapping {
			p.used = true // whether it is can be told once it is declared
			d.paramShort(f)
		} else {
			d.draftParam(p, f.Value)
		}
		d.params[p.Name] = p
		d.plan.Params = append(d.plan.Params, p.Param)
	}
}

// paramShort is a value where a schema must stand: people write the default.
func (d *DAG) paramShort(f Field) {
	diag := d.report(sType, d.span(f.Value), "the param %q must be a map that says its type, not %s", f.Key.Text, f.Value.words())
	now := ""
	switch written := oneLine(f.Value); {
	case f.Value.Kind == Sequence && listWords(f.Value) != "":
		diag.help("write `%s: {type: array, default: %s}`", f.Key.Text, listWords(f.Value))
		return
	case f.Value.Kind == Sequence || f.Value.Empty() || strings.EqualFold(f.Value.Text, "null") || written == "…":
		return
	case slices.Contains(schemaTypes, strings.ToLower(f.Value.Text)):
		now = "{type: " + strings.ToLower(f.Value.Text) + "}"
	case f.Value.Quote == Plain && likeTypes[strings.ToLower(f.Value.Text)] != "":
		diag.help("write `%s: %s`", f.Key.Text, likeTypes[strings.ToLower(f.Value.Text)])
		return
	case foreignTypes[strings.ToLower(f.Value.Text)] != "":
		now = "{type: " + foreignTypes[strings.ToLower(f.Value.Text)] + "}"
	case f.Value.Quote == Plain && digitGroups().MatchString(f.Value.Text): // 1_000, 010: a number in another notation
		diag.help("write `%s: {type: integer, default: …}`", f.Key.Text)
		return
	case len([]rune(f.Value.Text)) > 40 || expr.HasExpr(f.Value.Text):
		diag.help("write `%s: {type: string, default: …}`", f.Key.Text)
		return
	default:
		now = "{type: " + d.typeWord(f.Value) + ", default: " + written + "}"
	}
	diag.note("fix", "write `%s: %s`", f.Key.Text, now)
	if at := d.span(f.Value); d.src.takes(at, "x", false) && slices.Contains([]string{f.Value.Text, oneLine(f.Value)}, d.src.text(at)) {
		diag.edit(at, now)
	}
}

var digitGroups = looks(`^0[0-9]+$|^[0-9]+(?:_[0-9]+)+$`)

// typeWord is the type of a scalar as it is written, by the name that `type` has for it.
func (d *DAG) typeWord(n *Node) string {
	if n.Quote != Plain {
		return "string"
	}
	switch d.scalar(n).(type) {
	case bool:
		return "boolean"
	case int:
		return "integer"
	case float64:
		return "number"
	}
	return "string"
}

// draftParam reads a fragment of JSON Schema and checks its default against it.
func (d *DAG) draftParam(p *param, n *Node) {
	f := d.fields(n, paramKeys, "the param")
	d.nestedWords(n)
	frag, ok := d.fragment(n, "the param \""+p.Name+"\"")
	if !ok {
		return
	}
	p.Schema = encode(frag)
	def := f.field("default")
	if def.Key == nil || def.Value.Kind == Scalar && !d.literal(def.Value, "params."+p.Name+".default") {
		return
	}
	value := d.valueAs(def.Value, frag)
	p.Default = encode(value)
	c, err := schema.Compile(p.Schema)
	if err != nil {
		return
	}
	for _, v := range c.Check(value) {
		at, _ := def.Value.deepest(v.Path)
		d.report(sValue, d.span(at), "the default of param %q%s %s", p.Name, ofPath(v.Path), v.Message)
	}
}

// fragment makes a JSON Schema of a mapping, without its `default`, which is a value of ours and no
// part of the schema that a run's params are checked by. Choices are typed as what they
// choose: `enum: [010]` of texts is the text "010".
func (d *DAG) fragment(n *Node, what string) (map[string]any, bool) {
	frag := map[string]any{}
	for _, f := range n.Fields() {
		if f.Key.Text != "default" && slices.Contains(schemaWords, f.Key.Text) {
			frag[f.Key.Text] = d.valueAs(f.Value, member(metaText, any(metaText), f.Key.Text))
		}
	}
	if !d.fragmentType(n.Get("type")) {
		return nil, false
	}
	if frag["type"] != nil {
		own := map[string]any{"type": frag["type"]}
		for _, key := range []string{"enum", "examples"} {
			if list := n.Get(key); list != nil && list.Kind == Sequence {
				frag[key] = d.valueAs(list, map[string]any{"items": own})
			}
		}
		if c := n.Get("const"); c != nil {
			frag["const"] = d.valueAs(c, own)
		}
	}
	if _, err := schema.Compile(encode(frag)); err != nil {
		d.fragmentFault(n, what, err)
		return nil, false
	}
	return frag, true
}

// fragmentType checks `type` itself, the likeliest mistake, for the sake of its words.
func (d *DAG) fragmentType(n *Node) bool {
	ok := true
	for _, t := range d.oneOrList(n, "type") {
		if !slices.Contains(schemaTypes, t.Text) {
			diag := d.report(sValue, d.span(t), "there is no type %q", t.Text)
			if here := foreignTypes[strings.ToLower(t.Text)]; here != "" {
				diag.label("write `%s`", here)
			} else {
				diag.suggest(t.Text, schemaTypes)
			}
			ok = false
		}
	}
	return ok && (n == nil || n.Kind != Mapping)
}

// draftOutputs reads declared outputs: a type's name, or a fragment of JSON Schema. One whose schema is
// wrong stays declared, of any type, like a param.
func (d *DAG) draftOutputs(t *task, n *Node) {
	for _, f := range d.named(n, "outputs") {
		d.id(f.Key, "the output's name", taskID)
		out := machine.Output{Name: f.Key.Text, Schema: []byte("{}")}
		switch {
		case f.Value.Kind == Mapping:
			d.fields(f.Value, outputKeys, "the output")
			d.nestedWords(f.Value)
			if frag, ok := d.fragment(f.Value, "the output \""+out.Name+"\""); ok {
				out.Schema = encode(frag)
			}
		default:
			names := []string{"string", "integer", "number", "boolean", "array", "object", "any"}
			if here := foreignTypes[strings.ToLower(f.Value.Text)]; here != "" && f.Value.Kind == Scalar {
				d.report(sValue, d.span(f.Value), "there is no type %q", f.Value.Text).label("write `%s`", here)
			} else if name, ok := d.choice(f.Value, "outputs."+out.Name, names...); ok && name != "any" {
				out.Schema = encode(map[string]any{"type": name})
			}
		}
		t.Outputs = append(t.Outputs, out)
	}
}

// outputSchema is what a task's output will be, as far as it is declared: by the task, else by its
// plugin. Declared outputs are all there are and all are there, which is checked when the task ends;
// so a member that is not declared is a mistake in an expression.
func (t *task) outputSchema() []byte {
	if len(t.Outputs) == 0 {
		return t.plugin.Output
	}
	props := map[string]any{}
	for _, o := range t.Outputs {
		props[o.Name] = schemaValue(o.Schema)
	}
	names := slices.Sorted(maps.Keys(props))
	required := make([]any, len(names))
	for i, n := range names {
		required[i] = n
	}
	return encode(map[string]any{"type": "object", "properties": props, "additionalProperties": false, "required": required})
}
