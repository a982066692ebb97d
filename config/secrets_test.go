package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/config"
)

func secretsFile(t *testing.T, yaml string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretsFileHoldsTexts(t *testing.T) {
	got, err := config.SecretsFile(secretsFile(t, "TOKEN: 0123\nPIN: 007\nkey: |\n  a\n  b\nodd: \"p'a\\\"ss\"\n", 0o400))
	want := map[string]string{"TOKEN": "0123", "PIN": "007", "key": "a\nb\n", "odd": `p'a"ss`}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := config.SecretsFile(secretsFile(t, "# none yet\n", 0o600)); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// Each row is a file that is refused. Every value in them is hunter2, which no error may quote.
func TestASecretsFileThatIsRefused(t *testing.T) {
	for _, c := range []struct {
		what, yaml string
		mode       os.FileMode
		want       string
	}{
		{"others read it", "A: hunter2", 0o640, "others may read or write it (chmod 600"},
		{"others write it", "A: hunter2", 0o602, "others may read or write it"},
		{"no YAML", "A: [hunter2\n", 0o600, "line 1: this cannot be read as YAML"},
		{"an alias of none", "A: *hunter2\n", 0o600, "cannot be read as YAML"},
		{"a list", "- hunter2\n", 0o600, "line 1: write `NAME: value`"},
		{"a map for a value", "A: x\nB: {c: hunter2}\n", 0o600, "line 2: B is no text"},
		{"a tag", "A: !hunter2 x\n", 0o600, "A is no text"},
		{"a name", "hunter2-x: hunter2\n", 0o600, "a name has letters"},
		{"twice", "A: hunter2\nA: hunter2\n", 0o600, "line 2: A stands here twice"},
		{"long", "A: " + strings.Repeat("hunter2", 1<<18), 0o600, "larger than 1 MiB"},
	} {
		_, err := config.SecretsFile(secretsFile(t, c.yaml, c.mode))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
	if _, err := config.SecretsFile(t.TempDir()); err == nil || !strings.Contains(err.Error(), "it is no file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := config.SecretsFile("/absent/secrets.yaml"); err == nil || err.Error() != "secrets file /absent/secrets.yaml: there is no such file" {
		t.Errorf("none: %v", err)
	}
}
