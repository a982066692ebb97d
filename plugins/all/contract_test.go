package all

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"weft/plugins"
	"weft/plugins/http"
	"weft/schema"
)

// TestEveryPluginKeepsTheContract holds each plugin to what the rest of the house relies on.
func TestEveryPluginKeepsTheContract(t *testing.T) {
	reg := plugins.NewRegistry(Plugins("", http.Policy{}, nil)...)
	for _, name := range reg.Names() {
		p := reg.Get(name)
		t.Run(name, func(t *testing.T) {
			if !regexp.MustCompile(`^[a-z0-9]+([._][a-z0-9]+)*$`).MatchString(name) {
				t.Errorf("%q is no name of a plugin", name)
			}
			if s := p.Schema(); s.Title == "" || strings.Contains(s.Title, "\n") || strings.HasSuffix(s.Title, ".") {
				t.Errorf("title %q: one line without a full stop is wanted", s.Title)
			}
			checkInput(t, p)
			checkAsks(t, p)
			checkRun(t, p)
		})
	}
}

// checkInput: the schemas compile, what is unknown is refused, and each key is described.
func checkInput(t *testing.T, p plugins.Plugin) {
	in := compile(t, "input", p.Schema().Input)
	for _, bad := range []any{map[string]any{"no_such_key": 1.0}, []any{}, "text", nil} {
		if in.Validate(bad) == nil {
			t.Errorf("the input %v is let through", bad)
		}
	}
	if len(in.Types) != 1 || in.Types[0] != "object" {
		t.Errorf("the input's type is %v, not object", in.Types)
	}
	for key, s := range in.Properties {
		if s.Description == "" {
			t.Errorf("the input %q is not described", key)
		}
	}
	if out := p.Schema().Output; out != nil {
		compile(t, "output", out)
	}
}

// checkAsks: an input that is an expression stands where it is found, sees names that it is given, is
// not required, and its plugin can say what it gave.
func checkAsks(t *testing.T, p plugins.Plugin) {
	c, err := schema.Compile(p.Schema().Input)
	if err != nil {
		t.Fatal(err)
	}
	asks := c.Asks()
	if n := strings.Count(string(p.Schema().Input), "x-weft-expr"); n != len(asks) {
		t.Errorf("%d inputs are marked as expressions, %d are found: only properties can be", n, len(asks))
	}
	for _, a := range asks {
		if !slices.Equal(a.Sees, []string{"output"}) {
			t.Errorf("%v sees %v: there is output alone", a.Path, a.Sees)
		}
		if _, ok := p.(plugins.Teller); !ok {
			t.Errorf("%v asks about the output, and the plugin cannot tell what it is", a.Path)
		}
	}
}

func compile(t *testing.T, what string, schema json.RawMessage) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.Draft, c.ExtractAnnotations = jsonschema.Draft7, true
	if err := c.AddResource(what+".json", strings.NewReader(string(schema))); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	s, err := c.Compile(what + ".json")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return s
}

// checkRun: input that is no mapping is refused for good, in words for people, and a context that
// has ended is obeyed.
func checkRun(t *testing.T, p plugins.Plugin) {
	dir := t.TempDir()
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	call := plugins.Call{
		Env: []string{"PATH=" + os.Getenv("PATH")}, Dir: dir, TmpDir: dir, Log: log, Now: time.Now,
		Output: filepath.Join(dir, "output"), Logf: t.Logf, Started: func(int) {},
	}
	for _, bad := range []string{`[]`, `"text"`, `7`} {
		call.Input = json.RawMessage(bad)
		_, err := p.Run(t.Context(), &call)
		if plugins.KindOf(err) != plugins.BadInput || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("the input %s: error %v", bad, err)
		} else if strings.Contains(err.Error(), "unmarshal") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("the input %s: this is not for people: %v", bad, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	call.Input = json.RawMessage(`{"run": "exit 0", "path": "x", "for": "0s", "message": "m"}`)
	if _, err := p.Run(ended, &call); plugins.KindOf(err) != plugins.Cancelled {
		t.Errorf("after the end of its context: error %v", err)
	}
}
