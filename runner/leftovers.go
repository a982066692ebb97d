package runner

import (
	"fmt"
	"os"
	"path/filepath"
)

// AllLiveFiles lists the live files of all runs: of attempts that live, or were cut off by the end of a weft.
func AllLiveFiles(home string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Join(home, "tmp")), "*", "*"+liveSuffix))
	if err != nil {
		return nil, fmt.Errorf("cannot look for live attempts: %w", err)
	}
	return paths, nil
}

// escapeGlob has a path mean itself in a pattern.
func escapeGlob(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}

// SweepAll removes every scratch folder and live file. Nothing below home may live.
func SweepAll(home string) error {
	if err := os.RemoveAll(filepath.Join(home, "tmp")); err != nil {
		return fmt.Errorf("cannot remove scratch folders: %w", bare(err))
	}
	return nil
}
