package spec

import "testing"

// TestWhatEndsNoLineStaysInItsText: a text has the characters that the file has, and its lines are an editor's.
func TestWhatEndsNoLineStaysInItsText(t *testing.T) {
	d, found := Parse("f.yaml", []byte("description: one\u2028two\u0085three\ntasks:\n  a:\n    run: |\n      echo \"a\u2029b\"\n      echo c\n"), online())
	if len(found) > 0 {
		t.Fatal(show(found))
	}
	for _, c := range []struct {
		path []string
		want string
	}{
		{[]string{"description"}, "one\u2028two\u0085three"},
		{[]string{"tasks", "a", "run"}, "echo \"a\u2029b\"\necho c\n"},
	} {
		if got := d.Node().At(c.path...).Text; got != c.want {
			t.Errorf("%v is %q, want %q", c.path, got, c.want)
		}
	}
	if at := d.Node().At("tasks", "a", "run").Pos(); at.Line != 4 {
		t.Errorf("the script begins in line %d, want 4", at.Line)
	}
}
