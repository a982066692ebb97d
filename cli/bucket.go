package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weft/awsconf"
	"weft/catalog"
	"weft/diag"
	"weft/machine"
	"weft/s3sync"
	"weft/spec"
)

// settle is how long a prefix that nobody published to with weft must stand still: whoever uploads file
// by file takes longer for each.
const settle = 2 * time.Second

// remote tells whether DAGs lie in a bucket.
func remote(place string) bool { return strings.HasPrefix(place, "s3://") }

// splitPaths tells paths of this machine from those of buckets. Without any, the DAGs folder is meant.
func splitPaths(paths []string, dags string) (local, buckets []string) {
	if len(paths) == 0 && remote(dags) {
		paths = []string{dags}
	}
	for _, p := range paths {
		if remote(p) {
			buckets = append(buckets, p)
		} else {
			local = append(local, p)
		}
	}
	return local, buckets
}

// place is a prefix of a bucket, seen with a profile's credentials ("" = those of weft). The bucket
// must be an account's, if owner names one.
func place(ctx context.Context, uri, profile, owner string) (s3sync.Place, error) {
	var vars []string
	if profile != "" {
		vars = []string{"AWS_PROFILE=" + profile}
	}
	s, err := awsconf.For(ctx, vars)
	if err != nil {
		return s3sync.Place{}, fmt.Errorf("cannot reach AWS: %w", err)
	}
	if owner != "" {
		s = s.OwnedBy(owner)
	}
	return s3sync.At(s, uri)
}

// bundles are the sets of DAGs that this state folder keeps.
func (e *env) bundles() s3sync.Bundles {
	return s3sync.Bundles{Dir: filepath.Join(e.conf.Home, "bundles")}
}

// checker remembers verdicts as long as this very program and the configuration stay the same.
func (e *env) checker() *catalog.Checker {
	rules := thisBuild().String()
	if exe, err := os.Executable(); err == nil {
		if info, err := os.Stat(exe); err == nil {
			rules += fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
	}
	o := e.options(nil)
	rules += fmt.Sprintf("%v %v %d %v", o.Pools, o.Vars, o.MaxInstances, o.Severities) // maps are printed in order
	return &catalog.Checker{
		Rules: rules, Memory: filepath.Join(e.conf.Home, cacheFolder, "verdicts.json"),
		Parse: func(name string, src []byte, exists func(string) bool) (*spec.DAG, []spec.Diagnostic) {
			return spec.Parse(name, src, e.options(exists))
		},
	}
}

// openCatalog follows a prefix of a bucket.
func (e *env) openCatalog(ctx context.Context, uri string) (*catalog.Catalog, *s3sync.Follower, error) {
	p, err := place(ctx, uri, "", "")
	if err != nil {
		return nil, nil, err
	}
	dir := e.memoryOf(p.String())
	f := &s3sync.Follower{Place: p, Bundles: e.bundles(), State: filepath.Join(dir, "followed.json"), Settle: settle, Now: time.Now}
	return &catalog.Catalog{
		Source: catalog.Bucket{Follower: f}, Bundles: f.Bundles, Checker: e.checker(), Memory: filepath.Join(dir, "good.json"),
	}, f, nil
}

// openFolder follows a folder. dir is its absolute path.
func (e *env) openFolder(folder string) (c *catalog.Catalog, dir string, err error) {
	dir, err = filepath.Abs(folder)
	if err != nil {
		return nil, "", fmt.Errorf("cannot find the folder of the DAGs: %w", err)
	}
	return &catalog.Catalog{
		Source:  &catalog.Folder{Dir: dir, Except: e.conf.Home, Bundles: e.bundles(), Show: shown},
		Bundles: e.bundles(), Checker: e.checker(), Memory: filepath.Join(e.memoryOf("file://"+dir), "good.json"),
	}, dir, nil
}

// memoryOf is the folder of what is remembered of a place of DAGs.
func (e *env) memoryOf(place string) string {
	sum := sha256.Sum256([]byte(place))
	return filepath.Join(e.conf.Home, "catalog", hex.EncodeToString(sum[:8]))
}

// refresh reads what is published. What cannot be had for a while is no hindrance if there is an
// earlier set: that is said, and it stays in force.
func (e *env) refresh(ctx context.Context, uri string) (*catalog.Catalog, error) {
	c, f, err := e.openCatalog(ctx, uri)
	if err != nil {
		return nil, err
	}
	changed, err := c.Refresh(ctx)
	var fault *awsconf.Error
	switch {
	case err != nil && (c.Now() == nil || !errors.As(err, &fault) || !fault.Temporary()):
		return nil, err
	case err != nil:
		fmt.Fprintf(e.stderr, "%s; what was read %s ago stays in force\n", err, time.Since(f.Last().Read).Round(time.Second))
	}
	e.tellOfListing(f)
	if changed {
		e.pruneBundles(ctx)
	}
	return c, nil
}

// tellOfListing says what is not certain of a set that no manifest describes, and what is no part of it.
func (e *env) tellOfListing(f *s3sync.Follower) {
	last := f.Last()
	if last == nil || last.Tag != "" {
		return
	}
	for _, n := range last.LeftOut {
		fmt.Fprintln(e.stderr, n)
	}
	fmt.Fprintf(e.stderr, "%s %s\n", f.Place, listingDoubt)
}

const listingDoubt = "was not published by weft sync: two equal listings do not exclude that these are halves of two sets"

// checkBucket gives the findings of all that is published now.
func (e *env) checkBucket(uri string) ([]catalog.Finding, error) {
	c, f, err := e.openCatalog(context.Background(), uri)
	if err != nil {
		return nil, err
	}
	if _, err := c.Refresh(context.Background()); err != nil {
		return nil, err
	}
	e.tellOfListing(f)
	found := slices.Clone(c.Now().Findings)
	for i := range found {
		// What two files of the set say of each other is said again, with those of other paths.
		found[i].Diagnostics = slices.DeleteFunc(slices.Clone(found[i].Diagnostics), func(d spec.Diagnostic) bool {
			return d.Code == spec.SameID || slices.Contains(spec.NeighbourCodes, d.Code)
		})
		if found[i].Source == nil { // remembered; its lines are shown
			rel := strings.TrimPrefix(found[i].File, f.Place.String()+"/")
			found[i].Source, _ = os.ReadFile(filepath.Join(f.Dir(), filepath.FromSlash(rel))) // without, the place is shown alone
		}
	}
	return found, nil
}

// loadBucket turns the id of a DAG that is published into a plan. file is where its bundle lies.
func (e *env) loadBucket(id, uri string) (file string, plan *machine.Plan, err error) {
	c, err := e.refresh(context.Background(), uri)
	if err != nil {
		return "", nil, err
	}
	entry, ok := c.Now().Entries[id]
	if !ok {
		return "", nil, e.noEntry(id, uri, c)
	}
	e.tellStale(c, entry)
	dag, ds, src, err := c.Load(entry)
	if err != nil {
		return "", nil, err
	}
	plan, err = e.plan(checked{file: c.Source.Shown(entry.Path), src: src, dag: dag, ds: ds})
	return c.File(entry), plan, err
}

// tellStale says that a version is not that of the newest file.
func (e *env) tellStale(c *catalog.Catalog, entry catalog.Entry) {
	if entry.Stale {
		fmt.Fprintf(e.stderr, "%s is broken now; its last good version runs (weft validate %s shows what is wrong)\n", c.Source.Shown(entry.Path), shellWord(e.conf.DAGs))
	}
}

// noEntry says why there is no DAG of an id: what is wrong with its file, or which ids there are.
func (e *env) noEntry(id, uri string, c *catalog.Catalog) error {
	for _, f := range c.Now().Findings {
		stem := strings.TrimSuffix(filepath.Base(f.File), filepath.Ext(f.File))
		if f.ID != id && (f.ID != "" || stem != id) {
			continue
		}
		if err := diag.Text(e.stderr, f.Diagnostics, diag.Options{Source: func(string) []byte { return f.Source }, Color: e.colorOn(e.stderr)}); err != nil {
			return err
		}
		return &hinted{fmt.Errorf("cannot run DAG %q: %s has errors, and no good version of it is known", id, f.File), "weft validate " + shellWord(uri) + " shows all that is wrong"}
	}
	known := c.Now().IDs()
	err := fmt.Errorf("cannot find DAG %q: nothing in %s has that id", id, uri)
	if near := spec.Nearest(id, known); len(near) > 0 {
		return &hinted{err, "did you mean " + strings.Join(near, " or ") + "?"}
	}
	if len(known) > maxNamed*2 {
		known = append(known[:maxNamed*2:maxNamed*2], "…")
	}
	if len(known) == 0 {
		return err
	}
	return &hinted{err, "there are " + strings.Join(known, ", ")}
}
