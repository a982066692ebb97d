package python

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"weft/plugins"
)

// What lies in the folder of environments: KEY is an environment, KEY.aside-RANDOM one that is being
// built or removed, KEY.lock who does that.
const (
	asideMark = ".aside-"
	lockMark  = ".lock"
	// markerName is a file in an environment, the last one that its builder writes.
	markerName = ".weft-environment"
	// usedName is another, written when it was last taken, and locked by whoever has it.
	usedName = ".weft-used"
)

// environment returns the folder of the environment that a recipe makes, and keeps it from being
// removed until release; it is built if it is not there.
func (p Plugin) environment(ctx context.Context, call *plugins.Call, r recipe) (dir string, release func(), err error) {
	root, err := p.root(call)
	if err != nil {
		return "", nil, err
	}
	final := filepath.Join(root, r.key())
	for {
		if release, ok := use(final); ok {
			return final, release, nil
		}
		if whole(final) { // someone removes it just now
			if err := pause(ctx); err != nil {
				return "", nil, err
			}
		}
		if err := p.make(ctx, call, r, final); err != nil {
			return "", nil, err
		}
	}
}

// make builds an environment where there is none. Of many who want it at once one builds, and the
// others wait.
func (p Plugin) make(ctx context.Context, call *plugins.Call, r recipe, final string) error {
	if whole(final) {
		return nil
	}
	root, key := filepath.Split(final)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return plugins.Errorf(plugins.Temporary, "cannot make the folder of environments: %w", err)
	}
	lock, err := acquire(ctx, final+lockMark, call, func() bool { return whole(final) })
	if err != nil || lock == nil { // another has built it
		return err
	}
	defer lock.Close()
	if whole(final) {
		return nil
	}
	sweep(root, key)
	if err := setAside(final); err != nil {
		return err
	}
	return p.buildInto(ctx, call, r, final)
}

// root is where environments are kept.
func (p Plugin) root(call *plugins.Call) (string, error) {
	cache := p.Cache
	if cache == "" {
		state := os.Getenv("XDG_STATE_HOME")
		if !filepath.IsAbs(state) {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", plugins.Errorf(plugins.BadInput, "cannot tell where environments are kept: HOME is not set")
			}
			state = filepath.Join(home, ".local", "state")
		}
		cache = filepath.Join(state, "weft", "cache")
	}
	path, err := filepath.Abs(cache)
	if err != nil {
		return "", plugins.Errorf(plugins.Temporary, "cannot tell where environments are kept: %w", err)
	}
	return filepath.Join(path, "venvs"), nil
}

// pythonOf is the interpreter of an environment.
func pythonOf(dir string) string { return filepath.Join(dir, "bin", "python") }

// whole tells whether an environment is there, built to its end and by this layout.
func whole(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, markerName))
	if err != nil || string(b) != marker(filepath.Base(dir)) {
		return false
	}
	info, err := os.Stat(pythonOf(dir)) // a link: its Python may be gone
	return err == nil && info.Mode().IsRegular()
}

func marker(key string) string { return fmt.Sprintf("weft environment %d %s\n", layout, key) }

// buildInto builds aside, and renames into place what is whole. The lock is held.
func (p Plugin) buildInto(ctx context.Context, call *plugins.Call, r recipe, final string) error {
	aside := asideOf(final)
	if err := os.Mkdir(aside, 0o700); err != nil {
		return plugins.Errorf(plugins.Temporary, "cannot build the environment: %w", err)
	}
	defer os.RemoveAll(aside) // nothing there any more after a success
	if err := build(ctx, call, r, aside); err != nil {
		return err
	}
	if err := finish(aside, final); err != nil {
		return plugins.Errorf(plugins.Temporary, "cannot keep the environment: %w", err)
	}
	say(call, "the environment is built: %s", final)
	return nil
}

// finish makes a built environment last: everything durable, then the marker, then the name.
func finish(aside, final string) error {
	if err := relocate(aside, final); err != nil {
		return err
	}
	if err := syncTree(aside); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(aside, markerName), marker(filepath.Base(final))); err != nil {
		return err
	}
	if err := syncFolder(aside); err != nil {
		return err
	}
	if err := os.Rename(aside, final); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(final))
}

// asideOf makes a name aside. It is never used twice: what an orphan of an earlier builder still
// writes goes into a folder of its own.
func asideOf(final string) string { return final + asideMark + rand.Text()[:12] }

// setAside takes away what stands in the place of an environment and is not whole.
func setAside(final string) error {
	aside := asideOf(final)
	err := os.Rename(final, aside)
	if err == nil {
		err = os.RemoveAll(aside)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plugins.Errorf(plugins.Temporary, "cannot remove a broken environment: %w", err)
	}
	return nil
}

// sweep removes what interrupted builds have left: those of the key whose lock is held, and those
// of others that nobody builds now. What cannot be removed is left to the next builder.
func sweep(root, key string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, entry := range entries {
		of, _, aside := strings.Cut(entry.Name(), asideMark)
		if !aside {
			continue
		}
		if of != key {
			lock, err := tryAcquire(filepath.Join(root, of+lockMark))
			if err != nil || lock == nil {
				continue
			}
			_ = os.RemoveAll(filepath.Join(root, entry.Name()))
			lock.Close()
			continue
		}
		_ = os.RemoveAll(filepath.Join(root, entry.Name()))
	}
}

// say writes a line into the attempt's log.
func say(call *plugins.Call, format string, args ...any) {
	if call.Logf != nil {
		call.Logf(format, args...)
	}
}
