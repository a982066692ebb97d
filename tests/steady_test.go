package tests

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// decides are the packages whose code must do the same whenever it sees the same events: replay, recovery,
// the simulation and Temporal's workflows rest on that.
var decides = []string{"machine", "expr", "runner/temporal"}

// TestKeysOfMapsAreSorted is what lets workflowcheck take maps.Keys for steady
// (testdata/workflowcheck/config.yaml): maps.Keys and its like stand nowhere but in a sort.
func TestKeysOfMapsAreSorted(t *testing.T) {
	for _, folder := range decides {
		folder = filepath.Join("..", folder)
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			for _, where := range unsorted(t, filepath.Join(folder, e.Name()), raw) {
				t.Errorf("%s: the order of a map's keys is seen: write slices.Sorted(maps.Keys(m))", where)
			}
		}
	}
}

func TestWhatKeysOfMapsAreCalledUnsorted(t *testing.T) {
	for _, c := range []struct {
		code string
		says int
	}{
		{"for _, k := range slices.Sorted(maps.Keys(m)) { f(k) }", 0},
		{"keys := slices.SortedFunc(maps.Values(m), compare)", 0},
		{"for k := range maps.Keys(m) { f(k) }", 1},
		{"keys := slices.Collect(maps.Keys(m))", 1},
		{"f(maps.All(m), maps.Values(m))", 2},
	} {
		if got := unsorted(t, "planted.go", []byte("package planted\nfunc p() {\n"+c.code+"\n}\n")); len(got) != c.says {
			t.Errorf("%s: %d places, want %d: %v", c.code, len(got), c.says, got)
		}
	}
}

// unsorted returns where a file asks for a map's keys or values and does not sort them at once.
func unsorted(t *testing.T, name string, code []byte) (places []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	sorted := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch pkg, fn := called(call); {
		case pkg == "slices" && strings.HasPrefix(fn, "Sorted"):
			sorted[call.Args[0]] = true
		case pkg == "maps" && (fn == "Keys" || fn == "Values" || fn == "All"):
			if !sorted[call] {
				places = append(places, files.Position(call.Pos()).String())
			}
		}
		return true
	})
	return places
}

// called returns package and function of a call like slices.Sorted(…).
func called(call *ast.CallExpr) (pkg, fn string) {
	if s, ok := call.Fun.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name, s.Sel.Name
		}
	}
	return "", ""
}
