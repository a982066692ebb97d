package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
for what comes in on stdin; without a path, the DAGs folder. Nothing is run. A weft.yaml
that is named is checked as settings.

Each finding has a code: weft explain CODE tells more. A warning is silenced by a
comment with its reason, "# weft: ignore[CODE] why", at the end of its line or
alone above it; "ignore-file" holds for the whole file. diagnostics in weft.yaml
says by code what is off, info, warning or error. What keeps a DAG from running
can be neither silenced nor set.

--shellcheck, or shellcheck in weft.yaml, asks that program about scripts too (X609,
warnings at most), about many at once; what it says is kept in the state folder.
Without a word of either nobody is asked, so that each machine finds the same.

--fix writes what cannot change what already works: misspelt names, quotes,
truth, tabs. It keeps everything else byte for byte. With - the fixed text goes to
stdout, and the findings to stderr. --diff shows what --fix would do.

Exit code 1 if there is an error left (with --strict: or a warning; with --diff: or
something to fix), 3 if a file cannot be read or written.`,
		Example: `  weft validate
  weft validate dags/nightly.yaml --strict
  weft validate --fix
  weft validate --format sarif > weft.sarif
  git show HEAD:dags/nightly.yaml | weft validate - --stdin-filename dags/nightly.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.formatted = cmd.Flags().Changed("format")
			e.lint = e.findLinter(cmd.Context())
			return e.validate(args, o)
		},
	}
	formats := choices(diag.Formats, func(f diag.Format) string { return f.Name })
	cmd.Flags().StringVar(&o.format, "format", diag.Formats[0].Name, formats)
	cmd.Flags().BoolVar(&o.strict, "strict", false, "warnings fail too")
	cmd.Flags().BoolVar(&o.fix, "fix", false, "apply the fixes, and say what is left")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show what --fix would change, and change nothing")
	cmd.Flags().StringVar(&e.shellcheck, "shellcheck", "", "ask shellcheck about scripts: off, auto (where it is installed), on (default off, or WEFT_SHELLCHECK)")
	cmd.Flags().Lookup("shellcheck").NoOptDefVal = "on"
	cmd.Flags().StringVar(&o.stdinName, "stdin-filename", "", "the file that stdin stands for: its path, id and folder")
	_ = cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, f := range diag.Formats {
			list = append(list, f.Name+"\t"+f.Title)
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

type validateOptions struct {
	format    string
	formatted bool // format was given
	strict    bool
	fix, diff bool
	stdinName string
}

// usable refuses flags that contradict each other.
func (o validateOptions) usable(paths []string) error {
	switch stdin := slices.Contains(paths, stdinPath); {
	case o.stdinName != "" && !stdin:
		return usagef("--stdin-filename names what - reads: weft validate - --stdin-filename %s", o.stdinName)
	case o.diff && o.formatted:
		return usagef("--diff writes a diff: leave out --format, or --diff")
	}
	return nil
}

func (e *env) validate(paths []string, o validateOptions) error {
	at := slices.IndexFunc(diag.Formats, func(f diag.Format) bool { return f.Name == o.format })
	if at < 0 {
		return usagef("there is no format %q: choose from %s", o.format, choices(diag.Formats, func(f diag.Format) string { return f.Name }))
	}
	if err := o.usable(paths); err != nil {
		return err
	}
	paths, settings, err := e.checkSettings(paths, o.stdinName)
	if err != nil {
		return err
	}
	if settings > 0 && len(paths) == 0 {
		v := verdict{env: e, options: o, format: diag.Formats[at], out: e.stdout}
		return v.settled(settings)
	}
	local, buckets := splitPaths(paths, e.conf.DAGs)
	if (o.diff || o.fix) && len(buckets) > 0 {
		return usagef("--fix and --diff are for files of this machine: fix those, then weft sync publishes them")
	}
	var all []finding
	var broken []error
	if len(local) > 0 || len(buckets) == 0 {
		files, absent := e.gather(local, o.stdinName)
		switch {
		case len(files) > 0:
		case len(absent) > 0:
			for _, err := range absent[1:] {
				e.complain(err)
			}
			return absent[0]
		case len(buckets) == 0:
			return &hinted{errors.New("cannot find any DAGs in " + e.lookedIn(local)), "they are files NAME.yaml or NAME.yml; weft init makes a first one"}
		}
		all, broken = e.checkAll(files)
		broken = append(absent, broken...)
	}
	for _, uri := range buckets {
		found, err := e.checkBucket(uri)
		if err != nil {
			return err
		}
		for _, f := range found {
			all = append(all, finding{Finding: f})
		}
	}
	v := verdict{env: e, options: o, format: diag.Formats[at], out: e.stdout, broken: broken, whole: e.whole(local, buckets)}
	switch {
	case o.diff:
		return v.diff(all)
	case o.fix:
		all = v.fix(all)
	}
	if err := v.report(all); err != nil {
		return err
	}
	return v.end(all)
}

// lookedIn says where DAGs were looked for.
func (e *env) lookedIn(paths []string) string {
	if len(paths) == 0 {
		paths = []string{e.conf.DAGs}
	}
	list := make([]string, len(paths))
	for i, p := range paths {
		list[i] = shown(p)
	}
	return strings.Join(list, ", ")
}

// A verdict is what one call of validate comes to.
type verdict struct {
	*env
	options validateOptions
	format  diag.Format
	out     io.Writer // of the findings
	broken  []error   // what could not be read or written
	whole   bool      // the files are all that there are
	fixed   mended
}

// A mended counts what was fixed.
type mended struct{ problems, files int }

// findings are those of all files, in their order; whole tells that there are no others.
func findings(all []finding, whole bool) []spec.Diagnostic {
	found := make([]catalog.Finding, len(all))
	var ds []spec.Diagnostic
	for i, f := range all {
		found[i], ds = f.Finding, append(ds, f.Diagnostics...)
	}
	ds = append(ds, catalog.SameIDs(found)...)
	ds = append(ds, catalog.Neighbours(found, whole)...)
	diag.Sort(ds)
	return ds
}

// report writes the findings, and a summary where the format has room for one.
func (v *verdict) report(all []finding) error {
	ds := findings(all, v.whole)
	sources := map[string][]byte{}
	for _, f := range all {
		sources[f.File] = f.Source
	}
	opts := diag.Options{
		Source: func(f string) []byte { return sources[f] }, Color: v.colorOn(v.out),
		Path: repositoryPath(), Version: thisBuild().Version,
	}
	if err := v.format.Write(v.out, ds, opts); err != nil {
		return err
	}
	if v.format.Document {
		return nil
	}
	text := diag.Summary(ds, len(all), "--fix") + v.lint.said() + "\n"
	if v.fixed.problems > 0 {
		text = fmt.Sprintf("%s fixed in %s\n", counted(v.fixed.problems, "problem", "problems"), counted(v.fixed.files, "file", "files")) + text
	}
	if len(ds) > 0 && v.options.format == diag.Formats[0].Name {
		text = "\n" + text
	}
	if _, err := io.WriteString(v.out, text); err != nil {
		return fmt.Errorf("cannot write the findings: %w", err)
	}
	return nil
}

// end says how it went, by the exit code.
func (v *verdict) end(all []finding) error {
	if len(v.broken) > 0 {
		for _, err := range v.broken {
			v.complain(err)
		}
		return errSome
	}
	if v.fails(findings(all, v.whole)) {
		return errProblems
	}
	return nil
}

func (v *verdict) fails(ds []spec.Diagnostic) bool {
	return hasError(ds) || v.options.strict && slices.ContainsFunc(ds, func(d spec.Diagnostic) bool { return d.Severity == spec.Warning })
}

// repositoryPath names files as a service sees them that has the whole repository: GitHub Actions says
// where that is, and a step may work in a folder of it. nil = as they are.
func repositoryPath() func(string) string {
	root := os.Getenv("GITHUB_WORKSPACE")
	if root == "" {
		return nil
	}
	return func(file string) string {
		abs, err := filepath.Abs(file)
		if err != nil {
			return file
		}
		if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
			return rel
		}
		return file
	}
}
