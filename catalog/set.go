package catalog

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"weft/s3sync"
)

// configName is a file of settings, which may lie among the DAGs and is none.
const configName = "weft.yaml"

// IsDAG tells whether the file of a path, relative to the DAGs folder and with slashes, is a DAG:
// *.yaml and *.yml, but for names that begin with a dot or an underscore, tests, and the configuration.
func IsDAG(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if Hidden(part) {
			return false
		}
	}
	name := path.Base(file)
	stem, ok := strings.CutSuffix(name, ".yaml")
	if !ok {
		stem, ok = strings.CutSuffix(name, ".yml")
	}
	return ok && stem != "" && !strings.HasSuffix(stem, ".test") && name != configName
}

// Hidden tells whether a file or folder of this name is no part of the DAGs.
func Hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// Files are the DAG files of a set, of which dir is a folder that shows it. shown is a path as messages
// show it. Files beside a DAG are those of the set alone, unless a path leaves it: what there is on
// the machine where it will run, nobody knows.
func Files(set []s3sync.File, dir string, shown func(path string) string) (out []File) {
	there := map[string]bool{}
	for _, f := range set {
		there[f.Path] = true
		for d := path.Dir(f.Path); d != "." && !there[d]; d = path.Dir(d) {
			there[d] = true
		}
	}
	for _, f := range set {
		if !IsDAG(f.Path) {
			continue
		}
		out = append(out, File{
			Name: shown(f.Path), SHA256: f.SHA256,
			Read: func() ([]byte, error) { return read(filepath.Join(dir, filepath.FromSlash(f.Path))) },
			Exists: func(rel string) bool {
				at := path.Join(path.Dir(f.Path), rel)
				return path.IsAbs(rel) || strings.HasPrefix(at, "../") || there[at]
			},
		})
	}
	return out
}

// maxDAG is a byte more than a DAG file may have: enough to see that it is too large.
const maxDAG = 1<<20 + 1

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}
