package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNeighbours holds each testdata/neighbours/NAME.txt to what it says is found between its files, which
// are checked as all that there are; then to silence about DAGs that are not among them, where there may be
// others. -rewrite writes it.
func TestNeighbours(t *testing.T) {
	names, err := filepath.Glob("testdata/neighbours/*.txt")
	if err != nil || len(names) < 4 {
		t.Fatalf("only %d files (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(body), "-- found --\n")
			near := neighbourhood(text)
			got := showAll(CheckNeighbours(near, true))
			if *rewrite {
				if err := os.WriteFile(name, []byte(text+"-- found --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				want = got
			}
			if got != want {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
			for _, d := range CheckNeighbours(near[:1], false) {
				if d.Code == gNoDAG && strings.HasPrefix(d.Message, "there is no DAG") {
					t.Errorf("a false alarm about a file alone: %s", d.Message)
				}
			}
		})
	}
}

// neighbourhood parses the files of a text: "-- NAME --" and what is below it.
func neighbourhood(text string) (near []Neighbour) {
	for _, part := range strings.Split(text, "-- ")[1:] {
		file, src, _ := strings.Cut(part, " --\n")
		n := Neighbour{File: file}
		d, found := Parse(file, []byte(src), online())
		for _, f := range found {
			n.Broken = n.Broken || f.Severity == Error
		}
		if d != nil {
			n.ID, n.Links = d.ID(), d.Links()
		}
		near = append(near, n)
	}
	return near
}

func showAll(found []Diagnostic) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintf(&b, "%s:%s", d.File, show([]Diagnostic{d}))
	}
	return b.String()
}
