package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"weft/handoff"
)

// Scratches tells how much lies in the scratch folders of each run that has any, by run. A run whose
// id was too long to be read back from its folder's name is left out.
func Scratches(home string) (map[string]handoff.Amount, error) {
	dir := filepath.Join(home, "tmp")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for scratch folders: %w", bare(err))
	}
	out := map[string]handoff.Amount{}
	for _, e := range entries {
		run, ok := handoff.TextOf(e.Name())
		if !ok || !e.IsDir() {
			continue
		}
		n := handoff.Amount{}
		_ = filepath.WalkDir(filepath.Join(dir, e.Name()), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // what cannot be read is not counted
			}
			if info, err := d.Info(); err == nil {
				n = n.Plus(handoff.Amount{Count: 1, Bytes: info.Size()})
			}
			return nil
		})
		out[run] = n
	}
	return out, nil
}
