package spec

import (
	"regexp"
	"strings"
	"sync"

	"weft/expr"
)

// literalWord marks an input of which more is known where it is written down than where an expression gives it: then
// the plugin itself refuses, in its own words. {"pattern": "…", "patternErrorMessage": "must be …"}.
const literalWord = "x-weft-literal"

// literalPatterns are those of the plugins' schemas, compiled.
var literalPatterns sync.Map

func literalPattern(text any) *regexp.Regexp {
	if re, ok := literalPatterns.Load(text); ok {
		return re.(*regexp.Regexp)
	}
	s, _ := text.(string)
	re, err := regexp.Compile(s)
	if err != nil { // the plugin's fault; a test of the plugins finds it
		return nil
	}
	literalPatterns.Store(text, re)
	return re
}

// literalInput refuses an input without expressions that the plugin would refuse each time it runs. What its schema
// refuses already is not told of twice.
func (d *DAG) literalInput(f Field, schema any) {
	m, _ := resolveRef(schema, schema).(map[string]any)
	more, ok := m[literalWord].(map[string]any)
	if !ok || f.Value.Kind != Scalar || f.Value.bad || f.Value.Empty() ||
		expr.HasExpr(f.Value.Text) || strings.Contains(f.Value.Text, "{{") || strings.Contains(f.Value.Text, "$") { // other tools' words: told of elsewhere
		return
	}
	if base := m["pattern"]; base != nil {
		if re := literalPattern(base); re == nil || !re.MatchString(f.Value.Text) {
			return
		}
	}
	if re := literalPattern(more["pattern"]); re != nil && !re.MatchString(f.Value.Text) {
		d.report(sInput, d.span(f.Value), "`%s` %s", f.Key.Text, more["patternErrorMessage"])
	}
}
