package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"weft/catalog"
	"weft/diag"
	"weft/s3sync"
	"weft/spec"
)

// push publishes the folder.
func (s *syncing) push(ctx context.Context) error {
	tree, err := s3sync.Scan(ctx, s.dir, s.home(), nil)
	if err != nil {
		return err
	}
	return s.pushTree(ctx, tree)
}

func (s *syncing) pushTree(ctx context.Context, tree *s3sync.Tree) error {
	for _, n := range tree.LeftOut {
		fmt.Fprintln(s.stderr, n)
	}
	warnings, err := s.validate(tree)
	if err != nil {
		return err
	}
	plan, err := s.place.Plan(ctx, tree, s3sync.Options{KeepRemoved: !s.o.remove, By: by()})
	if err != nil {
		return err
	}
	said := s.saying(plan.Diff, tree.LeftOut)
	said.Removed = append(slices.Clone(said.Removed), plan.Strangers...)
	said.Files, said.Warnings, said.Doubt = len(tree.Files), warnings, plan.Doubt()
	said.from(plan.Base)
	if s.o.plan {
		return s.say(said)
	}
	if err := s.allowed(said.Doubt); err != nil {
		return err
	}
	res, err := plan.Carry(ctx)
	said.Published = res.Published
	said.from(res.Manifest)
	said.Mirrored = res.Mirrored
	said.Mended = plan.MirrorBehind && !res.Published
	if err != nil {
		return err
	}
	return s.say(said)
}

// validate refuses to publish what is broken. It returns how many warnings there are.
func (s *syncing) validate(tree *s3sync.Tree) (warnings int, err error) {
	show := func(path string) string { return shown(filepath.Join(s.shown, filepath.FromSlash(path))) }
	files := catalog.Files(tree.Files, s.dir, show)
	found, _, err := s.checker().Check(files)
	if err != nil {
		return 0, err
	}
	ds := append(catalog.SameIDs(found), catalog.Neighbours(found, true)...)
	var bad []spec.Diagnostic
	for _, f := range found {
		ds = append(ds, f.Diagnostics...)
	}
	for _, d := range ds {
		switch d.Severity {
		case spec.Error:
			bad = append(bad, d)
		case spec.Warning:
			warnings++
		}
	}
	if len(bad) == 0 {
		return warnings, nil
	}
	diag.Sort(bad)
	source := func(file string) []byte {
		src, _ := os.ReadFile(file) // without it the place is shown alone
		return src
	}
	if err := diag.Text(s.stderr, bad, diag.Options{Source: source, Color: s.colorOn(s.stderr)}); err != nil {
		return 0, err
	}
	fmt.Fprintf(s.stderr, "\n%s; nothing is published\n", diag.Summary(bad, len(files), "weft validate --fix"))
	return 0, errProblems
}
