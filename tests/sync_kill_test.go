package tests

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weft/tests/s3server"
)

// A barrier lets the writes of manifests through once so many have come.
type barrier struct {
	mu   sync.Mutex
	left int
	open chan struct{}
}

func newBarrier(n int) *barrier { return &barrier{left: n, open: make(chan struct{})} }

func (b *barrier) spoil(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/.weft/manifest.json") {
		b.mu.Lock()
		if b.left--; b.left == 0 {
			close(b.open)
		}
		b.mu.Unlock()
		<-b.open
	}
	forward.ServeHTTP(w, r)
}

// A killer ends a publisher at its k-th write: before the server hears of it, or once it has done it
// and before the answer.
type killer struct {
	k, seen atomic.Int64
	after   atomic.Bool
	victim  atomic.Pointer[os.Process]
	at      atomic.Value // string: the write
}

func (k *killer) spoil(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	if !s3server.Writes(r) || k.seen.Add(1) != k.k.Load() {
		forward.ServeHTTP(w, r)
		return
	}
	k.at.Store(r.Method + " " + r.URL.Path)
	if k.after.Load() {
		forward.ServeHTTP(httptest.NewRecorder(), r)
	}
	_ = k.victim.Load().Kill() // how it ended is looked at by the test
	panic(http.ErrAbortHandler)
}

// TestPublisherIsKilled is promise R18: at each write of a publisher, before and after it, the process
// is killed. Readers have the old set or the new one; the next sync publishes the new one, and the
// mirror shows it, without anything left over.
func TestPublisherIsKilled(t *testing.T) {
	server := s3server.Start(t, "acme")
	withS3At(t, server)
	var k killer
	proxy := server.Proxy(t, k.spoil)
	points := 0
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			k.k.Store(int64(n))
			k.seen.Store(0)
			k.after.Store(after)
			if !killedOnce(t, server, proxy.Server, &k, fmt.Sprintf("s3://acme/%v-%d", after, n)) {
				if n < 9 {
					t.Errorf("only %d writes: that cannot be all", n-1)
				}
				break
			}
			points++
		}
	}
	t.Logf("%d points, each of them a whole set, the old or the new one", points)
}

// killedOnce tells whether the publisher came to the point at which it is killed.
func killedOnce(t *testing.T, server, proxy *s3server.Server, k *killer, at string) bool {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "goes", "stays"} {
		w.write("dags/"+name+".yaml", "id: "+name+"\ntasks: {a: {run: echo old}}\n")
	}
	w.must(0, "generation 1", "sync", "dags", at)
	old := w.tree(filepath.Join(w.dir, "dags"))
	for _, name := range []string{"a", "b", "new"} {
		w.write("dags/"+name+".yaml", "id: "+name+"\ntasks: {a: {run: echo new}}\n")
	}
	size := 1 << 10
	if soak() { // in parts, and copied to the mirror by S3
		size = 9 << 20
	}
	w.write("dags/large.bin", strings.Repeat("w", size))
	if err := os.Remove(filepath.Join(w.dir, "dags/goes.yaml")); err != nil {
		t.Fatal(err)
	}
	fresh := w.tree(filepath.Join(w.dir, "dags"))

	cmd := w.command("sync", "dags", at)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+proxy.URL)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.victim.Store(cmd.Process)
	err := cmd.Wait()
	var exit *exec.ExitError
	killed := errors.As(err, &exit) && exit.ExitCode() == -1
	if err != nil && !killed {
		t.Fatalf("%v\n%s", err, said.String())
	}

	w.must(0, "added", "sync", at, "reader")
	if got := w.tree(filepath.Join(w.dir, "reader")); got != old && got != fresh {
		t.Errorf("killed at %v: a reader sees\n%.500s", k.at.Load(), got)
	}
	w.must(0, "", "sync", "dags", at)
	w.must(0, "both show the same", "sync", "--status", "dags", at)
	w.must(0, "", "sync", at, "reader", "--yes")
	if got := w.tree(filepath.Join(w.dir, "reader")); got != fresh {
		t.Errorf("killed at %v: after the next sync a reader sees\n%.500s", k.at.Load(), got)
	}
	mirror := filepath.Join(server.Dir, strings.TrimPrefix(at, "s3://"))
	if got := w.tree(mirror); got != fresh {
		t.Errorf("killed at %v: after the next sync other tools see\n%.500s\nnot\n%.500s", k.at.Load(), got, fresh)
	}
	return killed
}
