package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"weft/shellcheck"
	"weft/spec"
)

// A linter is shellcheck during one call of validate. A nil one knows nothing. What goes wrong with it is
// said, once, and changes nothing else: no file is worse because of it.
type linter struct {
	ctx     context.Context
	checker *shellcheck.Checker
	stderr  io.Writer
	once    sync.Once
	failed  bool
}

// noShellcheck says what to do where it is asked for and not installed.
const noShellcheck = "note: shellcheck is not installed, so scripts were only parsed (apt install shellcheck, brew install shellcheck)"

// findLinter looks for shellcheck, as the setting says.
func (e *env) findLinter(ctx context.Context) *linter {
	if e.conf.Shellcheck == "off" {
		return nil
	}
	var rules []byte
	if dir, err := os.Getwd(); err == nil {
		rules = shellcheck.Rules(dir)
	}
	checker, err := shellcheck.New(rules, filepath.Join(e.conf.Home, cacheFolder, "shellcheck.json"))
	switch absent := errors.Is(err, shellcheck.ErrAbsent); {
	case err == nil:
		return &linter{ctx: ctx, checker: checker, stderr: e.stderr}
	case !absent:
		fmt.Fprintf(e.stderr, "note: %v\n", err)
	case e.conf.Shellcheck == "on":
		fmt.Fprintln(e.stderr, noShellcheck)
	}
	return nil
}

// asked is what spec asks while it parses a file; scripts that nothing is known of are noted.
func (l *linter) asked(unknown *[]spec.Script) func(spec.Script) []spec.Remark {
	if l == nil {
		return nil
	}
	return func(s spec.Script) []spec.Remark {
		remarks, known := l.checker.Remarks(s)
		if !known {
			*unknown = append(*unknown, s)
		}
		return remarks
	}
}

// learn asks about the scripts that nothing was known of; it returns which files there is something to
// say of, by their indexes: those are checked again.
func (l *linter) learn(files []finding) (again []int) {
	if l == nil || l.failed || !slices.ContainsFunc(files, func(f finding) bool { return len(f.unknown) > 0 }) {
		return nil
	}
	if err := l.checker.Learn(l.ctx); err != nil {
		l.once.Do(func() { fmt.Fprintf(l.stderr, "note: shellcheck was not asked about scripts: %v\n", err) })
		l.failed = true
		return nil
	}
	for i, f := range files {
		if slices.ContainsFunc(f.unknown, func(s spec.Script) bool {
			remarks, _ := l.checker.Remarks(s)
			return len(remarks) > 0
		}) {
			again = append(again, i)
		}
	}
	return again
}

// said tells, for the summary, that what was found depends on shellcheck too.
func (l *linter) said() string {
	switch {
	case l == nil || !l.checker.Met():
		return ""
	case l.failed:
		return " (shellcheck failed)"
	}
	return " (scripts by shellcheck too)"
}
