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

// impureCalls are calls that make a decision depend on when or where it is made.
var impureCalls = map[string]string{
	"time.Now": "the event brings its time", "time.Since": "the event brings its time", "time.Until": "the event brings its time",
	"time.Sleep": "the machine never waits", "time.After": "the machine never waits", "time.NewTimer": "timers are orders to the engine",
	"time.AfterFunc": "timers are orders to the engine", "time.Tick": "timers are orders to the engine", "time.LoadLocation": "zone data is the machine's it runs on",
	"maphash.MakeSeed": "a hash must be the same in the next process",
}

// TestThePureCallNothingImpure reads the source of machine and expr: no clock, no goroutine, no
// channel.
func TestThePureCallNothingImpure(t *testing.T) {
	for _, dir := range pure {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no source of %s: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, file, src, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				at := func() string { return fset.Position(n.Pos()).String() }
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: a goroutine in %s: it is stepped, it does not run", at(), dir)
				case *ast.ChanType:
					t.Errorf("%s: a channel in %s: it is stepped, it does not run", at(), dir)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok {
						if reason, bad := impureCalls[x.Name+"."+n.Sel.Name]; bad {
							t.Errorf("%s: %s.%s in %s: %s", at(), x.Name, n.Sel.Name, dir, reason)
						}
					}
				}
				return true
			})
		}
	}
}
