package s3sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Diff is what a synchronisation changes, by paths.
type Diff struct {
	Added   []string `json:"added"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
}

// Empty tells whether nothing changes.
func (d Diff) Empty() bool { return len(d.Added)+len(d.Changed)+len(d.Removed) == 0 }

// diff compares what is there with what is to be. Both are sorted by path.
func diff(is, shall []File) (d Diff) {
	d = Diff{Added: []string{}, Changed: []string{}, Removed: []string{}}
	for len(is) > 0 || len(shall) > 0 {
		switch {
		case len(is) == 0 || len(shall) > 0 && shall[0].Path < is[0].Path:
			d.Added = append(d.Added, shall[0].Path)
			shall = shall[1:]
		case len(shall) == 0 || is[0].Path < shall[0].Path:
			d.Removed = append(d.Removed, is[0].Path)
			is = is[1:]
		default:
			if !is[0].same(shall[0]) {
				d.Changed = append(d.Changed, shall[0].Path)
			}
			is, shall = is[1:], shall[1:]
		}
	}
	return d
}

// mostRemoved is the share of what is there, in percent, that goes without being asked about.
const mostRemoved = 30

// A Plan is what it takes to make a place show a folder.
type Plan struct {
	Diff
	// Strangers are objects below the prefix that no weft has put there, and that go: somebody else
	// has used it before.
	Strangers []string
	// There is how many files are there now; Base who published them, nil if nobody has with weft.
	There int
	Base  *Manifest
	// MirrorBehind is set where an earlier publisher was cut off before the mirror was whole.
	MirrorBehind bool

	place  Place
	tree   *Tree
	files  []File // to be
	base   Tagged
	mirror mirrorState
	first  []listed // the mirror, where there is no base
	by     string
	now    func() time.Time
}

// Options say how to publish.
type Options struct {
	KeepRemoved bool // what the folder has no more stays published
	By          string
	Now         func() time.Time // nil = time.Now
}

// Plan compares a folder with what is published. It takes two requests, side by side; one a thousand
// objects more where there is no manifest yet.
func (p Place) Plan(ctx context.Context, tree *Tree, o Options) (*Plan, error) {
	plan := &Plan{place: p, tree: tree, files: slices.Clone(tree.Files), by: o.By, now: o.Now}
	if plan.now == nil {
		plan.now = time.Now
	}
	for _, f := range plan.files {
		if len(p.at.Key)+len(f.Path) > maxKey {
			return nil, fmt.Errorf("cannot publish %s: its key has %d bytes, at most %d are allowed", shownPath(f.Path), len(p.at.Key)+len(f.Path), maxKey)
		}
	}
	var asking sync.WaitGroup
	var noMirror error
	asking.Go(func() { plan.mirror, noMirror = p.mirror(ctx) })
	var err error
	plan.base, err = p.Manifest(ctx, "")
	asking.Wait()
	switch err := cmp.Or(err, noMirror); {
	case errors.Is(err, ErrNoManifest):
		plan.base = Tagged{Manifest: &Manifest{}}
		return plan, plan.compareFirst(ctx, o)
	case err != nil:
		return nil, err
	}
	plan.Base, plan.There = plan.base.Manifest, len(plan.base.Files)
	plan.compare(o)
	plan.MirrorBehind = !plan.mirror.Whole || plan.mirror.ID != plan.base.ID
	return plan, nil
}

func (plan *Plan) compare(o Options) {
	plan.Diff = diff(plan.base.Files, plan.files)
	if !o.KeepRemoved {
		return
	}
	for _, path := range plan.Removed {
		f, _ := plan.base.file(path)
		plan.files = append(plan.files, f)
	}
	sortFiles(plan.files)
	plan.Diff = diff(plan.base.Files, plan.files)
}

// compareFirst is for a place where no weft has published. Its answer to the manifest was that there is
// none, so the listing shows what others have put there.
func (plan *Plan) compareFirst(ctx context.Context, o Options) error {
	all, err := plan.place.list(ctx, "")
	if err != nil {
		return err
	}
	plan.first = files(all)
	plan.There = len(plan.first)
	plan.Diff = diff(nil, plan.files)
	if o.KeepRemoved {
		return nil
	}
	for _, o := range plan.first {
		if _, ours := find(plan.files, o.path); !ours && badPath(o.path) == "" {
			plan.Strangers = append(plan.Strangers, o.path)
		}
	}
	return nil
}

func find(files []File, path string) (File, bool) { return (&Manifest{Files: files}).file(path) }

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Doubt says as a clause why somebody should be asked before this is done; "" if there is no reason.
func (plan *Plan) Doubt() string {
	gone, objects := len(plan.Removed)+len(plan.Strangers), "objects"
	if len(plan.Strangers) == 1 {
		objects = "object"
	}
	switch {
	case len(plan.tree.Files) == 0 && gone > 0:
		return fmt.Sprintf("the folder holds no file, so all %d of %s would go", gone, plan.place)
	case len(plan.Strangers) > 0:
		return fmt.Sprintf("%d %s below %s that weft sync has not put there would go", len(plan.Strangers), objects, plan.place)
	case gone*100 > plan.There*mostRemoved:
		return fmt.Sprintf("%d of the %d files of %s would go", gone, plan.There, plan.place)
	}
	return ""
}

// Drift tells how the mirror differs from what is published, for people who look: objects that are gone
// or were written by others. It lists the prefix, and compares sizes alone.
func (plan *Plan) Drift(ctx context.Context) (out []Note, err error) {
	if plan.Base == nil {
		return nil, nil
	}
	all, err := plan.place.list(ctx, "")
	if err != nil {
		return nil, err
	}
	there := map[string]listed{}
	for _, o := range files(all) {
		there[o.path] = o
		if _, ours := plan.Base.file(o.path); !ours {
			out = append(out, Note{o.path, "it is in the mirror, and was not published by weft sync"})
		}
	}
	for _, f := range plan.Base.Files {
		switch o, have := there[f.Path]; {
		case !have:
			out = append(out, Note{f.Path, "it is missing in the mirror"})
		case o.size != f.Size:
			out = append(out, Note{f.Path, fmt.Sprintf("it has %d bytes in the mirror, %d were published", o.size, f.Size)})
		case o.modified.After(plan.Base.Published.Add(driftSlack)) && plan.mirror.Whole && o.modified.After(plan.mirror.At.Add(driftSlack)):
			out = append(out, Note{f.Path, "somebody has written it in the mirror since"})
		}
	}
	return out, nil
}

// driftSlack is how far the clocks of publisher and S3 may be apart.
const driftSlack = time.Minute
