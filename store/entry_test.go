package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"weft/store"
	"weft/store/storetest"
)

// journal is a chained journal of every kind of event, with its end.
func journal(t testing.TB) (entries []store.Entry, last []byte) {
	t.Helper()
	var recs []store.Record
	for i, ev := range storetest.Samples() {
		recs = append(recs, store.Record{Seq: uint64(i) + 1, Event: ev, After: uint64(i), Hash: uint64(i) << 60})
	}
	entries, err := store.Encode("r", recs)
	if err != nil {
		t.Fatal(err)
	}
	return entries, store.Chain("r", nil, entries)
}

// Each change to a journal that was well is found, and laid at the door of the right record.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(e []store.Entry) []store.Entry
		says   string // "" = it is well
	}{
		{"nothing", func(e []store.Entry) []store.Entry { return e }, ""},
		{"a byte of an event", func(e []store.Entry) []store.Entry { e[3].Event[5] ^= 1; return e }, "record 4: checksum differs"},
		{"a byte of a sum", func(e []store.Entry) []store.Entry { e[3].Sum[0] ^= 1; return e }, "record 4: checksum differs"},
		{"an after", func(e []store.Entry) []store.Entry { e[3].After++; return e }, "record 4: checksum differs"},
		{"a hash", func(e []store.Entry) []store.Entry { e[3].Hash ^= 1 << 63; return e }, "record 4: checksum differs"},
		{"a record gone", func(e []store.Entry) []store.Entry { return slices.Delete(e, 3, 4) }, "record 4: missing, 5 stands in its place"},
		{"a record twice", func(e []store.Entry) []store.Entry { return slices.Insert(e, 3, e[2]) }, "record 4: missing, 3 stands in its place"},
		{"two swapped", func(e []store.Entry) []store.Entry {
			e[3], e[4] = e[4], e[3]
			e[3].Seq, e[4].Seq = 4, 5
			return e
		}, "record 4: checksum differs"},
		{"the last gone", func(e []store.Entry) []store.Entry { return e[:len(e)-1] }, "records were written"},
		{"all gone", func([]store.Entry) []store.Entry { return nil }, "record 1: "},
		{"one more", func(e []store.Entry) []store.Entry {
			more := []store.Entry{{Seq: uint64(len(e)) + 1, Event: e[0].Event}}
			store.Chain("r", e[len(e)-1].Sum, more)
			return append(e, more...)
		}, "are there"},
		{"the last written anew", func(e []store.Entry) []store.Entry {
			n := len(e) - 1
			e[n].Event = e[0].Event
			store.Chain("r", e[n-1].Sum, e[n:])
			return e
		}, "not the last record that was written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, last := journal(t)
			n := uint64(len(entries))
			last = bytes.Clone(last)
			_, err := store.Verify("r", c.change(entries), n, last)
			if (err == nil) != (c.says == "") || err != nil && (!errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

// Another run's journal does not pass for this one's.
func TestVerifyKnowsTheRun(t *testing.T) {
	entries, last := journal(t)
	if _, err := store.Verify("s", entries, uint64(len(entries)), last); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// What is chained rightly and not understood comes from a newer weft; what is no JSON is damage.
func TestVerifyTellsFutureFromDamage(t *testing.T) {
	for event, want := range map[string]error{
		`{"at":"2026-01-02T00:00:00Z","type":"teleported"}`:                store.ErrFuture,
		`{"at":"2026-01-02T00:00:00Z","type":"run_finished","state":[]}`:   store.ErrFuture,
		`{"at":"2026-01-02T00:00:00Z","type":"attempt_ended","state":"x"}`: store.ErrFuture,
		`{"at":"2026-01-02T00:00:00Z","type":"run_adm`:                     store.ErrCorrupt,
		``: store.ErrCorrupt,
	} {
		entries := []store.Entry{{Seq: 1, Event: []byte(event)}}
		last := store.Chain("r", nil, entries)
		_, err := store.Verify("r", entries, 1, last)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "run r: record 1: ") {
			t.Errorf("%s: got %v, want %v with its place", event, err, want)
		}
	}
}

// Whatever stands in a journal, reading it ends in an event that writes back, or in an error.
func FuzzDecodeEvent(f *testing.F) {
	for _, ev := range storetest.Samples() {
		if body, err := store.EncodeEvent(ev); err == nil && len(body) < 4096 {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ev, err := store.DecodeEvent(body)
		if err != nil {
			if !errors.Is(err, store.ErrFuture) && !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%v is neither damage nor future", err)
			}
			return
		}
		again, err := store.EncodeEvent(ev)
		if err != nil || !json.Valid(again) {
			t.Errorf("%q became %q (%v)", body, again, err)
		}
	})
}
