package machine

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts of testdata give into them")

// TestScripts plays the stories of testdata. Each is a file: comments (#), a DAG, then steps (>)
// with what they gave, indented: transitions first, then orders (=>). After every step the run is
// also replayed from its journal and restored from a snapshot; both must be the same run.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := playScript(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("the story goes otherwise (-rewrite takes the new one):\n%s", firstDifference(string(want), got))
			}
		})
	}
}

// playScript returns the script with what its steps give now.
func playScript(t *testing.T, src string) string {
	text, _ := playStory(t, src)
	return text
}

func playStory(t *testing.T, src string) (string, *story) {
	var out strings.Builder
	s := newStory(t)
	playing := false
	for i, line := range strings.Split(strings.TrimRight(src, "\n"), "\n") {
		step, isStep := strings.CutPrefix(line, "> ")
		switch {
		case isStep:
			if !playing {
				s.seal()
				playing = true
			}
			fmt.Fprintln(&out, line)
			words, err := split(step)
			if err == nil {
				err = s.step(words)
			}
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, line, err)
			}
			for _, l := range s.taken() {
				fmt.Fprintln(&out, "    "+l)
			}
		case strings.HasPrefix(line, "    "): // what a step gave before
		case strings.HasPrefix(line, "#") || line == "":
			fmt.Fprintln(&out, line)
		case playing:
			t.Fatalf("line %d: the DAG stands before the steps: %s", i+1, line)
		default:
			fmt.Fprintln(&out, line)
			words, err := split(line)
			if err == nil {
				err = s.declare(words)
			}
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, line, err)
			}
		}
	}
	return out.String(), s
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(end)", "(end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			from := max(0, min(i-3, len(w)))
			return fmt.Sprintf("line %d, after\n%s\nwant: %s\ngot:  %s", i+1, strings.Join(w[from:min(i, len(w))], "\n"), a, b)
		}
	}
	return ""
}

// split cuts a line into words at spaces outside of quotes and brackets.
func split(line string) ([]string, error) {
	var words []string
	word, depth, quoted := "", 0, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			word += string(c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{' || c == '(':
			depth++
		case c == ']' || c == '}' || c == ')':
			depth--
		case c == ' ' && depth == 0:
			if word != "" {
				words = append(words, word)
			}
			word = ""
			continue
		}
		word += string(c)
	}
	if quoted || depth != 0 {
		return nil, fmt.Errorf("a quote or bracket is not closed")
	}
	if word != "" {
		words = append(words, word)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("nothing to do")
	}
	return words, nil
}
