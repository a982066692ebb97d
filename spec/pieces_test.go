package spec

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// readTree makes the tree of a text, in pieces of some size or (0) whole.
func readTree(src string, size int) (*Node, []Diagnostic, bool) {
	text, _ := standIn([]byte(src))
	d := &DAG{file: "f.yaml", src: newSource(text), once: map[telling]bool{}}
	if size > 0 {
		root, ok := d.byPieces(size)
		return root, sorted(d.diags), ok
	}
	doc := d.parseYAML(text)
	if doc == nil || d.failed {
		return nil, sorted(d.diags), false
	}
	return d.plant(doc), sorted(d.diags), true
}

// yamlFiles are all texts of the repository that are YAML, or nearly so.
func yamlFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, dir := range []string{"testdata", "codes", "../dags", "../docs", "../tests", "../../shared/cases"} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil
			}
			switch filepath.Ext(path) {
			case ".yaml", ".yml", ".md", "":
				if src, err := os.ReadFile(path); err == nil {
					files[path] = string(src)
				}
			}
			return nil
		})
	}
	for path, src := range files { // and the blocks of the pages
		for i, part := range strings.Split(src, "```") {
			if body, ok := strings.CutPrefix(part, "yaml"); ok && i%2 == 1 {
				_, body, _ = strings.Cut(body, "\n")
				files[path+"#"+string(rune('0'+i%64))] = body
			}
		}
	}
	if len(files) < 200 {
		t.Fatalf("only %d files", len(files))
	}
	return files
}

// TestPiecesAreTheWhole: a file that can be cut into pieces gives the same tree and the same problems as one that is
// read whole, whatever the size of the pieces.
func TestPiecesAreTheWhole(t *testing.T) {
	cut := 0
	for name, src := range yamlFiles(t) {
		for _, size := range []int{1, 50, 300} {
			if err := asWhole(src, size); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, _, ok := readTree(src, size); ok {
				cut++
			}
		}
	}
	if cut < 300 {
		t.Errorf("only %d were cut", cut)
	}
}

// likeEntries are texts whose lines stand like entries, and some of them are none.
var likeEntries = map[string]string{
	"a quoted text":              "a: \"x\nb: 1\nc: \"\nd: 1\n",
	"a list in brackets":         "a: [1,\nb,\n c]\nd: 1\n",
	"an alias of another entry":  "a: &x {k: v}\nb: *x\nc: {<<: *x}\nd: [&x 1, *x]\ne: *x\n",
	"items as deep as their key": "a:\n- 1\n- b: 2\n  c: 3\nd:\n  - 4\n",
	"keys with question marks":   "? a\n: 1\n? b\n? [c]\n: 2\n",
	"blank lines that are kept":  "a: |+\n  x\n\n\nb: |\n  y\n\nc: >-\n  z\n\n",
	"comments between":           "# 1\na:\n  # 2\n  b: 1 # 3\n # 4\n  c: 2\n# 5\nd: 1\n",
	"nested":                     "a:\n  b:\n    c:\n      d: 1\n      e: 2\n    f: 3\n  g: 4\nh: 5\n",
	"keys twice":                 "a: 1\nb: 2\na: 3\nc:\n  d: 1\n  d: 2\n",
	"merges twice":               "x: &x {k: 1}\na:\n  <<: *x\n  j: 1\n  <<: {k: 2, l: 3}\n",
	"an anchor on a key":         "a:\n  &k b: 1\n  *k : 2\nc: *k\n",
	"a tag":                      "!!map\na: 1\n",
	"a root that is indented":    "  a: 1\n  b:\n    c: 2\n",
	"a loop":                     "a: &a [*a]\nb: 1\n",
	"no value at the end":        "a: 1\nb:",
	"a tab":                      "a:\n\tb: 1\n",
	"empty":                      "",
	"only comments":              "# x\n",
}

// TestWhatLooksLikeEntries: … in pieces of any size.
func TestWhatLooksLikeEntries(t *testing.T) {
	for name, src := range likeEntries {
		for size := range 40 {
			if err := asWhole(src, size+1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// asWhole compares what is made of a text in pieces with what is made of it whole.
func asWhole(src string, size int) error {
	got, found, ok := readTree(src, size)
	if _, _, deep := abyss(src); deep || !ok { // deep: whole, it is refused whatever its brackets stand for
		return nil
	}
	want, said, right := readTree(src, 0)
	if !right || !reflect.DeepEqual(got, want) || show(found) != show(said) {
		return fmt.Errorf("in pieces of %d it is another (it can be read: %v)\n%s\n%s", size, right, show(found), show(said))
	}
	return nil
}

// FuzzPieces: a text in pieces is the same as whole, and never holds more values than is reckoned.
func FuzzPieces(f *testing.F) {
	for _, src := range likeEntries {
		f.Add(src, uint8(1))
		f.Add(src, uint8(20))
	}
	f.Fuzz(func(t *testing.T, src string, size uint8) {
		if _, _, bad := badByte([]byte(src)); bad || len(src) > 1<<12 {
			return
		}
		if err := asWhole(src, int(size)+1); err != nil {
			t.Error(err)
		}
		reckoned(t, src)
	})
}

// TestMostValues: there are never more values in a text than is reckoned.
func TestMostValues(t *testing.T) {
	for _, src := range yamlFiles(t) {
		reckoned(t, src)
	}
	words := strings.Split("a|b|\n|\n  |\n    | |  |:|: |- |-|?|? |,|, |[|]|{|}|\"|\"x\"|'|'y'|&a |&a|*a|*a |!t |!t|!|#| #|\n- |\nk: ||>|~|@|1", "|")
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			b.WriteString(words[r.IntN(len(words))])
		}
		reckoned(t, b.String())
	}
}

// reckoned counts the values of a text that is YAML, and what is reckoned of it.
func reckoned(t *testing.T, src string) {
	t.Helper()
	text, _ := standIn([]byte(src))
	doc, err := next(yaml.NewDecoder(bytes.NewReader(text)))
	if err != nil {
		return
	}
	n := 0
	var count func(y *yaml.Node)
	count = func(y *yaml.Node) {
		n++
		for _, c := range y.Content {
			count(c)
		}
	}
	for _, c := range doc.Content {
		count(c)
	}
	if most := mostValues(newSource(text).body); n > most {
		t.Errorf("%q holds %d values, reckoned %d", src, n, most)
	}
}
