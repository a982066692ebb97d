package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"weft/machine"
)

// An Entry is a Record in the form in which stores keep it.
type Entry struct {
	Seq         uint64
	After, Hash uint64
	Event       []byte // JSON
	Sum         []byte // see Sum; set by Chain
}

// Encode makes the entries of an append, all but their sums, which hang on what stands before them.
func Encode(run string, recs []Record) ([]Entry, error) {
	out := make([]Entry, len(recs))
	for i, r := range recs {
		body, err := EncodeEvent(r.Event)
		if err != nil {
			return nil, fmt.Errorf("cannot write run %s: record %d: %w", run, r.Seq, err)
		}
		out[i] = Entry{Seq: r.Seq, After: r.After, Hash: r.Hash, Event: body}
	}
	return out, nil
}

// EncodeEvent returns an event's JSON.
func EncodeEvent(ev machine.Event) ([]byte, error) {
	if ev.Fact == nil {
		return nil, errors.New("the event says nothing")
	}
	return json.Marshal(ev)
}

// DecodeEvent reads an event's JSON, whose checksum has been found right: what is JSON and yet not
// understood was written by a newer weft.
func DecodeEvent(body []byte) (machine.Event, error) {
	var ev machine.Event
	err := json.Unmarshal(body, &ev)
	switch {
	case err == nil:
		return ev, nil
	case json.Valid(body):
		return ev, fmt.Errorf("%w: %w", err, ErrFuture)
	default:
		return ev, fmt.Errorf("not JSON: %w", ErrCorrupt)
	}
}

// Follow checks that entries continue a run's journal whose last seq is last: ErrGap if not.
func Follow(run string, last uint64, entries []Entry) error {
	for _, e := range entries {
		if e.Seq != last+1 {
			return fmt.Errorf("cannot write run %s: record %d does not follow %d: %w", run, e.Seq, last, ErrGap)
		}
		last = e.Seq
	}
	return nil
}

// Chain sets the sums of entries that continue a journal whose last sum is prev, and returns the
// new last one.
func Chain(run string, prev []byte, entries []Entry) []byte {
	for i := range entries {
		e := &entries[i]
		e.Sum = Sum(prev, run, e.Seq, e.After, e.Hash, e.Event)
		prev = e.Sum
	}
	return prev
}

// Verify turns the whole of a run's journal into records. The last seq and sum, which the store
// keeps apart from the entries, make a lost tail seen.
func Verify(run string, entries []Entry, lastSeq uint64, lastSum []byte) ([]Record, error) {
	recs := make([]Record, 0, len(entries))
	var prev []byte
	for i, e := range entries {
		if want := uint64(i) + 1; e.Seq != want {
			return nil, Corrupt(run, want, fmt.Sprintf("missing, %d stands in its place", e.Seq))
		}
		if sum := Sum(prev, run, e.Seq, e.After, e.Hash, e.Event); !bytes.Equal(sum, e.Sum) {
			return nil, Corrupt(run, e.Seq, "checksum differs")
		}
		ev, err := DecodeEvent(e.Event)
		if err != nil {
			return nil, fmt.Errorf("cannot read run %s: record %d: %w", run, e.Seq, err)
		}
		recs = append(recs, Record{Seq: e.Seq, Event: ev, After: e.After, Hash: e.Hash})
		prev = e.Sum
	}
	if n := uint64(len(entries)); n != lastSeq {
		return nil, Corrupt(run, min(n, lastSeq)+1, fmt.Sprintf("%d records were written, %d are there", lastSeq, n))
	}
	if !bytes.Equal(prev, lastSum) {
		return nil, Corrupt(run, lastSeq, "not the last record that was written")
	}
	return recs, nil
}

// ReopenedBy tells whether somebody has had a run begin again, by its journal.
func ReopenedBy(j Journal) func(ctx context.Context, run, by string) (bool, error) {
	return func(ctx context.Context, run, by string) (bool, error) {
		recs, err := j.Read(ctx, run)
		return err == nil && slices.ContainsFunc(recs, func(r Record) bool {
			f, ok := r.Event.Fact.(machine.Reopened)
			return ok && f.By == by
		}), err
	}
}

// PlanHash returns the name of a plan's serialised form; see machine.Plan.Encode.
func PlanHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}
