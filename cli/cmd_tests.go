package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"weft/catalog"
	"weft/diag"
	"weft/rehearse"
	"weft/schema"
	"weft/spec"
)

func testCommand(e *env) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "play the cases of NAME.test.yaml: no process, no file, no network, no waiting",
		Long: `Play the cases of test files (NAME.test.yaml beside NAME.yaml), of DAGs, or of folders;
without a path, all below the DAGs folder. A case says how tasks go and what shall become
of the run. The engine itself plays it, in virtual time, and nothing is done: no process,
no file, no network.

Exit code 1 if a case fails, or a test file has problems.`,
		Example: `  weft test
  weft test dags/nightly.yaml --run 'two of three'
  weft test --exhaustive publish dags/nightly.yaml
  weft test --format junit > report.xml`,
		RunE: func(_ *cobra.Command, args []string) error { return e.test(args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.run, "run", "", "only cases whose name matches this regular expression")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "each case, and how its run went")
	f.StringVar(&o.format, "format", testFormats[0].name, choices(testFormats, func(f testFormat) string { return f.name }))
	f.BoolVar(&o.json, "json", false, "the same as --format json")
	f.BoolVar(&o.list, "list", false, "check test files and list their cases; play none")
	f.StringVar(&o.exhaustive, "exhaustive", "", "of one DAG: what this task's trigger makes of every end of its upstream tasks")
	f.BoolVar(&o.schema, "schema", false, "print the JSON Schema of a test file, for editors")
	return cmd
}

type testOptions struct {
	run, format, exhaustive     string
	verbose, json, list, schema bool
}

// A testedFile is one test file, with all that came of it.
type testedFile struct {
	file    string
	dag     string // file of the DAG
	id      string // of the DAG
	cases   []spec.Case
	results []rehearse.Result // nil where nothing was played
	ds      []spec.Diagnostic // of the file, or of its DAG
	sources map[string][]byte
}

func (t testedFile) source(file string) []byte { return t.sources[file] }

func (t testedFile) passed() (n int) {
	for _, r := range t.results {
		if r.Passed() {
			n++
		}
	}
	return n
}

// failed counts the cases that fail; a file that cannot be read counts as one.
func (t testedFile) failed() int {
	if hasError(t.ds) {
		return max(1, len(t.results)-t.passed())
	}
	return len(t.results) - t.passed()
}

func (e *env) test(paths []string, o testOptions) error {
	if o.json {
		o.format = "json"
	}
	format := slices.IndexFunc(testFormats, func(f testFormat) bool { return f.name == o.format })
	if format < 0 {
		return usagef("there is no format %q: choose from %s", o.format, choices(testFormats, func(f testFormat) string { return f.name }))
	}
	only, err := regexp.Compile(o.run)
	if err != nil {
		return usagef("cannot read --run %q: %v", o.run, err)
	}
	switch {
	case o.schema:
		_, err := e.stdout.Write(schema.Cases())
		return err
	case o.exhaustive != "":
		return e.exhaust(paths, o)
	}
	files, err := e.gatherTests(paths)
	if err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a case is garbage when it has been played
	var all []testedFile
	for _, f := range files {
		t, err := e.testFile(f, only, o.list)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	if !slices.ContainsFunc(all, func(t testedFile) bool { return len(t.cases) > 0 || len(t.ds) > 0 }) {
		return usagef("no case matches --run %q", o.run)
	}
	if err := testFormats[format].write(e, all, o); err != nil {
		return fmt.Errorf("cannot write the results: %w", err)
	}
	if slices.ContainsFunc(all, func(t testedFile) bool { return t.failed() > 0 }) {
		return errProblems
	}
	return nil
}

// gatherTests lists the test files that paths name, each once: itself, that of a DAG, all of a folder.
func (e *env) gatherTests(paths []string) ([]string, error) {
	if len(paths) == 0 {
		paths = []string{e.conf.DAGs}
	}
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err == nil && !info.IsDir() && isTestName(filepath.Base(p)):
			files = append(files, p)
		case err == nil && info.IsDir(), p == e.conf.DAGs:
			below, err := filesBelow(p, isTestName)
			if err != nil {
				return nil, err
			}
			if len(below) == 0 {
				return nil, &hinted{fmt.Errorf("cannot find any tests in %s", shown(p)), "the tests of hello.yaml are hello.test.yaml beside it"}
			}
			files = append(files, below...)
		default:
			dag, err := findFile(p, e.conf.DAGs, e.idOf)
			if err != nil {
				return nil, err
			}
			test := testOf(dag)
			if _, err := os.Stat(test); err != nil {
				return nil, &hinted{fmt.Errorf("cannot find any tests of %s", shown(dag)), "they are " + shellWord(shown(test))}
			}
			files = append(files, test)
		}
	}
	for i, f := range files {
		files[i] = shown(f)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

const testEnding = ".test.yaml"

// isTestName tells whether a file is one of tests.
func isTestName(name string) bool {
	return strings.HasSuffix(name, testEnding) && name != testEnding && !catalog.Hidden(name)
}

// testOf is the test file of a DAG's file.
func testOf(dag string) string { return strings.TrimSuffix(dag, filepath.Ext(dag)) + testEnding }

// readTests reads a test file and the DAG beside it. dag is nil, and ds says why, if the DAG cannot be
// tested.
func (e *env) readTests(file string, src []byte) (t testedFile, dag *spec.DAG, err error) {
	t = testedFile{file: shown(file), sources: map[string][]byte{shown(file): src}}
	beside, err := besideTest(file)
	if err != nil {
		t.ds = []spec.Diagnostic{{
			Code: spec.CaseNoDAG, Severity: spec.Error, File: t.file, Line: 1, Column: 1, EndLine: 1, EndColumn: 1,
			Message: err.Error(), Notes: []spec.Note{{Kind: "help", Text: "the tests of NAME.yaml are NAME.test.yaml beside it"}},
		}}
		return t, nil, nil
	}
	c, err := e.check(beside)
	if err != nil {
		return t, nil, err
	}
	t.dag, t.sources[c.file] = c.file, c.src
	if c.failed() || c.dag == nil {
		t.ds = slices.DeleteFunc(c.ds, func(d spec.Diagnostic) bool { return d.Severity != spec.Error })
		return t, nil, nil
	}
	t.id = c.dag.ID()
	cases, ds := spec.ParseCases(t.file, src, c.dag)
	if t.ds = ds; cases != nil {
		t.cases = cases.List
	}
	return t, c.dag, nil
}

// checkCases checks a test file as weft validate does: of its DAG's own errors it says that there are some.
func (e *env) checkCases(file string, src []byte) (checked, error) {
	t, _, err := e.readTests(file, src)
	c := checked{file: t.file, src: src, ds: t.ds}
	if hasError(t.ds) && t.ds[0].File != t.file {
		c.ds = []spec.Diagnostic{{
			Code: spec.CaseNoDAG, Severity: spec.Error, File: t.file, Line: 1, Column: 1, EndLine: 1, EndColumn: 1,
			Message: "the DAG " + t.dag + " has errors: it cannot be tested",
		}}
	}
	return c, err
}

// testFile reads a test file and plays the cases that are asked for.
func (e *env) testFile(file string, only *regexp.Regexp, list bool) (testedFile, error) {
	src, err := readDAG(file)
	if err != nil {
		return testedFile{}, err
	}
	t, dag, err := e.readTests(file, src)
	if err != nil || dag == nil {
		return t, err
	}
	t.cases = slices.DeleteFunc(t.cases, func(c spec.Case) bool { return !only.MatchString(c.Name) })
	if list || len(t.cases) == 0 {
		return t, nil
	}
	plan, err := dag.Plan()
	if err != nil {
		return t, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return t, fmt.Errorf("cannot find the folder of %s: %w", file, err)
	}
	t.results = rehearse.Suite{
		File: t.file, DAG: t.dag, Plan: plan, Cases: t.cases,
		Options: rehearse.Options{
			Plugins: e.plugins, Dir: dir, Pools: e.conf.Pools, Vars: e.conf.Vars,
			PokeSlots: e.conf.PokeSlots, MaxInstances: e.conf.MaxInstances,
		},
	}.Run()
	for _, r := range t.results {
		if r.Err != nil {
			return t, r.Err
		}
	}
	return t, nil
}

// besideTest finds the DAG's file of a test file.
func besideTest(file string) (string, error) {
	stem := strings.TrimSuffix(file, testEnding)
	for _, end := range []string{".yaml", ".yml"} {
		if info, err := os.Stat(stem + end); err == nil && !info.IsDir() {
			return stem + end, nil
		}
	}
	return "", errors.New("there is no " + filepath.Base(stem) + ".yaml beside this test file")
}

// A testFormat is one way to write what came of tests.
type testFormat struct {
	name  string
	write func(e *env, all []testedFile, o testOptions) error
}

// testFormats are all the ways to write what came of tests; the first is for people.
var testFormats = []testFormat{
	{"text", (*env).testsText},
	{"oneline", (*env).testsOneLine},
	{"json", (*env).testsJSON},
	{"junit", (*env).testsJUnit},
}

// testsOneLine writes what editors read: a line for each thing that is not as expected.
func (e *env) testsOneLine(all []testedFile, _ testOptions) error {
	for _, t := range all {
		if err := diag.OneLine(e.stdout, t.everything(), diag.Options{}); err != nil {
			return err
		}
	}
	return writeSummary(e.stdout, all)
}

// everything is what was found in the file and in its cases.
func (t testedFile) everything() []spec.Diagnostic {
	ds := slices.Clone(t.ds)
	for _, r := range t.results {
		ds = append(ds, r.Diagnostics...)
	}
	return ds
}

func writeSummary(w io.Writer, all []testedFile) error {
	passed, failed := 0, 0
	for _, t := range all {
		passed, failed = passed+t.passed(), failed+t.failed()
	}
	_, err := fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	return err
}
