package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"weft/diag"
	"weft/spec"
)

func validateCommand(e *env) *cobra.Command {
	var o validateOptions
	cmd := &cobra.Command{
		Use:   "validate [PATH...]",
		Short: "check DAG files, and say what to write instead",
		Long: `Check DAG files, folders of them, or - for what comes in on stdin; without a path,
the DAGs folder. Nothing is run.

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
	files, err := e.gather(paths)
	if err != nil {
		return err
	}
	all, broken := e.checkAll(files)
	ds := sameIDs(all)
	sources := map[string][]byte{}
	for _, c := range all {
		ds = append(ds, c.ds...)
		sources[c.file] = c.src
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
func (e *env) checkAll(files []string) ([]checked, []error) {
	results, errs := make([]checked, len(files)), make([]error, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				if files[i] == "-" {
					results[i], errs[i] = e.checkStdin()
				} else {
					results[i], errs[i] = e.check(files[i])
				}
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	read := make([]checked, 0, len(files))
	for i, c := range results {
		if errs[i] == nil {
			read = append(read, c)
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

// sameIDs tells of ids that stand in more than one file: an error in each of them.
func sameIDs(all []checked) []spec.Diagnostic {
	byID := map[string][]checked{}
	for _, c := range all {
		if c.dag != nil && c.dag.ID() != "" {
			byID[c.dag.ID()] = append(byID[c.dag.ID()], c)
		}
	}
	var out []spec.Diagnostic
	for _, c := range all {
		if c.dag == nil || len(byID[c.dag.ID()]) < 2 {
			continue
		}
		d := spec.Diagnostic{
			Code: spec.SameID, Severity: spec.Error, File: c.file, Line: 1, Column: 1, EndLine: 1, EndColumn: 1,
			Message: fmt.Sprintf("the id %q is that of another file too", c.dag.ID()), Label: "an id names one DAG",
		}
		if n := c.dag.Node().Get("id"); n != nil {
			at := c.dag.Place(n)
			d.Line, d.Column, d.EndLine, d.EndColumn = at.Line, at.Col, at.EndLine, at.EndCol
		} else {
			d.Line, d.Column = 0, 0
			d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: "without the key id, the file's name is the id"})
		}
		for _, other := range byID[c.dag.ID()] {
			if other.file != c.file {
				d.Related = append(d.Related, related(other))
			}
		}
		out = append(out, d)
	}
	return out
}

func related(c checked) spec.Related {
	r := spec.Related{File: c.file, Text: "here too"}
	if n := c.dag.Node().Get("id"); n != nil {
		at := c.dag.Place(n)
		r.Line, r.Column = at.Line, at.Col
	}
	return r
}
