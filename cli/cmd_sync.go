package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"weft/awsconf"
	"weft/s3sync"
)

func syncCommand(e *env) *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "sync FROM TO",
		Short: "publish a folder of DAGs to S3, or fetch what is published",
		Long: `Make s3://BUCKET/PREFIX show a folder, or a folder show what is published there.

A folder is validated first, and nothing broken is published. Whoever reads the prefix
with weft has the old set or the new one, never half of each; other tools find every file
as an object of its own, as soon as the command is done. .weftignore (the syntax of
gitignore) names what is not published; hidden files are not, and links are not followed.

What is gone from FROM goes from TO (--delete=false keeps it). If that is more than 30 %
of what is there, or what weft sync has not put there, it asks first; --yes is an answer.`,
		Example: `  weft sync dags s3://acme-data/dags
  weft sync dags s3://acme-data/dags --plan
  weft sync --status dags s3://acme-data/dags
  weft sync s3://acme-data/dags dags`,
		Args: exactArgs(2, "name a folder and s3://BUCKET/PREFIX, in the order from, to"),
		RunE: func(_ *cobra.Command, args []string) error { return e.sync(args[0], args[1], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "the AWS profile whose credentials are used (default AWS_PROFILE)")
	f.StringVar(&o.owner, "bucket-owner", "", "the account, 12 digits, that the bucket must belong to")
	f.BoolVar(&o.plan, "plan", false, "show what would change, and change nothing")
	f.BoolVar(&o.remove, "delete", true, "remove from TO what FROM does not have")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.json, "json", false, "one JSON object, on one line; with --watch one for each change")
	f.BoolVar(&o.watch, "watch", false, "go on, and follow each change")
	f.BoolVar(&o.status, "status", false, "tell whether both show the same; exit code 1 if not")
	sandboxFlag(e, cmd, "S3 is the sandbox of runs with --sandbox: no account, no network")
	return cmd
}

type syncOptions struct {
	profile, owner                         string
	plan, remove, yes, json, watch, status bool
}

// A syncing is one call of weft sync.
type syncing struct {
	*env
	o     syncOptions
	place s3sync.Place
	dir   string // absolute
	shown string // as it was named
	up    bool   // from the folder to the bucket
}

func (e *env) sync(from, to string, o syncOptions) error {
	s := &syncing{env: e, o: o, shown: from, up: true}
	uri := to
	switch {
	case remote(from) && remote(to):
		return usagef("cannot sync a bucket with a bucket: one of %s and %s must be a folder", from, to)
	case !remote(from) && !remote(to):
		return usagef("cannot sync a folder with a folder: one of %s and %s must be s3://BUCKET/PREFIX", from, to)
	case remote(from):
		s.up, s.shown, uri = false, to, from
	}
	if o.owner != "" && !isAccount(o.owner) {
		return usagef("cannot use --bucket-owner %q: an account has 12 digits", o.owner)
	}
	if o.status && (o.plan || o.watch) || o.plan && o.watch {
		return usagef("cannot use --plan, --status and --watch together")
	}
	dir, err := filepath.Abs(s.shown)
	if err != nil {
		return fmt.Errorf("cannot find the folder %s: %w", s.shown, err)
	}
	s.dir = dir
	if s.up || o.status {
		if err := isFolder(s.shown); err != nil {
			return err
		}
	}
	if e.sandbox {
		box, err := openSession(e.conf, true)
		if err != nil {
			return err
		}
		defer box.close()
		if err := e.startSandbox(box); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if s.place, err = place(ctx, uri, o.profile, o.owner); err != nil {
		return err
	}
	return s.end(ctx, s.run(ctx))
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil && os.IsNotExist(err):
		return &hinted{fmt.Errorf("cannot sync %s: there is no such folder", path), "name the folder of the DAGs first, then s3://BUCKET/PREFIX"}
	case err != nil:
		return cannotRead(path, err)
	case !info.IsDir():
		return fmt.Errorf("cannot sync %s: it is no folder", path)
	}
	return nil
}

func (s *syncing) run(ctx context.Context) error {
	switch {
	case s.o.status:
		return s.compare(ctx)
	case s.o.watch && s.up:
		return s.watchFolder(ctx)
	case s.o.watch:
		return s.watchBucket(ctx)
	case s.up:
		return s.push(ctx)
	}
	return s.pull(ctx)
}

// end adds to an error what can be done about it.
func (s *syncing) end(ctx context.Context, err error) error {
	var conflict *s3sync.ConflictError
	var mirror *s3sync.MirrorError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errInterrupted
	case errors.As(err, &conflict):
		return &hinted{err, "the same command again compares with what is there now; --plan shows it first"}
	case errors.As(err, &mirror):
		return &hinted{err, "readers that use weft have the new set; the same command again mends the mirror"}
	case awsconf.FaultOf(err) == awsconf.Denied && s.o.owner != "":
		return &hinted{err, "the bucket may belong to another account than " + s.o.owner + "; docs/aws.md has the permissions that sync needs"}
	case awsconf.FaultOf(err) == awsconf.Denied:
		return &hinted{err, "docs/aws.md has the permissions that sync needs; a bucket of that name may also be another account's"}
	}
	return err
}

// by names the publisher to others.
func by() string {
	host, err := os.Hostname()
	if err != nil {
		return userName()
	}
	return userName() + "@" + host
}

// allowed asks about what is doubtful.
func (s *syncing) allowed(doubt string) error {
	if doubt == "" || s.o.yes {
		return nil
	}
	if s.someoneThere() && !s.o.json && s.agreed(doubt+"; is that meant?") {
		return nil
	}
	return &hinted{errors.New("cannot sync without being asked to: " + doubt), "--plan shows it; --yes does it; --delete=false removes nothing"}
}

// each calls step once a while until ctx ends, and says what fails: who watches goes on.
func (s *syncing) each(ctx context.Context, every time.Duration, step func(context.Context) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	said := ""
	for {
		err := step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := ""
		if err != nil {
			now = err.Error()
		}
		if now != said && err != nil && !errors.Is(err, errProblems) {
			s.complain(s.end(ctx, err))
		}
		said = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// home is weft's state, if it lies in the folder: it is no part of it.
func (s *syncing) home() string {
	if rel, err := filepath.Rel(s.dir, s.conf.Home); err == nil && filepath.IsLocal(rel) {
		return filepath.Join(s.dir, rel)
	}
	return ""
}

// count is a number of things: "1 file", "2 files".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%s %s", grouped(n), what)
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := fmt.Sprint(n)
	var out strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(r)
	}
	return out.String()
}
