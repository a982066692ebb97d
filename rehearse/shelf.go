package rehearse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"

	"weft/handoff"
	"weft/machine"
	"weft/store"
)

// A shelf is what a play remembers: the store of its engine, which keeps nothing and says at once that
// it is durable, and the handoff of its large values, in memory.
//
// Of store.Store it has what beginning a run asks for; nothing else is ever asked, and would panic.
type shelf struct {
	store.Store
	values map[string][]byte
}

var _ handoff.Backend = (*shelf)(nil)

func newShelf() *shelf { return &shelf{values: map[string][]byte{}} }

// PutPlan implements store.Plans.
func (*shelf) PutPlan(context.Context, string, []byte) error { return nil }

// Create implements store.Runs.
func (*shelf) Create(context.Context, store.Run, []store.Record) error { return nil }

// Append implements store.Journal.
func (*shelf) Append(_ string, _ []store.Record, _ *store.Run, done func(error)) { done(nil) }

const shelfScheme = "memory:///"

// Put implements handoff.Backend.
func (s *shelf) Put(_ context.Context, key string, r io.Reader, _ int64) (machine.Ref, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return machine.Ref{}, fmt.Errorf("cannot keep %s: %w", key, err)
	}
	s.values[shelfScheme+key] = b
	sum := sha256.Sum256(b)
	return machine.Ref{URI: shelfScheme + key, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}, nil
}

// Fetch implements handoff.Backend.
func (s *shelf) Fetch(_ context.Context, uri string) (io.ReadCloser, error) {
	b, ok := s.values[uri]
	if !ok {
		return nil, fmt.Errorf("cannot read %s: %w", uri, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Measure implements handoff.Remover; nobody asks.
func (*shelf) Measure(context.Context, string) (handoff.Amount, error) { return handoff.Amount{}, nil }

// Remove implements handoff.Remover; the shelf goes with its play.
func (*shelf) Remove(context.Context, string) (handoff.Amount, error) { return handoff.Amount{}, nil }
