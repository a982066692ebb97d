package spec

import (
	"os"
	"path/filepath"
	"testing"
	"unicode"
)

// TestPlacesAreTrue: the place of each character of each scalar of the files in testdata holds that
// character, whatever was folded, indented or quoted; but for white space and escapes.
func TestPlacesAreTrue(t *testing.T) {
	files, _ := filepath.Glob("testdata/*/*.yaml")
	more, _ := filepath.Glob("testdata/*.yaml")
	seen := 0
	for _, file := range append(files, more...) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := Parse(file, src, online())
		if d == nil {
			continue
		}
		var walk func(n *Node)
		walk = func(n *Node) {
			for _, f := range n.Fields() {
				walk(f.Key)
				walk(f.Value)
			}
			for _, it := range n.Items() {
				walk(it)
			}
			for i, r := range []rune(n.Text) {
				at := d.src.at(n, i)
				got := d.src.rune(at.Line, at.Col)
				if unicode.IsSpace(r) || got == '\\' && n.Quote == Double {
					continue
				}
				seen++
				if got != r {
					t.Fatalf("%s: character %d of %q is %q, but at %d:%d stands %q", file, i, n.Text, r, at.Line, at.Col, got)
				}
			}
		}
		if d.root != nil {
			walk(d.root)
		}
	}
	if seen < 3000 {
		t.Errorf("only %d characters were looked at", seen)
	}
}

// TestTreeKnowsHowThingsStood: the tree that others read.
func TestTreeKnowsHowThingsStood(t *testing.T) {
	d, _ := Parse("t.yaml", []byte("tasks:\n  a: &x\n    run: \"echo\"\n    env: {A: 010, B: '1'}\n  b: *x\n"), Options{})
	for _, row := range []struct {
		path  []string
		text  string
		quote Quote
		line  int
		col   int
	}{
		{[]string{"tasks", "a", "run"}, "echo", Double, 3, 10},
		{[]string{"tasks", "a", "env", "A"}, "010", Plain, 4, 14},
		{[]string{"tasks", "b", "env", "B"}, "1", Single, 4, 22},
	} {
		n := d.Node().At(row.path...)
		if n == nil || n.Text != row.text || n.Quote != row.quote || n.Pos().Line != row.line || n.Pos().Col != row.col {
			t.Errorf("%v is %+v, want %+v", row.path, n, row)
		}
	}
	if n := d.Node().At("tasks", "c"); n != nil {
		t.Errorf("there is no task c, but %+v", n)
	}
}
