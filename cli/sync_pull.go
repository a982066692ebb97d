package cli

import (
	"context"
	"errors"
	"fmt"

	"weft/s3sync"
)

// pull has the folder show what is published.
func (s *syncing) pull(ctx context.Context) error {
	pull, err := s.place.Pull(ctx, s.dir, s3sync.Options{KeepRemoved: !s.o.remove}, s.home(), settle)
	if err != nil {
		return err
	}
	defer pull.Close()
	s.tellOfPull(pull)
	said := s.saying(pull.Diff, pull.LeftOut)
	said.Doubt = pull.Doubt()
	said.from(pull.From)
	if s.o.plan {
		return s.say(said)
	}
	if err := s.allowed(said.Doubt); err != nil {
		return err
	}
	if err := pull.Carry(ctx); err != nil {
		return err
	}
	return s.say(said)
}

func (s *syncing) tellOfPull(pull *s3sync.Pull) {
	for _, n := range pull.LeftOut {
		fmt.Fprintln(s.stderr, n)
	}
	if pull.From == nil {
		fmt.Fprintf(s.stderr, "%s %s\n", s.place, listingDoubt)
	}
}

// compare tells whether folder and prefix show the same. The answer reads as what a sync in the order
// of the arguments would do.
func (s *syncing) compare(ctx context.Context) error {
	if !s.up {
		pull, err := s.place.Pull(ctx, s.dir, s3sync.Options{}, s.home(), settle)
		if err != nil {
			return err
		}
		defer pull.Close()
		s.tellOfPull(pull)
		said := s.saying(pull.Diff, pull.LeftOut)
		said.from(pull.From)
		return s.verdict(said)
	}
	tree, err := s3sync.Scan(ctx, s.dir, s.home(), nil)
	if err != nil {
		return err
	}
	plan, err := s.place.Plan(ctx, tree, s3sync.Options{})
	if err != nil {
		return err
	}
	said := s.saying(plan.Diff, tree.LeftOut)
	said.Removed = append(said.Removed, plan.Strangers...)
	said.from(plan.Base)
	said.Behind = plan.MirrorBehind
	if said.Drift, err = plan.Drift(ctx); err != nil {
		return err
	}
	return s.verdict(said)
}

// verdict shows a comparison, and makes a difference an exit code.
func (s *syncing) verdict(said syncSaid) error {
	if err := s.say(said); err != nil {
		return err
	}
	if !said.same() {
		return errProblems
	}
	return nil
}

// watchFolder publishes whenever the folder has changed and has come to rest.
func (s *syncing) watchFolder(ctx context.Context) error {
	seen, done := "", ""
	return s.each(ctx, watchFolderEvery, func(ctx context.Context) error {
		tree, err := s3sync.Scan(ctx, s.dir, s.home(), nil)
		if err != nil {
			return err
		}
		now := s3sync.SetOf(tree.Files)
		calm := now == seen || done == ""
		seen = now
		if !calm || now == done {
			return nil
		}
		err = s.pushTree(ctx, tree)
		if err == nil || errors.Is(err, errProblems) { // what is broken is broken until it changes
			done = now
		}
		return err
	})
}

// watchBucket fetches whenever something new is published.
func (s *syncing) watchBucket(ctx context.Context) error {
	tag := ""
	return s.each(ctx, watchBucketEvery, func(ctx context.Context) error {
		m, err := s.place.Manifest(ctx, tag)
		switch {
		case errors.Is(err, s3sync.ErrUnchanged):
			return nil
		case err != nil && !errors.Is(err, s3sync.ErrNoManifest):
			return err
		}
		if err := s.pull(ctx); err != nil {
			return err
		}
		tag = m.Tag
		return nil
	})
}
