// Package mem keeps a store in memory, for tests and for the simulation.
//
// It has no goroutine, clock or chance of its own: what happens when is up to the caller. New makes
// a store whose appends are durable at once; NewHeld one in which they wait for Flush, and in which
// a crash can be had at any moment (hooks.go). Both may be used by many goroutines.
//
// Events are kept as JSON with their sums, as on a disk: what is read is never what was handed in.
package mem

import (
	"context"
	"fmt"
	"sync"
	"time"

	"weft/store"
)

// A Store is a store in memory; see New and NewHeld.
type Store struct {
	held bool

	mu       sync.Mutex
	runs     map[string]*run
	dates    map[date]string // of the dated runs: id
	plans    map[string][]byte
	idle     map[string]time.Time // plans that were marked idle
	going    map[string]*run      // marked runs; none of them is in runs
	asks     []ask                // ascending
	lastAsk  int64
	sched    scheduled
	waiting  []*appending
	draining bool // somebody is in drain
	fail     error
	closed   bool
}

// A run is its row and its journal.
type run struct {
	row     store.Run
	batches []batch
	seq     uint64 // where the journal ends
	sum     []byte
}

// A batch is what one append wrote. One that is torn came to the disk without its end, when the
// process crashed: nobody may see it, and the next append writes over it.
type batch struct {
	entries []store.Entry
	torn    bool
}

// A date is what only one dated run may have.
type date struct {
	dag    string
	micros int64
}

// An ask is an order as it is kept.
type ask struct {
	id    int64
	run   string
	event []byte
}

var _ store.Store = (*Store)(nil)

// New makes an empty store whose appends are durable at once.
func New() *Store {
	return &Store{
		runs: map[string]*run{}, dates: map[date]string{}, plans: map[string][]byte{},
		idle: map[string]time.Time{}, going: map[string]*run{},
	}
}

// NewHeld makes an empty store whose appends wait for Flush. All other writes are durable when they
// return.
func NewHeld() *Store {
	s := New()
	s.held = true
	return s
}

// Close ends the store: what waits for a flush is flushed, what comes later refused.
func (s *Store) Close() error {
	s.drain(all)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// begin locks the store for one write or look.
func (s *Store) begin(ctx context.Context, doing string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return fmt.Errorf("%s: %w", doing, store.ErrClosed)
	}
	return nil
}

// commit is the moment at which a write may fail for want of a disk; see Fail.
func (s *Store) commit(doing string) error {
	err := s.fail
	s.fail = nil
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
