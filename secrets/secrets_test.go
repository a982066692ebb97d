package secrets

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// known is an environment.
func known(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheFirstPlaceThatKnowsTheNameCounts(t *testing.T) {
	r := &Resolver{
		Env: known(map[string]string{
			"WEFT_SECRET_A": "by variable", "WEFT_SECRET_token": "as it is written", "WEFT_SECRET_TOKEN": "in capitals", "OTHER": "by another name",
		}),
		Sources: map[string]string{"A": "env:OTHER", "B": "env:OTHER", "C": "file:" + file(t, "two\nlines\n\n"), "D": "file:" + file(t, "windows\r\n"), "E": "file:" + file(t, "no end")},
		Path:    "/etc/weft/secrets.yaml",
		File:    func() (map[string]string, error) { return map[string]string{"B": "no", "F": "by file"}, nil },
	}
	want := map[string]string{
		"A": "by variable", "token": "as it is written", "Token": "in capitals",
		"B": "by another name", "C": "two\nlines\n", "D": "windows", "E": "no end", "F": "by file",
	}
	got, err := r.Resolve(t.Context(), slices.Collect(maps.Keys(want)))
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if names := r.EnvNames(); len(names) != 2 || names[0] != "OTHER" {
		t.Errorf("the variables that hold secrets are %q", names)
	}
}

// Each row is a secret that cannot be had. What there is of it is hunter2, which no error quotes.
func TestWhatCannotBeResolved(t *testing.T) {
	r := &Resolver{
		Env: known(map[string]string{
			"WEFT_SECRET_EMPTY": "", "WEFT_SECRET_LONG": strings.Repeat("hunter2", 10000), "WEFT_SECRET_BINARY": "hunter2\xff",
		}),
		Sources: map[string]string{
			"UNSET": "env:UNSET", "GONE": "file:/absent/x", "FOLDER": "file:" + t.TempDir(), "BIG": "file:" + file(t, strings.Repeat("hunter2", 20000)), "ODD": "vault:hunter2",
		},
	}
	for name, want := range map[string]string{
		"EMPTY":  "cannot resolve secret EMPTY: its value is empty",
		"LONG":   "cannot resolve secret LONG: its value has 70000 bytes, at most 65536 are taken",
		"BINARY": "cannot resolve secret BINARY: its value is not UTF-8|keep it in base64, and decode it in the script",
		"UNSET":  "cannot resolve secret UNSET: the variable UNSET is not set where weft runs",
		"GONE":   "cannot resolve secret GONE: file /absent/x: there is no such file",
		"BIG":    "cannot resolve secret BIG: its value has 65539 bytes, at most 65536 are taken",
		"FOLDER": "cannot resolve secret FOLDER: file " + strings.TrimPrefix(r.Sources["FOLDER"], "file:") + ": it is no file",
		"ODD":    "cannot resolve secret ODD: its source is no file, env, secretsmanager or ssm",
		"a-b":    "cannot resolve secret a-b: a name has letters, digits and _, no digit first",
		"none":   "cannot resolve secret none: nobody knows it|looked for the variable WEFT_SECRET_NONE, for none under secrets in weft.yaml, and in a secrets file (secrets_file is not set)",
	} {
		values, err := r.Resolve(t.Context(), []string{name})
		var e *Error
		if !errors.As(err, &e) || values != nil {
			t.Errorf("%s: %q, %v", name, values, err)
			continue
		}
		text, hint, _ := strings.Cut(want, "|")
		if e.Error() != text || e.Hint != hint || e.Temporary || strings.Contains(e.Error()+e.Hint, "hunter2") {
			t.Errorf("%s\n got %s|%s\nwant %s", name, e.Error(), e.Hint, want)
		}
	}
	r.Path, r.File = "/s.yaml", func() (map[string]string, error) {
		return nil, errors.New("secrets file /s.yaml: others may read or write it")
	}
	if _, err := r.Resolve(t.Context(), []string{"X"}); err == nil || err.Error() != "cannot resolve secret X: secrets file /s.yaml: others may read or write it" {
		t.Error(err)
	}
}
