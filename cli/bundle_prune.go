package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"weft/catalog"
	"weft/s3sync"
	"weft/store"
)

// keepBundles is how long a bundle stays that nothing needs: what begins just now may have chosen it.
const keepBundles = 7 * 24 * time.Hour

// pruneBundles removes bundles that no run that is known began with and no catalog has in force. It is
// done when a new one has come; what cannot be removed is tried again then.
func (e *env) pruneBundles(ctx context.Context) {
	b := e.bundles()
	old := false
	_, err := b.Prune(time.Now(), keepBundles, func(string) bool { old = true; return true })
	if err != nil || !old {
		return
	}
	used, err := e.usedBundles(ctx)
	if err == nil {
		_, err = b.Prune(time.Now(), keepBundles, func(set string) bool { return used[set] })
	}
	if err != nil {
		fmt.Fprintln(e.stderr, err)
	}
}

func (e *env) usedBundles(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	s, err := e.openRuns(true)
	if err != nil {
		return nil, err
	}
	defer s.close()
	runs, err := s.list().ListRuns(ctx, store.Filter{})
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if set, ok := e.bundleOf(r.Dir); ok {
			used[set] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(e.conf.Home, "catalog", "*", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var followed s3sync.Followed
		var good map[string]catalog.Entry
		switch {
		case json.Unmarshal(src, &good) == nil:
			for _, entry := range good {
				used[entry.Set] = true
			}
		case json.Unmarshal(src, &followed) == nil:
			used[followed.Set] = true
		}
	}
	return used, nil
}

// bundleOf tells of which set a folder is part of the bundle.
func (e *env) bundleOf(dir string) (set string, ok bool) {
	rel, err := filepath.Rel(e.bundles().Dir, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return "", false
	}
	set, _, _ = strings.Cut(filepath.ToSlash(rel), "/")
	return set, true
}

// currentBundle finds the version in force of a DAG whose run began with a bundle.
func (e *env) currentBundle(row store.Run) (string, error) {
	if !remote(e.conf.DAGs) && !e.hasServed(e.conf.DAGs) {
		return "", fmt.Errorf("cannot find the current version of %s: its files came from a bucket, and neither WEFT_DAGS nor weft.yaml names one", row.DAG)
	}
	c, err := e.inForce(context.Background())
	if err != nil {
		return "", err
	}
	entry, ok := c.Now().Entries[row.DAG]
	if !ok {
		return "", fmt.Errorf("cannot find the current version of %s: nothing in %s has that id", row.DAG, e.conf.DAGs)
	}
	e.tellStale(c, entry)
	return c.File(entry), nil
}

// hasServed tells whether a server has kept versions of a folder here: else a bundle is of a bucket.
func (e *env) hasServed(folder string) bool {
	c, _, err := e.openFolder(folder)
	if err != nil {
		return false
	}
	_, err = os.Stat(c.Memory)
	return err == nil
}

// inForce reads which versions of the DAGs are in force now.
func (e *env) inForce(ctx context.Context) (*catalog.Catalog, error) {
	if remote(e.conf.DAGs) {
		return e.refresh(ctx, e.conf.DAGs)
	}
	c, _, err := e.openFolder(e.conf.DAGs)
	if err != nil {
		return nil, err
	}
	_, err = c.Refresh(ctx)
	return c, err
}
