package temporalserver

import (
	"net"
	"sync"
	"testing"

	"weft/tests/served"
)

// A Link is the way from a program to a server: a TCP proxy that can be cut, and mended.
type Link struct {
	Address string // where programs dial; the same for as long as the test lasts

	t        testing.TB
	to       string
	mu       sync.Mutex
	state    state
	listener net.Listener // nil while the link is cut
	pairs    map[*pair]bool
	work     sync.WaitGroup
}

type state int

const (
	whole state = iota
	cut
	hole
)

// A pair is one connection, and its other half beyond the link; there is none for one that came while
// all was swallowed.
type pair struct {
	near, far net.Conn
	gap       bool // bytes are missing from it
}

// NewLink makes a link to an address, on loopback, until the test ends. It is whole.
func NewLink(t testing.TB, to string) *Link {
	t.Helper()
	return newLink(t, "127.0.0.1", to)
}

func newLink(t testing.TB, host, to string) *Link {
	t.Helper()
	l := &Link{t: t, to: to, pairs: map[*pair]bool{}}
	for range 5 { // another program may take the port first
		l.Address = served.Address(t, host)
		if err := l.listen(); err == nil {
			t.Cleanup(func() {
				l.Cut()
				l.work.Wait()
			})
			return l
		}
	}
	t.Fatalf("cannot listen on %s", host)
	return nil
}

// Cut drops all connections, and refuses new ones: the server's machine is there, nobody listens.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = cut
	if l.listener != nil {
		_ = l.listener.Close()
		l.listener = nil
	}
	for p := range l.pairs {
		p.drop()
	}
}

// Blackhole swallows all bytes from now on, of connections that are there and of new ones, and says nothing: a
// cable that was pulled, or a firewall that forgot them.
func (l *Link) Blackhole() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		if err := l.listen(); err != nil {
			l.t.Fatal(err)
		}
	}
	l.state = hole
}

// Heal makes the link whole. Connections from which bytes are missing are dropped: what would go on in them
// is no stream any more.
func (l *Link) Heal() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		if err := l.listen(); err != nil {
			l.t.Fatal(err)
		}
	}
	l.state = whole
	for p := range l.pairs {
		if p.gap {
			p.drop()
		}
	}
}

// Connections is how many go through the link now, or end in it.
func (l *Link) Connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pairs)
}

// listen begins to take connections; the caller holds mu, or nobody else knows the link.
func (l *Link) listen() error {
	listener, err := net.Listen("tcp", l.Address)
	if err != nil {
		return err
	}
	l.listener = listener
	l.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.work.Go(func() { l.carry(conn) })
		}
	})
	return nil
}

// carry takes one connection to its end.
func (l *Link) carry(near net.Conn) {
	p := &pair{near: near}
	if !l.enter(p) {
		p.drop()
		return
	}
	defer l.leave(p)
	if !l.swallows(p) {
		far, err := net.Dial("tcp", l.to)
		if err != nil || !l.join(p, far) {
			p.drop() // as the server's own machine would
			return
		}
		var back sync.WaitGroup
		back.Go(func() { l.pump(p, far, near) })
		defer back.Wait()
		l.pump(p, near, far)
		return
	}
	l.pump(p, near, nil)
}

// enter makes a connection known, unless the link was cut meanwhile.
func (l *Link) enter(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == cut {
		return false
	}
	l.pairs[p] = true
	return true
}

func (l *Link) leave(p *pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.drop()
	delete(l.pairs, p)
}

// join gives a connection its other half, unless the link was cut meanwhile.
func (l *Link) join(p *pair, far net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == cut {
		_ = far.Close()
		return false
	}
	p.far = far
	return true
}

// pump carries bytes one way until either side ends, and then ends both: gRPC, HTTP and TLS end
// connections whole. to is nil where there is none.
func (l *Link) pump(p *pair, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.swallows(p) && to != nil {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	if l.swallows(p) {
		return // the other side does not hear of an end either
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.drop()
}

// swallows tells whether what comes next in a connection goes nowhere; then something is missing from it.
func (l *Link) swallows(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.gap = p.gap || l.state == hole
	return p.gap
}

// drop resets a connection, so that whoever reads from it learns at once.
func (p *pair) drop() {
	for _, conn := range []net.Conn{p.near, p.far} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
		}
	}
}
