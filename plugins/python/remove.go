package python

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An Environment is what lies in a cache under a name: whole, or left by a build that was cut off.
type Environment struct {
	Name  string
	Used  time.Time // last, to the day
	Bytes int64     // of its files; one that several environments share counts in each
	Half  bool      // built by nobody any more
}

var keyForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// Environments lists what a cache (Plugin.Cache) holds, but for what is being built.
func Environments(cache string) ([]Environment, error) {
	root := filepath.Join(cache, "venvs")
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list environments: %w", err)
	}
	var out []Environment
	for _, entry := range entries {
		key, _, half := strings.Cut(entry.Name(), asideMark)
		if !entry.IsDir() || !keyForm().MatchString(key) || !half && key != entry.Name() {
			continue
		}
		if half && beingBuilt(filepath.Join(root, key+lockMark)) {
			continue
		}
		dir := filepath.Join(root, entry.Name())
		e := Environment{Name: entry.Name(), Used: lastUse(dir), Half: half}
		if e.Bytes, err = sizeOf(dir); err != nil {
			return nil, fmt.Errorf("cannot measure environment %s: %w", e.Name, err)
		}
		out = append(out, e)
	}
	return out, nil
}

// beingBuilt tells whether someone holds the lock of those who build.
func beingBuilt(path string) bool {
	lock, err := tryAcquire(path)
	if lock != nil {
		lock.Close()
	}
	return err != nil || lock == nil
}

func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return absent(err)
		}
		info, err := d.Info()
		if err != nil {
			return absent(err)
		}
		n += info.Size()
		return nil
	})
	return n, err
}

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove removes an environment of a cache, by its name, that nobody has used since a moment; half
// ones whatever their age. gone is false if it is in use or being built, was used meanwhile, or is
// not there. It is renamed aside first: nobody ever finds a part of one.
func Remove(cache, name string, since time.Time) (gone bool, err error) {
	key, _, half := strings.Cut(name, asideMark)
	if !keyForm().MatchString(key) || !filepath.IsLocal(name) || filepath.Base(name) != name {
		return false, fmt.Errorf("cannot remove environment %q: there is none of that name", name)
	}
	dir := filepath.Join(cache, "venvs", name)
	lock, err := tryAcquire(filepath.Join(cache, "venvs", key+lockMark))
	if err == nil && lock != nil {
		defer lock.Close()
		if half {
			gone, err = removeAll(dir)
		} else {
			gone, err = removeUnused(dir, since)
		}
	}
	if err != nil {
		return gone, fmt.Errorf("cannot remove environment %s: %w", name, err)
	}
	return gone, nil
}

func removeAll(dir string) (bool, error) {
	if _, err := os.Lstat(dir); err != nil {
		return false, absent(err)
	}
	return true, os.RemoveAll(dir)
}

// removeUnused removes a whole environment. The lock of its users is held until its name is gone.
func removeUnused(dir string, since time.Time) (bool, error) {
	path, used := filepath.Join(dir, usedName), lastUse(dir)
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := openUsed(path)
	if err != nil {
		return false, absent(err)
	}
	defer f.Close()
	locked, err := flock(f, syscall.LOCK_EX)
	if err != nil || !locked || !stillAt(f, path) {
		return false, err
	}
	if fresh { // made here, it is no use; where it cannot be dated back the environment stays
		_ = os.Chtimes(path, used, used)
	}
	if lastUse(dir).After(since) {
		return false, nil
	}
	aside := asideOf(dir)
	if err := os.Rename(dir, aside); err != nil {
		return false, absent(err)
	}
	return true, os.RemoveAll(aside)
}
