package rehearse_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the texts of testdata/wrong anew")

// TestWrong holds what is said of wrong test files, and of cases that fail, to the texts beside them.
func TestWrong(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.test.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		s, ds := suite(t, file)
		s.Steps = 20_000
		got := told(t, ds)
		for _, r := range s.Run() {
			if r.Err != nil || r.Passed() {
				t.Errorf("%s: %s passes: %v", file, r.Case.Name, r.Err)
			}
			got += "\n--- " + r.Case.Name + "\n" + told(t, r.Diagnostics)
		}
		text := strings.Replace(file, ".test.yaml", ".txt", 1)
		if *update {
			if err := os.WriteFile(text, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want, _ := os.ReadFile(text); !bytes.Equal(want, []byte(got)) {
			t.Errorf("%s says (-update writes it)\n%s", file, got)
		}
	}
}
