package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayKnow is who may know whom: for each package of the house, the packages of the house that its
// code (tests aside) may import. A new package is a new line here, so it is a decision someone sees.
var mayKnow = map[string][]string{
	"":                     {"cli"},
	"expr":                 {},
	"machine":              {"expr"},
	"schema":               {},
	"cron":                 {},
	"spec":                 {"machine", "schema", "expr", "cron"},
	"schedule":             {"machine", "expr", "cron"},
	"scheduler":            {"schedule", "runner", "store", "catalog", "machine", "spec", "clock"},
	"server":               {"runner", "store", "catalog", "scheduler", "logs", "graph", "diag", "spec", "machine"},
	"plugins":              {"schema"},
	"plugins/*":            {"plugins", "plugins/awscall", "schema", "proc", "awsconf"},
	"plugins/awscall":      {"plugins", "awsconf"},
	"plugins/all":          {"plugins", "plugins/*"},
	"proc":                 {},
	"awsconf":              {},
	"clock":                {},
	"secrets":              {"awsconf"},
	"logs":                 {},
	"logs/away":            {"logs", "handoff"},
	"handoff":              {"machine", "awsconf"},
	"config":               {},
	"sandbox":              {},
	"store":                {"machine"},
	"store/*":              {"store", "machine"},
	"runner":               {"machine", "expr", "schema", "plugins", "handoff", "logs", "secrets", "proc", "clock"},
	"runner/local":         {"runner", "store", "machine"},
	"runner/temporal":      {"runner", "machine", "plugins", "handoff", "temporalconf", "clock"},
	"store/temporal":       {"store", "machine", "runner", "runner/temporal", "temporalconf", "handoff"},
	"store/temporal/near":  {"store", "store/temporal", "runner/temporal", "machine"},
	"temporalconf":         {"handoff", "machine"},
	"retention":            {"store", "machine", "handoff", "logs"},
	"s3sync":               {"awsconf"},
	"catalog":              {"spec", "store", "s3sync", "machine"},
	"shellcheck":           {"spec"},
	"graph":                {"machine"},
	"diag":                 {"spec"},
	"sim":                  {"machine", "expr", "runner", "runner/local", "store", "store/mem"},
	"rehearse":             {"spec", "machine", "expr", "runner", "runner/local", "store", "plugins", "handoff", "clock"},
	"cli":                  {"*"},
	"bench/s3parts":        {},
	"bench/temporal":       {},
	"tests":                {},
	"tests/awsserver":      {"tests/served"},
	"tests/cputime":        {},
	"tests/s3server":       {"tests/served"},
	"tests/served":         {},
	"tests/temporalserver": {"tests/served"},
	"tests/editor":         {},
	"store/storetest":      {"store", "machine"},
}

// why is the reason that a failure prints.
var why = map[string]string{
	"expr":           "expr says what an expression may say and knows nobody: it must stay pure and usable everywhere",
	"cron":           "cron is the one reading of a cron text, for the validator and for the scheduler, which may not know each other: it knows nobody and reads no clock",
	"machine":        "the machine decides and does nothing: it may know expr alone, so that simulation, recovery, two engines and explain stay cheap",
	"spec":           "spec turns bytes into a plan: it is handed the plugins by an interface of its own",
	"schedule":       "when a DAG is due is a pure function of time: it knows no clock and nothing that runs",
	"scheduler":      "it starts runs through runner.Engine, whichever engine that is, and remembers in a store, whichever that is",
	"server":         "it says over HTTP what others know and do: any engine, any store, no plugin",
	"plugins/*":      "a plugin gets one call and gives one result: it knows neither runs nor stores nor another plugin (plugins/awscall is none)",
	"runner":         "what both engines share must know neither engine and no store",
	"store/temporal": "what is remembered on Temporal is decided by plain data: it knows what goes over the wire, and nothing that runs",
	"runner/local":   "the engines do not know each other, nor any concrete plugin",
	"temporalconf":   "how to reach a Temporal server is a matter of settings and of where payloads lie: nothing that runs",
	"store/*":        "a store remembers: it knows the contract and nothing that runs",
	"retention":      "what removes knows what is kept and where, not what runs: locks, scratch folders and environments are handed in",
	"secrets":        "secrets finds values and masks them: it must know nothing that could show one",
	"rehearse":       "a rehearsal is the engine and the executor with other plugins: it must know no concrete plugin, no place and nothing that keeps anything",
	"s3sync":         "a folder and a bucket are kept alike whatever the files mean",
	"catalog":        "which DAGs there are is asked of files alone: nothing that runs, no engine, no plugin",
	"shellcheck":     "a linter is asked about texts: spec says what a script is, and may run no process, so whoever has both hands it in",
	"graph":          "a drawing is made of a plan alone",
	"sandbox":        "the sandbox stands for AWS: it knows nobody, and only cli starts it",
}

// pure packages must not touch the world by their own imports (house.md).
var pure = []string{"machine", "expr", "schedule"}

var forbidden = []string{
	"os", "os/exec", "net", "net/http", "sync", "sync/atomic", "context", "log", "log/slog", "math/rand",
	"math/rand/v2", "crypto/rand", "io/fs", "path/filepath", "syscall", "runtime",
}

// external packages and who alone may import them.
var onlyIn = map[string][]string{
	"github.com/expr-lang/expr":                {"expr"},
	"github.com/aws/aws-sdk-go-v2/config":      {"awsconf"},
	"go.temporal.io/":                          {"runner/temporal", "store/temporal", "temporalconf", "bench/temporal"},
	"modernc.org/sqlite":                       {"store/sqlite"},
	"gopkg.in/yaml.v3":                         {"spec", "config"},
	"github.com/netresearch/go-cron":           {"cron"},
	"github.com/santhosh-tekuri/jsonschema/v5": {"schema"},
	"github.com/spf13/cobra":                   {"cli"},
	"github.com/aymanbagabas/go-udiff":         {"diag"},
	"github.com/bmatcuk/doublestar/v4":         {"s3sync"},
}

// nobodys are modules that no package may import, and what to do instead.
var nobodys = map[string]string{
	"github.com/aws/aws-sdk-go-v2/service/ssm":            "its tables cost every start 4 ms; ask by awsconf.JSON",
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager": "as ssm: ask by awsconf.JSON",
}

type listed struct {
	ImportPath string
	Imports    []string
}

func house(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "weft/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]listed{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "weft"), "/")] = p
	}
}

// rule returns the line of the map that holds for a package.
func rule(pkg string) (string, []string, bool) {
	if r, ok := mayKnow[pkg]; ok {
		return pkg, r, true
	}
	if i := strings.LastIndex(pkg, "/"); i > 0 {
		if r, ok := mayKnow[pkg[:i]+"/*"]; ok {
			return pkg[:i] + "/*", r, true
		}
	}
	return "", nil, false
}

func allows(allowed []string, pkg string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return a == "*" || a == pkg || (strings.HasSuffix(a, "/*") && strings.HasPrefix(pkg, strings.TrimSuffix(a, "*")))
	})
}

func TestTheMapOfWhoMayKnowWhom(t *testing.T) {
	for name, p := range house(t) {
		line, allowed, ok := rule(name)
		if !ok {
			t.Errorf("package %q is not in the map: add a line to mayKnow and say whom it may know", name)
			continue
		}
		for _, imp := range p.Imports {
			in, ours := strings.CutPrefix(imp, "weft/")
			if !ours {
				continue
			}
			if in == "cli" && name != "" {
				t.Errorf("%s imports cli: nobody but main may; cli is where everything meets", name)
			}
			if in == "sandbox" && name != "cli" {
				t.Errorf("%s imports sandbox: cli alone may; to all others it is AWS behind an endpoint", name)
			}
			if !allows(allowed, in) {
				t.Errorf("%s imports %s, which the map does not allow (line %q): %s", name, in, line, why[line])
			}
		}
	}
}

func TestThePureStayPure(t *testing.T) {
	pkgs := house(t)
	for _, name := range pure {
		for _, imp := range pkgs[name].Imports {
			if slices.Contains(forbidden, imp) {
				t.Errorf("%s imports %s: it decides and does nothing, so that the same events give the same run everywhere", name, imp)
			}
		}
	}
}

func TestOutsidePackagesStandBehindOneDoor(t *testing.T) {
	for name, p := range house(t) {
		for _, imp := range p.Imports {
			if why, bad := nobodys[imp]; bad {
				t.Errorf("%s imports %s: %s", name, imp, why)
			}
			for ext, doors := range onlyIn {
				if (imp == ext || strings.HasPrefix(imp, strings.TrimSuffix(ext, "/")+"/")) && !slices.Contains(doors, name) {
					t.Errorf("%s imports %s: only %s may, so that it can be replaced or bounded in one place", name, imp, strings.Join(doors, ", "))
				}
			}
		}
	}
}
