package python

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/plugins"
	"weft/proc"
)

// TestWhatABuildSays goes through testdata/said: what pip and uv really say, and what is made of
// it. A new case is a new file: the kind and the message, a line "---", the words.
func TestWhatABuildSays(t *testing.T) {
	files, err := filepath.Glob("testdata/said/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, said, ok := strings.Cut(string(b), "---\n")
		if !ok {
			t.Fatalf("%s: no line ---", file)
		}
		tool, _, _ := strings.Cut(filepath.Base(file), "-")
		got := buildFailure(tool, proc.Exit{Code: 1}, said)
		if text := string(plugins.KindOf(got)) + ": " + got.Error(); text != strings.TrimSpace(head) {
			t.Errorf("%s:\n got %s\nwant %s", file, text, head)
		}
	}
}

func FuzzBuildFailure(f *testing.F) {
	f.Add("ERROR: No matching distribution found for %s%d\n")
	f.Add("error: \nERROR:\n")
	f.Fuzz(func(t *testing.T, said string) {
		err := buildFailure("pip", proc.Exit{Code: 1}, said)
		if !strings.HasPrefix(err.Error(), "cannot build the environment: ") || strings.Contains(err.Error(), "%!") && !strings.Contains(said, "%!") {
			t.Errorf("%q gives %v", said, err)
		}
	})
}
