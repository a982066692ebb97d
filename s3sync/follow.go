package s3sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A Followed set is what a Follower has read last.
type Followed struct {
	URI   string `json:"uri"`
	Set   string `json:"set"`
	Files []File `json:"files"`
	// Of a manifest; its Tag is "" where the set was put together from listings, of which nobody knows
	// that they show one set that somebody meant.
	Tag        string    `json:"tag,omitempty"`
	Generation int64     `json:"generation,omitempty"`
	Published  time.Time `json:"published,omitzero"`
	By         string    `json:"by,omitempty"`
	Objects    []object  `json:"objects,omitempty"` // of listings
	LeftOut    []Note    `json:"left_out,omitempty"`
	Read       time.Time `json:"read"`
}

// A Follower keeps the newest set of a place as a bundle. What it had stays in force until the next
// one is whole.
type Follower struct {
	Place   Place
	Bundles Bundles
	State   string // the file that remembers, across programs, what was read
	Settle  time.Duration
	Now     func() time.Time

	last *Followed
}

// Last is what is in force: what this or an earlier program has read last; nil if that is nothing,
// or its bundle is damaged.
func (f *Follower) Last() *Followed {
	if f.last != nil {
		return f.last
	}
	src, err := os.ReadFile(f.State)
	var l Followed
	if err != nil || json.Unmarshal(src, &l) != nil || l.URI != f.Place.String() || l.Set != SetOf(l.Files) || !f.Bundles.Intact(l.Files) {
		return nil
	}
	f.last = &l
	return f.last
}

// Dir is the folder of the set in force.
func (f *Follower) Dir() string { return f.Bundles.Path(f.last.Set) }

// again is how often a set is read anew that went while it was read.
const again = 3

// Next brings the newest set into force; changed tells whether it is another than before. It is one
// request where nothing has changed. An error leaves in force what was.
func (f *Follower) Next(ctx context.Context) (changed bool, err error) {
	last := f.Last()
	for range again {
		changed, err = f.next(ctx, last)
		if !errors.Is(err, ErrGone) {
			return changed, err
		}
	}
	return false, fmt.Errorf("cannot read %s: %w", f.Place, err)
}

func (f *Follower) next(ctx context.Context, last *Followed) (bool, error) {
	known := ""
	if last != nil {
		known = last.Tag
	}
	m, err := f.Place.Manifest(ctx, known)
	switch {
	case errors.Is(err, ErrUnchanged):
		return false, nil
	case errors.Is(err, ErrNoManifest) && known != "":
		return false, fmt.Errorf("cannot read %s: its manifest is gone (weft sync publishes it anew)", f.Place)
	case errors.Is(err, ErrNoManifest):
		return f.fromListings(ctx, last)
	case err != nil:
		return false, err
	}
	fresh := &Followed{Files: m.Files, Tag: m.Tag, Generation: m.Generation, Published: m.Published, By: m.By}
	return f.take(ctx, last, fresh, func(ctx context.Context, need []File, to Sink) error {
		return f.Place.fetch(ctx, m.Manifest, need, to)
	})
}

func (f *Follower) fromListings(ctx context.Context, last *Followed) (bool, error) {
	objects := map[string]object{}
	if last != nil {
		for _, o := range last.Objects {
			objects[o.Path] = o
		}
	}
	if err := os.MkdirAll(f.Bundles.Dir, 0o755); err != nil {
		return false, fmt.Errorf("cannot keep bundles: %w", err)
	}
	dir, err := os.MkdirTemp(f.Bundles.Dir, unfinished)
	if err != nil {
		return false, fmt.Errorf("cannot keep bundles: %w", err)
	}
	defer os.RemoveAll(dir) // the next prune does it too
	g := gathering{f.Place, dir, f.Settle, func(path, tag string, size int64) (File, bool) {
		o, ok := objects[path]
		return o.File, ok && o.Tag == tag && o.Size == size
	}}
	found, left, err := g.gather(ctx)
	if err != nil {
		return false, err
	}
	fresh := &Followed{Objects: found, LeftOut: left}
	for _, o := range found {
		fresh.Files = append(fresh.Files, o.File)
	}
	if last != nil && last.Set == SetOf(fresh.Files) && len(last.LeftOut) == len(left) {
		return false, nil
	}
	if err := f.Place.stillNone(ctx); err != nil {
		return false, err
	}
	return f.take(ctx, last, fresh, g.get)
}

// take makes the bundle of a set and brings it into force.
func (f *Follower) take(ctx context.Context, last, fresh *Followed, get func(context.Context, []File, Sink) error) (bool, error) {
	have := map[string][]File{}
	if last != nil {
		have[last.Set] = last.Files
	}
	if err := f.Bundles.Make(ctx, fresh.Files, have, get); err != nil {
		return false, err
	}
	fresh.URI, fresh.Set, fresh.Read = f.Place.String(), SetOf(fresh.Files), f.Now().UTC()
	if err := f.remember(fresh); err != nil {
		return false, err
	}
	changed := last == nil || last.Set != fresh.Set
	f.last = fresh
	return changed, nil
}

func (f *Follower) remember(l *Followed) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	tmp := f.State + ".part-" + nonce()
	if err = os.MkdirAll(filepath.Dir(f.State), 0o755); err == nil {
		err = os.WriteFile(tmp, body, 0o644)
	}
	if err == nil {
		err = os.Rename(tmp, f.State)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("cannot remember what was read of %s: %w", f.Place, err)
	}
	return nil
}
