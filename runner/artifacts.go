package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// A keeping is an artifact that is to be kept once the attempt has succeeded.
type keeping struct{ name, path string }

// planArtifacts renders the artifacts' paths, before the plugin starts: a mistake in one is found
// before hours of work, not after, and so is a handoff that names no place. A path that an expression
// gives stays below the scratch folder.
func (a *attempt) planArtifacts() error {
	for _, v := range a.o.Task.Artifacts {
		path, err := a.renderText(v.Value)
		switch {
		case err != nil:
		case path == "" || strings.ContainsRune(path, 0) || slices.Contains(strings.Split(path, "/"), ".."):
			err = fmt.Errorf("its path is %q (it lies below $WEFT_TMPDIR)", path)
		case filepath.IsAbs(path) && expr.HasExpr(v.Value):
			err = fmt.Errorf("an expression gives the absolute path %q (write such a path as it is, or one below $WEFT_TMPDIR)", path)
		}
		if err != nil {
			return plugins.Errorf(plugins.BadInput, "%scannot keep artifact %s: %w", a.place(v.Pos), v.Name, err)
		}
		a.kept = append(a.kept, keeping{v.Name, path})
	}
	if len(a.kept) == 0 {
		return nil
	}
	if _, err := a.x.place(a.o); err != nil {
		return &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	return nil
}

// keepArtifacts copies the artifacts of an attempt that has succeeded into the handoff. What is
// wrong with one is `remote`, what the work gave back: a retry may give something else.
func (a *attempt) keepArtifacts(ctx context.Context) ([]machine.Artifact, error) {
	if len(a.kept) == 0 {
		return nil, nil
	}
	b, err := a.x.place(a.o)
	if err != nil {
		return nil, &plugins.Error{Kind: plugins.BadInput, Err: err}
	}
	list := make([]machine.Artifact, 0, len(a.kept))
	for _, k := range a.kept {
		one, err := a.keepArtifact(ctx, guarded{b, a, "artifact " + k.name}, k)
		if err != nil {
			return nil, a.notKept(ctx, k, err)
		}
		list = append(list, one)
	}
	return list, nil
}

func (a *attempt) keepArtifact(ctx context.Context, b handoff.Backend, k keeping) (machine.Artifact, error) {
	src := handoff.Source{Path: k.path, Skip: weftsOwn}
	var err error
	if filepath.IsAbs(k.path) {
		src, err = outside(k.path)
	} else {
		src.Root, err = a.openScratch()
	}
	if err != nil {
		return machine.Artifact{}, err
	}
	defer src.Root.Close()
	return handoff.Keep(ctx, b, strings.TrimSuffix(handoffKey(a.o, ""), "/"), k.name, src)
}

// notKept says why an artifact was not kept.
func (a *attempt) notKept(ctx context.Context, k keeping, err error) error {
	if ctx.Err() != nil {
		return stopped(context.Cause(ctx))
	}
	var secret *plugins.Error
	if errors.As(err, &secret) {
		return secret
	}
	var unfit *handoff.UnfitError
	if !errors.As(err, &unfit) {
		return plugins.Errorf(notPut(err), "cannot keep artifact %s: %w", k.name, err)
	}
	e := plugins.Errorf(plugins.Remote, "cannot keep artifact %s: %w", k.name, err)
	if !filepath.IsAbs(k.path) {
		e.Hint = "paths of artifacts are below $WEFT_TMPDIR"
	}
	return e
}

// openScratch opens the scratch folder; what the work has put in its place is not that.
func (a *attempt) openScratch() (*os.Root, error) {
	info, err := os.Lstat(a.scratch.dir)
	if err != nil || !info.IsDir() {
		return nil, &handoff.UnfitError{Path: "$WEFT_TMPDIR", Why: "is no folder any more", Err: err}
	}
	return os.OpenRoot(a.scratch.dir)
}

// outside finds what an absolute path in the DAG's file names: the author's word, links and all.
func outside(path string) (handoff.Source, error) {
	full, err := filepath.EvalSymlinks(path)
	var root *os.Root
	if err == nil {
		root, err = os.OpenRoot(filepath.Dir(full))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return handoff.Source{}, &handoff.UnfitError{Path: path, Why: "is not there", Err: err}
	case err != nil:
		return handoff.Source{}, &handoff.UnfitError{Path: path, Why: "cannot be read: " + bare(err).Error(), Err: err}
	}
	return handoff.Source{Root: root, Path: filepath.Base(full)}, nil
}

// weftsOwn tells of names in the scratch folder that weft uses itself: $WEFT_OUTPUT and its like are
// part of no artifact.
func weftsOwn(name string) bool { return strings.HasPrefix(name, ".weft_") }

// A guarded backend takes nothing that holds a secret: no file, no file's name, no link's target.
type guarded struct {
	handoff.Backend
	attempt *attempt
	what    string
}

// Put implements handoff.Backend. What a file holds is read twice where the task has secrets: before
// it is known to hold none, no byte of it may be anywhere.
func (g guarded) Put(ctx context.Context, key string, r io.Reader, size int64) (machine.Ref, error) {
	body, ok := r.(io.ReadSeeker)
	if !ok && g.attempt.mask != nil {
		return machine.Ref{}, plugins.Errorf(plugins.Internal, "cannot keep %s: it cannot be read twice", g.what)
	}
	if ok {
		for _, part := range []io.ReadSeeker{strings.NewReader(key), body} {
			if err := g.attempt.mayKeep(g.what, part); err != nil {
				return machine.Ref{}, err
			}
		}
	}
	return g.Backend.Put(ctx, key, r, size)
}
