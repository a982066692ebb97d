package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// SocketFile is where a server listens, in its state folder.
const SocketFile = "weft.sock"

// newSocket is a folder in which a socket is made before it gets its name.
const newSocket = ".weft.sock.new"

// A Socket is a listener in a state folder that only its owner can reach.
type Socket struct {
	*net.UnixListener
	path string
	made os.FileInfo
}

// Listen makes the socket of a state folder. The caller holds the folder's leader.lock: what a server before has left is
// replaced. The socket has its mode, 0600, before it has its name, so at no moment can anybody else reach it.
func Listen(home string) (*Socket, error) {
	making := filepath.Join(home, newSocket)
	if err := os.RemoveAll(making); err != nil {
		return nil, fmt.Errorf("cannot listen in %s: %w", home, err)
	}
	if err := os.Mkdir(making, 0o700); err != nil {
		return nil, fmt.Errorf("cannot listen in %s: %w", home, err)
	}
	defer os.RemoveAll(making)
	var l *net.UnixListener
	err := shortened(making, func(dir string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, SocketFile)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot listen in %s: %w", home, err)
	}
	l.SetUnlinkOnClose(false) // its name is another one by then
	s := &Socket{UnixListener: l, path: filepath.Join(home, SocketFile)}
	tmp := filepath.Join(making, SocketFile)
	err = os.Chmod(tmp, 0o600)
	if err == nil {
		s.made, err = os.Lstat(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, s.path)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("cannot listen in %s: %w", home, err)
	}
	return s, nil
}

// Close ends the socket and takes its name away, if that is still its own.
func (s *Socket) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
		_ = os.Remove(s.path)
	}
	return s.UnixListener.Close()
}

// ErrNone says that no server listens in a state folder.
var ErrNone = errors.New("no server runs")

// Dial connects to the server of a state folder. Where there is none the answer, ErrNone, comes at once.
func Dial(home string, timeout time.Duration) (net.Conn, error) {
	if _, err := os.Lstat(filepath.Join(home, SocketFile)); err != nil {
		return nil, ErrNone
	}
	var c net.Conn
	err := shortened(home, func(dir string) (err error) {
		c, err = net.DialTimeout("unix", filepath.Join(dir, SocketFile), timeout)
		return err
	})
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("cannot reach the server of %s: it is another user's", home)
	case isTimeout(err):
		return nil, fmt.Errorf("cannot reach the server of %s: it does not answer", home)
	}
	return nil, ErrNone // refused: whoever listened has died
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// longest is the longest path that a socket's address has room for, on any system.
const longest = 100

// shortened calls f with a path of a folder that leaves room for the name of a socket in it.
func shortened(dir string, f func(dir string) error) error {
	if len(dir)+1+len(SocketFile) <= longest {
		return f(dir)
	}
	if short, done, err := throughFD(dir); err == nil {
		defer done()
		return f(short)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	beside, err := os.MkdirTemp("", "weft-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(beside)
	link := filepath.Join(beside, "s")
	if err := os.Symlink(abs, link); err != nil {
		return err
	}
	return f(link)
}

// throughFD names a folder by a file that this process has open, where the system has such names.
func throughFD(dir string) (short string, done func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if there, err := os.Stat(short); err != nil || !there.IsDir() {
		_ = f.Close()
		return "", nil, errors.ErrUnsupported
	}
	return short, func() { _ = f.Close() }, nil
}
