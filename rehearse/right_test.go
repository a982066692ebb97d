package rehearse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/diag"
	"weft/plugins"
	"weft/plugins/all"
	"weft/plugins/http"
	"weft/rehearse"
	"weft/spec"
)

var registry = plugins.NewRegistry(all.Plugins("/cache", http.Policy{}, nil)...)

// known shows the registry to the validator, as the command line does.
type known struct{}

func (known) Names() []string { return registry.Names() }

func (known) Plugin(name string) (spec.PluginInfo, bool) {
	p := registry.Get(name)
	if p == nil {
		return spec.PluginInfo{}, false
	}
	_, sensor := p.(plugins.Sensor)
	s := p.Schema()
	return spec.PluginInfo{Name: name, Title: s.Title, Input: s.Input, Output: s.Output, Sensor: sensor}, true
}

// suite reads a test file and its DAG; what is wrong with the DAG ends the test.
func suite(t testing.TB, file string) (rehearse.Suite, []spec.Diagnostic) {
	t.Helper()
	dag := strings.Replace(file, ".test.yaml", ".yaml", 1)
	return suiteOf(t, dag, read(t, dag), file, read(t, file))
}

func suiteOf(t testing.TB, dagFile string, dag []byte, file string, cases []byte) (rehearse.Suite, []spec.Diagnostic) {
	t.Helper()
	d, ds := spec.Parse(dagFile, dag, spec.Options{Plugins: known{}})
	s := rehearse.Suite{File: file, DAG: dagFile, Options: rehearse.Options{Plugins: registry, Dir: "/dags"}}
	for _, one := range ds {
		if one.Severity == spec.Error {
			t.Fatalf("%s:%d: %s", dagFile, one.Line, one.Message)
		}
	}
	list, ds := spec.ParseCases(file, cases, d)
	if list != nil {
		s.Cases = list.List
	}
	var err error
	if s.Plan, err = d.Plan(); err != nil {
		t.Fatal(err)
	}
	return s, ds
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// told writes diagnostics as a user sees them.
func told(t testing.TB, ds []spec.Diagnostic) string {
	t.Helper()
	var b bytes.Buffer
	src := func(file string) []byte {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		return text
	}
	if err := diag.Text(&b, ds, diag.Options{Source: src}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRight plays the stories of testdata/right, each of which says what the engine does: attempts and
// their delays, timeouts, sensors, slots, values, the past.
func TestRight(t *testing.T) {
	files, err := filepath.Glob("testdata/right/*.test.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		s, ds := suite(t, file)
		if len(ds) > 0 {
			t.Errorf("%s", told(t, ds))
		}
		for _, r := range s.Run() {
			if r.Err != nil || !r.Passed() {
				t.Errorf("%s: %s: %v\n%s", file, r.Case.Name, r.Err, told(t, r.Diagnostics))
			}
		}
	}
}
