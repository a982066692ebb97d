package spec

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what was found into testdata; commit it only if you know why it changed")

// TestGolden holds each testdata/NAME.yaml to NAME.out: the diagnostics, one a line, with what
// belongs to them indented. Files under right/ have none.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("only %d golden files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, found := Parse(filepath.Base(file), src, online())
			got := show(found)
			out := strings.TrimSuffix(file, ".yaml") + ".out"
			if *rewrite {
				if err := os.WriteFile(out, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
			if got == "" {
				t.Error("nothing is wrong here: it belongs under right/")
			}
		})
	}
}

// TestRight holds the files that are right to silence, and to a plan that is the same twice.
func TestRight(t *testing.T) {
	files, err := filepath.Glob("testdata/right/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("only %d right files (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, found := Parse(filepath.Base(file), src, online())
			if len(found) > 0 {
				t.Fatalf("a false alarm:\n%s", show(found))
			}
			first := encoded(t, d)
			again, _ := Parse(filepath.Base(file), src, online())
			if !bytes.Equal(first, encoded(t, again)) {
				t.Error("parsed twice, two plans")
			}
		})
	}
}

func encoded(t *testing.T, d *DAG) []byte {
	t.Helper()
	p, err := d.Plan()
	if err != nil {
		t.Fatal(err)
	}
	body, _ := p.Encode()
	return body
}

func show(found []Diagnostic) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%d:%d-%d:%d %s[%s] %s\n", d.Line, d.Column, d.EndLine, d.EndColumn, d.Severity, d.Code, d.Message)
		if d.Label != "" {
			fmt.Fprintf(&b, "    ^ %s\n", d.Label)
		}
		for _, r := range d.Related {
			fmt.Fprintf(&b, "    %d:%d %s\n", r.Line, r.Column, r.Text)
		}
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "    %s: %s\n", n.Kind, n.Text)
		}
	}
	return b.String()
}
