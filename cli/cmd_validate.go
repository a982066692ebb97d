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
	for _, f := range all {
		ds = append(ds, f.ds...)
		sources[f.file] = f.src
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

// A finding is what is left of a file once it is checked: a folder may hold thousands, and the tree
// of each is a hundred times its text.
type finding struct {
	file string
	src  []byte
	ds   []spec.Diagnostic
	id   string    // "" if nothing could be made of the file
	at   spec.Span // where the id is written; zero if the file's name is it
}

func findingOf(c checked) finding {
	f := finding{file: c.file, src: c.src, ds: c.ds}
	if c.dag == nil {
		return f
	}
	f.id = c.dag.ID()
	if n := c.dag.Node().Get("id"); n != nil {
		f.at = c.dag.Place(n)
	}
	return f
}

// checkAll checks files side by side; the answers are in their order. The errors tell of files that
// could not be read.
func (e *env) checkAll(files []string) ([]finding, []error) {
	// What is made of a file is garbage when the next one begins, so to collect it five times less
	// often costs a few megabytes and saves a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(500))
	results, errs := make([]finding, len(files)), make([]error, len(files))
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
				results[i], errs[i] = findingOf(c), err
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	read := make([]finding, 0, len(files))
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

// sameIDs tells of ids that stand in more than one file: an error in each of them.
func sameIDs(all []finding) []spec.Diagnostic {
	byID := map[string][]finding{}
	for _, f := range all {
		if f.id != "" {
			byID[f.id] = append(byID[f.id], f)
		}
	}
	var out []spec.Diagnostic
	for _, f := range all {
		if len(byID[f.id]) < 2 {
			continue
		}
		d := spec.Diagnostic{
			Code: spec.SameID, Severity: spec.Error, File: f.file,
			Line: f.at.Line, Column: f.at.Col, EndLine: f.at.EndLine, EndColumn: f.at.EndCol,
			Message: fmt.Sprintf("the id %q is that of another file too", f.id), Label: "an id names one DAG",
		}
		if f.at == (spec.Span{}) {
			d.EndLine, d.EndColumn = 1, 1
			d.Notes = append(d.Notes, spec.Note{Kind: "note", Text: "without the key id, the file's name is the id"})
		}
		for _, other := range byID[f.id] {
			if other.file != f.file {
				d.Related = append(d.Related, spec.Related{File: other.file, Line: other.at.Line, Column: other.at.Col, Text: "here too"})
			}
		}
		out = append(out, d)
	}
	return out
}
