package s3sync

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"weft/awsconf"
)

const (
	// keepPacks is how long a pack that is not needed any more stays: readers who are slower than
	// that begin anew.
	keepPacks = 24 * time.Hour
	// publishWithin bounds the time from a pack to the manifest that names it. It is far below
	// keepPacks, after which a pack that no manifest names counts as left over.
	publishWithin = 6 * time.Hour
)

// A ConflictError is the end of a publisher that another was faster than.
type ConflictError struct {
	Place Place
	By    string    // who published meanwhile; "" = not known
	At    time.Time // and when
}

func (e *ConflictError) Error() string {
	by := "somebody"
	if e.By != "" {
		by = e.By
	}
	return fmt.Sprintf("cannot publish to %s: %s published there in the same moment, and nothing of this was", e.Place, by)
}

// A MirrorError tells that readers have the new set, but the mirror is not whole.
type MirrorError struct{ err error }

func (e *MirrorError) Error() string { return "cannot complete the mirror: " + e.err.Error() }
func (e *MirrorError) Unwrap() error { return e.err }

// A Result is what was done.
type Result struct {
	Manifest  *Manifest // what is published now
	Published bool      // a new set is
	Mirrored  int       // objects of the mirror that were written
	Unmade    int       // objects of the mirror that were removed
}

// Carry publishes. When the set is published, and what follows fails, the error is a MirrorError.
func (plan *Plan) Carry(ctx context.Context) (Result, error) {
	res := Result{Manifest: plan.base.Manifest}
	root, err := os.OpenRoot(plan.tree.Dir)
	if err != nil {
		return res, cannotRead(plan.tree.Dir, err)
	}
	defer root.Close()
	behind := plan.Base == nil || plan.MirrorBehind
	if plan.Base != nil && plan.Empty() {
		if !behind {
			return res, nil
		}
	} else {
		m, err := plan.publish(ctx, root)
		if err != nil {
			return res, err
		}
		res.Manifest, res.Published = m, true
	}
	w := &mirroring{Plan: plan, root: root, m: res.Manifest, full: behind}
	err = w.run(ctx)
	res.Mirrored, res.Unmade = int(w.written.Load()), w.removed
	if err == nil && res.Published {
		err = plan.place.sweep(ctx, res.Manifest, plan.base.Manifest, plan.now())
	}
	if err != nil {
		return res, &MirrorError{err}
	}
	return res, nil
}

// publish writes the pack and the manifest.
func (plan *Plan) publish(ctx context.Context, root *os.Root) (*Manifest, error) {
	id, began := nonce(), plan.now()
	base := plan.base.Manifest
	m := &Manifest{
		Format: format, ID: id, Generation: base.Generation + 1, Set: SetOf(plan.files),
		Published: began.UTC().Truncate(time.Millisecond), By: plan.by, Packs: []Pack{}, Files: plan.files,
	}
	fresh := arrange(m, base, func(n int) string { return fmt.Sprintf("%d-%s-%d.pack", m.Generation, id, n) })
	m.Retired, m.Removing = retire(m, base), plan.removing(m)
	for _, pack := range fresh {
		if err := plan.place.sendPack(ctx, root, pack, m.Files); err != nil {
			return nil, plan.said(err)
		}
	}
	body, err := m.encode()
	if err != nil {
		return nil, err
	}
	if len(body) > maxManifest {
		return nil, fmt.Errorf("cannot publish %d files: their manifest would have %d bytes, at most %d are read", len(m.Files), len(body), maxManifest)
	}
	if plan.now().Sub(began) > publishWithin {
		return nil, fmt.Errorf("cannot publish: to send the files took longer than %s", publishWithin)
	}
	_, err = plan.place.replace(ctx, manifestPath, body, plan.base.Tag)
	if conflicts(err) {
		return m, plan.conflict(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", plan.place.object(manifestPath), err)
	}
	return m, nil
}

// removing is what the mirror must not show any more: by this plan, and by those that were cut off
// before theirs was whole.
func (plan *Plan) removing(m *Manifest) []string {
	all := slices.Concat(plan.Removed, plan.Strangers)
	if plan.MirrorBehind {
		all = append(all, plan.base.Removing...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(path string) bool {
		_, stays := m.file(path)
		return stays
	})
}

// said is an error of a file that has changed, with what to do.
func (plan *Plan) said(err error) error {
	var changed changedError
	if errors.As(err, &changed) {
		return fmt.Errorf("cannot publish %s: %w", plan.tree.Dir, err)
	}
	return err
}

// conflict tells who was faster. If that was this publisher itself, whose first answer was lost, all is
// well.
func (plan *Plan) conflict(ctx context.Context, id string) error {
	now, err := plan.place.Manifest(ctx, "")
	if err != nil {
		return &ConflictError{Place: plan.place}
	}
	if now.ID == id {
		return nil
	}
	return &ConflictError{plan.place, now.By, now.Published}
}

// nonce is a name that nobody else chooses.
func nonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// retire lists the packs that m, unlike its base, needs no more, with those that went before and may
// still be read.
func retire(m, base *Manifest) (out []Retired) {
	used := map[string]bool{}
	for _, p := range m.Packs {
		used[p.Name] = true
	}
	for _, r := range base.Retired {
		if m.Published.Sub(r.Since) < keepPacks {
			out = append(out, r)
		}
	}
	for _, p := range base.Packs {
		if !used[p.Name] {
			out = append(out, Retired{p.Name, m.Published})
		}
	}
	return out
}

// sweep removes the packs that the manifest has dropped for good, and what publishers that were cut
// off have left. A name is used once, so nobody can have taken it up again.
func (p Place) sweep(ctx context.Context, m, base *Manifest, now time.Time) error {
	all, err := p.list(ctx, packsPath)
	if err != nil {
		return err
	}
	stay := map[string]bool{}
	for _, k := range m.Packs {
		stay[packsPath+k.Name] = true
	}
	for _, r := range m.Retired {
		stay[packsPath+r.Name] = true
	}
	dropped := map[string]bool{}
	for _, r := range base.Retired {
		dropped[packsPath+r.Name] = true
	}
	var gone []string
	for _, o := range all {
		if !stay[o.path] && (dropped[o.path] || now.Sub(o.modified) > keepPacks) && badPath(o.path[len(packsPath):]) == "" {
			gone = append(gone, o.path)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := p.remove(ctx, gone); err != nil && awsconf.FaultOf(err) != awsconf.NoObject {
		return fmt.Errorf("cannot remove old packs: %w", err)
	}
	return nil
}
