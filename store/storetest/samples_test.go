package storetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"
)

// Every fact of the machine has a sample, so that every store is asked to keep it.
func TestSamplesHoldEveryFact(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../machine/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, ev := range Samples() {
		have[reflect.TypeOf(ev.Fact).Name()] = true
	}
	facts := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "factName" {
			continue
		}
		facts++
		if name := f.Recv.List[0].Type.(*ast.Ident).Name; !have[name] {
			t.Errorf("no sample of machine.%s: add one to Samples", name)
		}
	}
	if facts == 0 {
		t.Error("machine/event.go holds no method factName any more: this test looks for nothing")
	}
}
