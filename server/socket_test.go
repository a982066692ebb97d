package server

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheSocketIsItsOwnersAlone(t *testing.T) {
	w := newWorld(t)
	info, err := os.Lstat(filepath.Join(w.home, SocketFile))
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("it is %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(w.home, ".weft*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// A path that no socket's address has room for works like any other.
func TestALongPath(t *testing.T) {
	home := filepath.Join(t.TempDir(), strings.Repeat("long/", 60))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	reached(t, home)
	t.Chdir(home)
	reached(t, ".")
}

// What a server that was killed has left is no server, at once, and is replaced by the next.
func TestASocketThatNobodyAnswersAt(t *testing.T) {
	home := t.TempDir()
	l, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.UnixListener.Close() // as a kill does: the name stays
	began := time.Now()
	if _, err := Connect(home); !errors.Is(err, ErrNone) {
		t.Errorf("told %v", err)
	}
	if d := time.Since(began); d > time.Second {
		t.Errorf("it took %v", d)
	}
	if err := os.MkdirAll(filepath.Join(home, newSocket), 0o700); err != nil { // killed while it began
		t.Fatal(err)
	}
	reached(t, home)
}

func TestNoSocketAtAll(t *testing.T) {
	for what, home := range map[string]string{"a folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "none")} {
		if _, err := Connect(home); !errors.Is(err, ErrNone) {
			t.Errorf("in %s: %v", what, err)
		}
	}
}

// A server that listens and says nothing is told from none.
func TestAServerThatIsSilent(t *testing.T) {
	home := t.TempDir()
	l, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Connect(home); !errors.Is(err, ErrSilent) {
		t.Errorf("told %v", err)
	}
}

// The end of a server does not take away the socket of the next.
func TestTheNextServersSocketStays(t *testing.T) {
	home := t.TempDir()
	first, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	next, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	go echo(next)
	if c, err := Dial(home, time.Second); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
}

func reached(t *testing.T, home string) {
	t.Helper()
	l, err := Listen(home)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	c, err := Dial(home, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}
