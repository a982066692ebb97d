package proc

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath stands in where an environment has no PATH, as in a shell.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// LookPath finds a program as a process with this environment and working directory would: in the
// PATH of env, not in weft's own. A name with a slash is returned as it is. "" = not found.
func LookPath(name, dir string, env []string) string {
	if strings.Contains(name, "/") {
		return name
	}
	if name == "" {
		return ""
	}
	for _, folder := range filepath.SplitList(pathOf(env)) {
		if !filepath.IsAbs(folder) { // "" and "." mean the working directory
			folder = filepath.Join(dir, folder)
			if !filepath.IsAbs(folder) {
				folder = "./" + folder
			}
		}
		if p := folder + "/" + name; executable(p) {
			return p
		}
	}
	return ""
}

func pathOf(env []string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], "PATH="); ok {
			return v
		}
	}
	return defaultPath
}

func executable(path string) bool {
	if unix.Access(path, unix.X_OK) != nil {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
