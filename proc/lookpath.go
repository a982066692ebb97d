package proc

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

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
	key := sought{name, dir, pathOf(env)}
	if name != "sh" && name != "bash" {
		return search(key)
	}
	if p := shells.of(key); p != "" && executable(p) {
		return p
	}
	p := search(key)
	shells.put(key, p)
	return p
}

// A sought is all that the place of a program depends on, but for the disk.
type sought struct{ name, dir, path string }

func search(key sought) string {
	for _, folder := range filepath.SplitList(key.path) {
		if !filepath.IsAbs(folder) { // "" and "." mean the working directory
			folder = filepath.Join(key.dir, folder)
			if !filepath.IsAbs(folder) {
				folder = "./" + folder
			}
		}
		if p := folder + "/" + key.name; executable(p) {
			return p
		}
	}
	return ""
}

// shells remembers where the two shells were that nearly every task looks for, folder after folder.
// One that appears later in an earlier folder is not seen, as in the table of a shell. No other
// program is remembered: a task may well put one on PATH for the next.
var shells places

type places struct {
	mu sync.Mutex
	at map[sought]string
}

// maxPlaces bounds the table; beyond it begins anew.
const maxPlaces = 1000

func (p *places) of(key sought) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[key]
}

func (p *places) put(key sought, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil || len(p.at) >= maxPlaces {
		p.at = map[sought]string{}
	}
	p.at[key] = path
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
