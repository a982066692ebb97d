package python

import (
	"bytes"
	"os"
	"path/filepath"
)

// maxScript bounds the files in bin/ that are looked at: what is larger is no script.
const maxScript = 1 << 20

// relocate makes an environment ready for its name: the scripts in bin/ begin with the path of
// their interpreter, and those that activate it and pyvenv.cfg hold its folder. Modules are found
// from the interpreter's place.
//
// It is the last part of the path that is looked for, which is random: prompts hold it alone.
// Files are replaced, never written to: uv links them to its cache. A path aside is longer than
// the final one, so a first line that is short enough for the kernel stays so.
func relocate(aside, final string) error {
	from, to := []byte(filepath.Base(aside)), []byte(filepath.Base(final))
	entries, err := os.ReadDir(filepath.Join(aside, "bin"))
	if err != nil {
		return err
	}
	paths := []string{filepath.Join(aside, "pyvenv.cfg")}
	for _, entry := range entries {
		paths = append(paths, filepath.Join(aside, "bin", entry.Name()))
	}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > maxScript {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 || !bytes.Contains(text, from) {
			continue
		}
		if err := replace(path, bytes.ReplaceAll(text, from, to), info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

func replace(path string, text []byte, mode os.FileMode) error {
	temp := path + asideMark
	if err := os.WriteFile(temp, text, mode|0o200); err != nil {
		return err
	}
	if err := os.Chmod(temp, mode); err != nil { // whatever the umask
		return err
	}
	return os.Rename(temp, path)
}
