package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJournalsKeepTheirHashes: the stories of testdata come to the states that they came to when they were
// written, hash for hash. A journal whose replay comes to another hash cannot be gone on with: what changes
// a line here needs new Rules, and -rewrite only for stories that are new.
func TestJournalsKeepTheirHashes(t *testing.T) {
	const golden = "testdata/hashes"
	want := map[string]string{}
	raw, err := os.ReadFile(golden)
	if err != nil && !*rewrite {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		name, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[name] = hash
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var all strings.Builder
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		hash := fmt.Sprintf("%016x", tellStory(t, string(src)).Hash())
		if old, known := want[name]; known && old != hash {
			t.Errorf("%s comes to %s, and came to %s", name, hash, old)
			hash = old
		} else if !known && !*rewrite {
			t.Errorf("%s is not in %s (-rewrite adds it)", name, golden)
		}
		fmt.Fprintln(&all, name, hash)
	}
	if *rewrite {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tellStory plays a script, and returns its run.
func tellStory(t *testing.T, src string) *Run {
	t.Helper()
	_, s := playStory(t, src)
	return s.run
}
