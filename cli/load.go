package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weft/diag"
	"weft/machine"
	"weft/spec"
)

// A checked file is one DAG file and all that was found in it.
type checked struct {
	file string // as messages show it
	src  []byte
	dag  *spec.DAG // nil if nothing could be made of it
	ds   []spec.Diagnostic

	unknown []spec.Script // of which the linter has not been asked yet
}

// check reads one file and validates it.
func (e *env) check(file string) (checked, error) {
	src, err := readDAG(file)
	if err != nil {
		return checked{}, err
	}
	if isTestName(filepath.Base(file)) {
		return e.checkCases(file, src)
	}
	return e.checkSource(file, filepath.Dir(file), src), nil
}

// checkSource validates a text whose relative files are below dir.
func (e *env) checkSource(file, dir string, src []byte) checked {
	c := checked{file: shown(file), src: src}
	o := e.options(func(rel string) bool {
		if !filepath.IsAbs(rel) {
			rel = filepath.Join(dir, rel)
		}
		_, err := os.Stat(rel)
		return err == nil
	})
	o.Lint = e.lint.asked(&c.unknown)
	c.dag, c.ds = spec.Parse(c.file, src, o)
	return c
}

func (c checked) failed() bool { return hasError(c.ds) }

func hasError(ds []spec.Diagnostic) bool {
	for _, d := range ds {
		if d.Severity == spec.Error {
			return true
		}
	}
	return false
}

// load turns what a command was given, a file or the id of a DAG, into a plan. Errors in the file
// are shown on stderr; what may be wrong is left to weft validate.
func (e *env) load(arg string) (file string, plan *machine.Plan, err error) {
	if e.fromBucket(arg) {
		return e.loadBucket(arg, e.conf.DAGs)
	}
	file, err = findFile(arg, e.conf.DAGs, e.idOf)
	if err != nil {
		return "", nil, err
	}
	if isTestName(filepath.Base(file)) {
		return "", nil, &hinted{fmt.Errorf("cannot use %s: it holds tests, no DAG", file), "weft test " + shellWord(file) + " plays them"}
	}
	defer leaveLittle(file)()
	c, err := e.check(file)
	if err != nil {
		return "", nil, err
	}
	plan, err = e.plan(c)
	return file, plan, err
}

// fromBucket tells whether what a command was given is the id of a DAG in a bucket.
func (e *env) fromBucket(arg string) bool {
	info, err := os.Stat(arg)
	return remote(e.conf.DAGs) && (err != nil || info.IsDir()) && !strings.ContainsAny(arg, `/\\`)
}

// idOf reads a DAG's id from its file; ok is false if that cannot be made out.
func (e *env) idOf(file string) (id string, ok bool) {
	c, err := e.check(file)
	if err != nil || c.dag == nil {
		return "", false
	}
	return c.dag.ID(), true
}

// plan compiles a checked file, or shows why it cannot be.
func (e *env) plan(c checked) (*machine.Plan, error) {
	if c.failed() || c.dag == nil {
		o := diag.Options{Source: func(string) []byte { return c.src }, Color: e.colorOn(e.stderr)}
		if err := diag.Text(e.stderr, c.ds, o); err != nil {
			return nil, err
		}
		fmt.Fprintf(e.stderr, "\n%s\n", diag.Summary(c.ds, 1, "weft validate --fix"))
		return nil, errProblems
	}
	return c.dag.Plan()
}
