package away

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"sync"
	"time"

	"weft/handoff"
	"weft/logs"
)

// A Shipper puts logs of this machine into handoffs: while they grow, and whole when they are complete. What cannot be put
// is tried again. Its fields must not change once it is used.
type Shipper struct {
	Every time.Duration // how often a log that grows is put; 0 = 2 s
	Log   *slog.Logger  // nil = says nothing
	// Remove has a file go once all of it lies in the handoff.
	Remove bool

	once    sync.Once
	ctx     context.Context
	stop    context.CancelFunc
	writers chan struct{} // a slot for each that puts something
	going   sync.WaitGroup

	mu    sync.Mutex
	files map[string]*Shipment // on their way: the newest of each file
}

// Bounds of a shipper.
const (
	usualEvery = 2 * time.Second
	leastPause = time.Second // between tries of what could not be put
	mostPause  = 30 * time.Second
	atOnce     = 8
)

func (s *Shipper) begin() {
	s.once.Do(func() {
		s.ctx, s.stop = context.WithCancel(context.Background())
		s.writers, s.files = make(chan struct{}, atOnce), map[string]*Shipment{}
		if s.Every <= 0 {
			s.Every = usualEvery
		}
		if s.Log == nil {
			s.Log = slog.New(slog.DiscardHandler)
		}
	})
}

// Wait returns when all that was shipped has arrived, or when ctx ends: then the rest is given up, and the error says so.
// Nothing may begin any more.
func (s *Shipper) Wait(ctx context.Context) error {
	s.begin()
	done := make(chan struct{})
	go func() {
		s.going.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.stop()
		return nil
	case <-ctx.Done():
		s.stop()
		<-done
		return errors.New("some logs are not in the handoff; they stay on this machine")
	}
}

// A Shipment is one part of a log on its way.
type Shipment struct {
	s    *Shipper
	to   Place
	id   logs.ID
	dir  string
	file string
	from int64 // where the part begins in the file
	head int64 // how much of the part is put while it grows: behind that a log that floods is cut

	before *Shipment // of the same file, nil = none was on its way: parts are numbered in their order
	left   chan struct{}
	ended  chan struct{}
	once   sync.Once
	until  int64 // where it ends, once it has; below from: it was dropped

	whole  bool  // all of it lies in the handoff
	part   int   // 0 = not known yet
	pieces int   // that are full
	sent   int64 // bytes of the part that lie in pieces
}

// Begin ships what is written from now on to the file of a log, which has limit bytes at most when it is sealed. End or
// Drop must follow. It comes before the file is opened: one that is to be removed is not opened then.
func (s *Shipper) Begin(to Place, id logs.ID, file string, limit int64) (*Shipment, error) {
	s.begin()
	dir, err := folder(id)
	if err != nil {
		return nil, err
	}
	sh := &Shipment{s: s, to: to, id: id, dir: dir, file: file, head: limit / 2, ended: make(chan struct{}), left: make(chan struct{})}
	s.mu.Lock()
	sh.before = s.files[file]
	s.files[file] = sh
	sh.from = sizeOf(file)
	s.mu.Unlock()
	s.going.Go(sh.run)
	return sh, nil
}

// sizeOf is the size of a file, 0 if there is none.
func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// End says that the part is complete: nothing more is written to the file for it.
func (sh *Shipment) End() {
	sh.once.Do(func() {
		sh.until = sizeOf(sh.file)
		close(sh.ended)
	})
}

// Drop says that there is no such log: its file is another's now.
func (sh *Shipment) Drop() {
	sh.once.Do(func() {
		sh.until = -1
		close(sh.ended)
	})
}

func (sh *Shipment) run() {
	defer sh.leave()
	tick := time.NewTicker(sh.s.Every)
	defer tick.Stop()
	for {
		select {
		case <-sh.ended:
			sh.finish()
			return
		case <-sh.s.ctx.Done():
			return
		case <-tick.C:
		}
		if err := sh.grow(sh.head); err != nil && sh.s.ctx.Err() == nil {
			sh.s.Log.Debug("a log cannot be put into the handoff yet", "task", sh.id.Task, "run", sh.id.Run, "error", err)
		}
	}
}

// leave lets go of the file.
func (sh *Shipment) leave() {
	sh.s.mu.Lock()
	defer sh.s.mu.Unlock()
	close(sh.left)
	if sh.s.files[sh.file] != sh {
		return
	}
	delete(sh.s.files, sh.file)
	if sh.whole && sh.s.Remove {
		_ = os.Remove(sh.file) // what stays is found in the handoff all the same
	}
}

// finish puts the part whole, however often it takes.
func (sh *Shipment) finish() {
	if sh.until < sh.from { // also where the file was cut shorter
		return
	}
	if sh.before != nil {
		select {
		case <-sh.before.left:
			sh.before = nil
		case <-sh.s.ctx.Done():
			return
		}
	}
	pause := leastPause
	for tries := 1; ; tries++ {
		err := sh.complete()
		switch {
		case err == nil:
			sh.whole = true
			return
		case tries == 3:
			sh.s.Log.Warn("a log cannot be put into the handoff; it is tried again", "task", sh.id.Task, "run", sh.id.Run, "error", err)
		}
		select {
		case <-sh.s.ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
	}
}

// complete puts the part whole, once. A place that takes no value so large gets the rest in pieces.
func (sh *Shipment) complete() error {
	f, size, err := sh.open()
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	if size = min(size, sh.until-sh.from); size == 0 && sh.part == 0 {
		return nil // it said nothing
	}
	if err := sh.settle(); err != nil {
		return err
	}
	err = sh.put(whole(sh.dir, sh.part), io.NewSectionReader(f, sh.from, size), size)
	if errors.Is(err, handoff.ErrTooLarge) {
		return sh.grow(size)
	}
	if err != nil || sh.pieces == 0 && sh.sent == 0 {
		return err
	}
	_, err = sh.to.Backend.Remove(sh.s.ctx, live(sh.dir, sh.part))
	if err != nil { // they do no harm: nobody reads them where there is a whole
		sh.s.Log.Debug("pieces of a log stay", "task", sh.id.Task, "run", sh.id.Run, "error", err)
	}
	return nil
}

// open opens the file, and tells how many bytes the part has. No file: it said nothing.
func (sh *Shipment) open() (*os.File, int64, error) {
	f, err := os.Open(sh.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, max(0, info.Size()-sh.from), nil
}

// grow puts what is new of the part in pieces, up to a limit.
func (sh *Shipment) grow(limit int64) error {
	f, size, err := sh.open()
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	for size = min(size, limit); sh.sent < size; {
		if err := sh.settle(); err != nil {
			return err
		}
		at := int64(sh.pieces) * Piece
		n := min(Piece, size-at)
		if err := sh.put(piece(sh.dir, sh.part, sh.pieces+1), io.NewSectionReader(f, sh.from+at, n), n); err != nil {
			return err
		}
		sh.sent = at + n
		if n == Piece {
			sh.pieces++
		}
	}
	return nil
}

// errBehind: the part before is still on its way.
var errBehind = errors.New("the part before is still on its way")

// settle finds the part's number.
func (sh *Shipment) settle() (err error) {
	if sh.part > 0 {
		return nil
	}
	if sh.before != nil {
		select {
		case <-sh.before.left:
		default:
			return errBehind
		}
	}
	if sh.part, err = sh.to.next(sh.s.ctx, sh.dir, 1); err != nil {
		sh.part = 0
	}
	return err
}

func (sh *Shipment) put(key string, r io.Reader, size int64) error {
	select {
	case sh.s.writers <- struct{}{}:
		defer func() { <-sh.s.writers }()
	case <-sh.s.ctx.Done():
		return sh.s.ctx.Err()
	}
	if _, err := sh.to.Backend.Put(sh.s.ctx, key, r, size); err != nil {
		return fmt.Errorf("log %s: %w", path.Dir(sh.dir), err)
	}
	return nil
}
