package spec

import (
	"encoding/json"
	"testing"
)

// programs is a plugin whose input is a program, as python's is.
type programs struct{}

// Names implements Plugins.
func (programs) Names() []string { return []string{"lang"} }

// Plugin implements Plugins.
func (programs) Plugin(name string) (PluginInfo, bool) {
	return PluginInfo{Name: "lang", Input: json.RawMessage(`{"type": "object", "properties": {
		"code": {"type": "string", "contentMediaType": "text/x-lang"}, "args": {"type": "object"}}}`)}, name == "lang"
}

// TestProgramsTakeNoExpressions: a value pasted into code would be code.
func TestProgramsTakeNoExpressions(t *testing.T) {
	for code, refused := range map[string]bool{
		`print(\"${{ params.s }}\")`: true,
		`${{ params.s }}`:            true,
		`x = ${{ params.n }}`:        true,
		`print(\"${{ '${{' }}\")`:    false,
		`print(1)`:                   false,
	} {
		src := "params: {s: {type: string, default: x}, n: {type: integer, default: 1}}\ntasks:\n" +
			`  a: {uses: lang, with: {code: "` + code + `", args: {s: "${{ params.s }}", n: "${{ params.n }}"}}}` + "\n"
		_, found := Parse("p.yaml", []byte(src), Options{Plugins: programs{}})
		if has(found, xArgvShell) != refused || hasSeverity(found, Error) != refused {
			t.Errorf("%s: refused %v, want %v\n%s", code, !refused, refused, show(found))
		}
	}
}
