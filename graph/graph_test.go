package graph

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/machine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden draws each testdata/NAME.tasks in every format and compares with the file beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.tasks")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	ext := map[string]string{"text": "txt", "mermaid": "mmd", "dot": "dot", "svg": "svg", "json": "json"}
	for _, file := range files {
		p, states := readTasks(t, file)
		for _, f := range Formats {
			name := strings.TrimSuffix(file, "tasks") + ext[f.Name]
			t.Run(filepath.Base(name), func(t *testing.T) {
				var got, again bytes.Buffer
				if err := f.Write(&got, p, Options{States: states}); err != nil {
					t.Fatal(err)
				}
				if err := f.Write(&again, p, Options{States: states}); err != nil || got.String() != again.String() {
					t.Errorf("the second drawing is not the first (%v)", err)
				}
				golden(t, name, got.Bytes())
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}

// TestHostileNamesStayText reads the SVG back: markup in names makes no elements.
func TestHostileNamesStayText(t *testing.T) {
	p, _ := readTasks(t, "testdata/hostile.tasks")
	dec := xml.NewDecoder(strings.NewReader(Draw(p, nil).SVG()))
	known := map[string]bool{"svg": true, "title": true, "style": true, "rect": true, "text": true, "g": true, "path": true}
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok && !known[e.Name.Local] {
			t.Errorf("a name became <%s>", e.Name.Local)
		}
	}
}

// TestPictureHolds checks what every picture promises, over random graphs: boxes do not overlap,
// edges lead forward from box to box, and no task lies in a frame of a group that is not its own.
func TestPictureHolds(t *testing.T) {
	for seed := range uint64(60) {
		p := randomPlan(seed, 4+int(seed%40), seed%3 == 0)
		g := Draw(p, nil)
		for i := range g.Nodes {
			a := g.Nodes[i]
			for _, b := range g.Nodes[i+1:] {
				if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("seed %d: %s lies on %s", seed, a.ID, b.ID)
				}
			}
			for _, f := range g.Groups {
				inside := a.X < f.X+f.W && f.X < a.X+a.W && a.Y < f.Y+f.H && f.Y < a.Y+a.H
				if inside != (a.Group == f.Name) {
					t.Errorf("seed %d: %s of group %q, in the frame of %q: %v", seed, a.ID, a.Group, f.Name, inside)
				}
			}
		}
		for _, e := range g.Edges {
			if e.Points[0].X != g.Nodes[e.from].X+g.Nodes[e.from].W || e.Points[len(e.Points)-1].X != g.Nodes[e.to].X {
				t.Errorf("seed %d: %s → %s does not reach its boxes", seed, e.From, e.To)
			}
			for k := 1; k < len(e.Points); k++ {
				if e.Points[k].X <= e.Points[k-1].X {
					t.Errorf("seed %d: %s → %s turns back", seed, e.From, e.To)
				}
			}
		}
	}
}

// randomPlan is a DAG of n tasks whose edges lead backwards in file order.
func randomPlan(seed uint64, n int, grouped bool) *machine.Plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &machine.Plan{DAG: fmt.Sprintf("random_%d", seed)}
	for i := range n {
		t := machine.Task{ID: fmt.Sprintf("t%d", i), Uses: "shell", Trigger: machine.Trigger{Rule: "all_success"}}
		for j := max(0, i-12); j < i; j++ {
			switch x := rng.IntN(12); {
			case x < 2:
				t.Needs = append(t.Needs, fmt.Sprintf("t%d", j))
			case x == 2:
				t.Refs = append(t.Refs, fmt.Sprintf("t%d", j))
			}
		}
		if g := rng.IntN(6); grouped && g < 3 {
			t.Group = fmt.Sprintf("g%d", g)
		}
		p.Tasks = append(p.Tasks, t)
	}
	if err := p.Seal(); err != nil {
		panic(err)
	}
	return p
}

func BenchmarkDraw1000(b *testing.B) {
	p := randomPlan(7, 1000, false)
	for b.Loop() {
		Draw(p, nil)
	}
}
