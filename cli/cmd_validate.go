package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"weft/catalog"
	"weft/diag"
	"weft/spec"
)

func validateCommand(e *env) *cobra.Command {
	var o validateOptions
	cmd := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "check DAG files, and say what to write instead",
		Long: `Check DAG files, folders of them, s3://BUCKET/PREFIX for what is published there, or -
for what comes in on stdin; without a path, the DAGs folder. Nothing is run.

Exit code 1 if there is an error (with --strict: or a warning).`,
		Example: `  weft validate
  weft validate dags/nightly.yaml --strict
  git show HEAD:dags/nightly.yaml | weft validate - --format oneline`,
		RunE: func(_ *cobra.Command, args []string) error { return e.validate(args, o) },
	}
	names := choices(diag.Formats, func(f diag.Format) string { return f.Name })
	cmd.Flags().StringVar(&o.format, "format", diag.Formats[0].Name, names)
	cmd.Flags().BoolVar(&o.strict, "strict", false, "warnings fail too")
	return cmd
}

type validateOptions struct {
	format string
	strict bool
}

func (e *env) validate(paths []string, o validateOptions) error {
	at := slices.IndexFunc(diag.Formats, func(f diag.Format) bool { return f.Name == o.format })
	if at < 0 {
		return usagef("there is no format %q: choose from %s", o.format, choices(diag.Formats, func(f diag.Format) string { return f.Name }))
	}
	local, remote := splitPaths(paths, e.conf.DAGs)
	var all []catalog.Finding
	var broken []error
	if len(local) > 0 || len(remote) == 0 {
		files, err := e.gather(local)
		if err != nil {
			return err
		}
		all, broken = e.checkAll(files)
	}
	for _, uri := range remote {
		found, err := e.checkBucket(uri)
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	ds := catalog.SameIDs(all)
	sources := map[string][]byte{}
	for _, f := range all {
		ds = append(ds, f.Diagnostics...)
		sources[f.File] = f.Source
	}
	diag.Sort(ds)
	opts := diag.Options{Source: func(f string) []byte { return sources[f] }, Color: e.color}
	if err := diag.Formats[at].Write(e.stdout, ds, opts); err != nil {
		return err
	}
	if o.format != "json" {
		gap := ""
		if len(ds) > 0 && o.format == "text" {
			gap = "\n"
		}
		if _, err := fmt.Fprintf(e.stdout, "%s%s\n", gap, diag.Summary(ds, len(all))); err != nil {
			return fmt.Errorf("cannot write the findings: %w", err)
		}
	}
	switch {
	case len(broken) > 0:
		for _, err := range broken {
			e.complain(err)
		}
		return errSome
	case hasError(ds), o.strict && slices.ContainsFunc(ds, func(d spec.Diagnostic) bool { return d.Severity == spec.Warning }):
		return errProblems
	}
	return nil
}

// gather lists the files that paths name, each once; a file that is named is checked whatever it
// is called.
func (e *env) gather(paths []string) ([]string, error) {
	if len(paths) == 0 {
		paths = []string{e.conf.DAGs}
	}
	var files []string
	for _, p := range paths {
		if p == "-" {
			files = append(files, p)
			continue
		}
		info, err := os.Stat(p)
		switch {
		case err == nil && !info.IsDir():
			files = append(files, p)
		case err == nil || p == e.conf.DAGs: // of a DAGs folder that is not there, dagFiles knows what to do
			below, err := dagFiles(p)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		default:
			return nil, cannotRead(p, err)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(f string) bool {
		twice := seen[shown(f)]
		seen[shown(f)] = true
		return twice
	}), nil
}

// checkAll checks files side by side; the answers are in their order. The errors tell of files that
// could not be read.
func (e *env) checkAll(files []string) ([]catalog.Finding, []error) {
	// What is made of a file is garbage when the next one begins, so to collect it five times less
	// often costs a few megabytes and saves a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(500))
	results, errs := make([]catalog.Finding, len(files)), make([]error, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				check := e.check
				if files[i] == "-" {
					check = func(string) (checked, error) { return e.checkStdin() }
				}
				c, err := check(files[i])
				results[i], errs[i] = catalog.Found(c.file, c.src, c.dag, c.ds), err
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	read := make([]catalog.Finding, 0, len(files))
	for i, f := range results {
		if errs[i] == nil {
			read = append(read, f)
		}
	}
	return read, slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func (e *env) checkStdin() (checked, error) {
	src, err := io.ReadAll(io.LimitReader(e.stdin, maxDAG))
	if err != nil {
		return checked{}, fmt.Errorf("cannot read stdin: %w", err)
	}
	return e.checkSource("stdin", ".", src), nil
}
