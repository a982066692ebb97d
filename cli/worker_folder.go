package cli

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"weft/handoff"
	"weft/runner/temporal"
	"weft/s3sync"
)

// workerFolders finds the folders of DAGs on a worker's machine.
type workerFolders struct {
	e      *env
	place  string // URI of the handoff
	values handoff.Backend

	mu sync.Mutex // one set is fetched at a time
}

// find is the folder of a DAG's file: of a set that came from a bucket its bundle, fetched if need be from that bucket or, if
// that has another set by now, from the handoff; else the folder itself, which must be there.
func (f *workerFolders) find(ctx context.Context, from temporal.Source) (string, error) {
	here := func(dir string) bool {
		info, err := os.Stat(dir)
		return err == nil && info.IsDir()
	}
	if from.Set == "" {
		if !here(from.Dir) {
			return "", fmt.Errorf("cannot find the folder of the DAG: %s is not on this machine, and it is in no bucket (weft sync push publishes a folder; --dags s3://BUCKET/PREFIX serves it)", from.Dir)
		}
		return from.Dir, nil
	}
	bundles := f.e.bundles()
	dir := filepath.Join(bundles.Path(from.Set), filepath.FromSlash(from.Sub))
	f.mu.Lock()
	defer f.mu.Unlock()
	if here(dir) {
		return dir, nil
	}
	if here(from.Dir) {
		return from.Dir, nil
	}
	kept := fetchBundle(ctx, f.values, f.place, bundles, from.Set)
	if kept == nil && here(dir) {
		return dir, nil
	}
	if from.Bucket == "" {
		return "", fmt.Errorf("cannot find the files of the DAG, set %.12s: %w", from.Set, kept)
	}
	published := f.fromBucket(ctx, from)
	if published == nil && here(dir) {
		return dir, nil
	}
	if kept == nil || published == nil { // somebody takes it away again at once
		return "", fmt.Errorf("cannot find the files of the DAG, set %.12s: %w", from.Set, cmp.Or(kept, published, fs.ErrNotExist))
	}
	return "", fmt.Errorf("cannot find the files of the DAG, set %.12s: %w; %w", from.Set, kept, published)
}

// fromBucket fetches what is published now, if that is the set.
func (f *workerFolders) fromBucket(ctx context.Context, from temporal.Source) error {
	p, err := place(ctx, from.Bucket, "", "")
	if err != nil {
		return err
	}
	follow := &s3sync.Follower{
		Place: p, Bundles: f.e.bundles(), State: filepath.Join(f.e.memoryOf(p.String()), "worker.json"), Settle: settle, Now: time.Now,
	}
	if _, err := follow.Next(ctx); err != nil {
		return err
	}
	if last := follow.Last(); last == nil || last.Set != from.Set {
		return fmt.Errorf("%s has another set by now", from.Bucket)
	}
	return nil
}
