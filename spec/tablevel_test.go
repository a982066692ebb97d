package spec

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestATabThatIsFixedIsWhatStoodThere writes one line of right files with tabs, as editors of some widths would, and some that
// it was not written with: what is fixed is the file as it was, or its text says the same.
func TestATabThatIsFixedIsWhatStoodThere(t *testing.T) {
	files, _ := filepath.Glob("testdata/right/*.yaml")
	more, _ := filepath.Glob("../dags/*.yaml")
	fixed, left := 0, 0
	for _, file := range append(files, more...) {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, found := Parse(filepath.Base(file), src, online())
		if slices.ContainsFunc(found, func(d Diagnostic) bool { return d.Severity == Error }) || len(src) > 8<<10 {
			continue
		}
		want := d.Node()
		lines := strings.Split(string(src), "\n")
		for i, l := range lines {
			in := spacesOf(l)
			if in == 0 || in == len(l) {
				continue
			}
			for _, width := range []int{2, 4, 8} {
				if in < width {
					continue
				}
				with := slices.Clone(lines)
				with[i] = strings.Repeat("\t", in/width) + strings.Repeat(" ", in%width) + l[in:]
				text := []byte(strings.Join(with, "\n"))
				_, found := Parse(filepath.Base(file), text, online())
				tabs := slices.DeleteFunc(found, func(d Diagnostic) bool { return d.Code != yTab || !d.Fixable() })
				if len(tabs) == 0 {
					left++
					continue
				}
				got, _ := Fix(text, tabs)
				again, _ := Parse(filepath.Base(file), got, online())
				if fixed++; !bytes.Equal(got, src) && !same(want, again.Node()) {
					t.Errorf("%s:%d, tabs of %d: %q became %q", file, i+1, width, with[i], strings.Split(string(got), "\n")[i])
				}
			}
		}
	}
	if fixed < 100 || left < 100 {
		t.Errorf("only %d lines fixed, %d left", fixed, left)
	}
	t.Logf("%d lines fixed, %d left", fixed, left)
}

// same tells whether two trees hold the same.
func same(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Text == b.Text &&
		slices.EqualFunc(a.Fields(), b.Fields(), func(x, y Field) bool { return x.Key.Text == y.Key.Text && same(x.Value, y.Value) }) &&
		slices.EqualFunc(a.Items(), b.Items(), same)
}
