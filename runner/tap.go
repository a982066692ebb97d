package runner

import (
	"io"
	"os"
	"sync"
	"time"

	"weft/plugins"
	"weft/secrets"
)

// A tap is a pipe by which processes of a task with secrets write into its log. Each masks by
// itself, so that a secret is found whatever another process writes in the midst of it; the log
// masks once more, for what several of them put together. In the log the order of two taps is that in which
// they were read, which need not be that in which they were written.
type tap struct {
	r, w *os.File
	done chan struct{} // closed when all is read
	once sync.Once
	said tail
}

// drainTime is how long the end of a pipe is waited for when its processes have ended: it takes no
// time, unless something of them lives that could not be ended.
var drainTime = 5 * time.Second

// tap opens a pipe into the log. It is closed at the end of the attempt, if not before.
func (a *attempt) tap(keep int) (*plugins.Stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	t := &tap{r: r, w: w, done: make(chan struct{}), said: tail{keep: keep}}
	a.taps.add(t)
	go t.pump(a.mask.Writer(&a.log))
	return &plugins.Stream{File: w, Close: t.end}, nil
}

// buffers are for pumps.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// pump passes on what comes out of the pipe until its end.
func (t *tap) pump(to *secrets.Masker) {
	defer close(t.done)
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := t.r.Read(buf[:])
		t.said.add(buf[:n])
		_, _ = to.Write(buf[:n]) // an attemptLog takes everything
		if err != nil {          // its end, or the deadline
			break
		}
	}
	_ = to.Flush()
}

// end closes the pipe when its processes have ended, and returns the end of what they wrote.
func (t *tap) end() ([]byte, bool) {
	t.once.Do(func() {
		_ = t.w.Close()
		_ = t.r.SetReadDeadline(time.Now().Add(drainTime))
		<-t.done
		_ = t.r.Close()
	})
	return t.said.end()
}

// taps are those of an attempt.
type taps struct {
	mu   sync.Mutex
	list []*tap
}

func (l *taps) add(t *tap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, t)
}

// end ends those that the plugin has left open.
func (l *taps) end() {
	l.mu.Lock()
	list := l.list
	l.mu.Unlock()
	for _, t := range list {
		t.end()
	}
}

// A tail remembers the last bytes of a stream.
type tail struct {
	keep int
	buf  []byte
	cut  bool // there were more
}

func (t *tail) add(p []byte) {
	if t.keep == 0 {
		t.cut = t.cut || len(p) > 0
		return
	}
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.keep {
		t.shorten()
	}
}

func (t *tail) shorten() {
	if more := len(t.buf) - t.keep; more > 0 {
		t.buf, t.cut = t.buf[:copy(t.buf, t.buf[more:])], true
	}
}

func (t *tail) end() (last []byte, whole bool) {
	t.shorten()
	return t.buf, !t.cut
}

var _ io.Writer = (*attemptLog)(nil)
