package tests

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"weft/tests/s3server"
)

// TestDisksThatTakeNothing: a full one and one that is read only, below s3.get, an environment and a
// handoff. Nothing of what did not fit is left.
func TestDisksThatTakeNothing(t *testing.T) {
	withS3(t)
	server := s3server.Start(t, "acme")
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	directly(t)
	w := newWorld(t)
	mount := func(name, options string, flags uintptr) {
		dir := filepath.Join(w.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			t.Skip("a disk of its own needs root")
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	mount("small", "size=1m", 0)
	mount("fixed", "size=1m", syscall.MS_RDONLY)
	mount("state/cache", "size=16k", 0)
	if err := os.WriteFile(filepath.Join(server.Dir, "acme", "large"), make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	const venv = `{uses: python, with: {requirements: [], code: "pass"}}`
	w.make("id: disks\nhandoff: file://"+w.dir+"/small/handoff", []misuse{
		{"full", `{uses: s3.get, with: {uri: "s3://acme/large", to: $DIR/small/x}}`, "temporary", "cannot read s3://acme/large into $DIR/small/x: no space left on device"},
		{"fixed", `{uses: s3.get, with: {uri: "s3://acme/large", to: $DIR/fixed/x}}`, "temporary", "cannot read s3://acme/large into $DIR/fixed/x: read-only file system"},
		{"spilled", `{needs: full, trigger: all_done, run: 'head -c 2000000 /dev/zero | tr "\0" x'}`, "temporary", "cannot put disks/<…>/spilled/-/1/output.json into $DIR/small/handoff: no space left on device"},
		{"venv", venv, "temporary", "cannot build the environment: the disk is full"},
	})
	if err := syscall.Mount("tmpfs", filepath.Join(w.dir, "state/cache"), "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	w.make("id: cache", []misuse{
		{"locked", venv, "temporary", "cannot lock the environment: open $DIR/state/cache/venvs/<…>.lock: read-only file system"},
	})
}
