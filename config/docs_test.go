package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/config"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

// TestDocsSettings keeps docs/settings.md what the table of settings says.
func TestDocsSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString(settingsHead)
	for _, s := range config.Settings {
		variable, standard := "–", "–"
		if s.Env != "" {
			variable = "`" + s.Env + "`"
		}
		if s.Default != "" {
			standard = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Key, variable, standard, s.About)
	}
	b.WriteString(settingsTail)
	file := filepath.Join("..", "docs", "settings.md")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != b.String() {
		t.Errorf("docs/settings.md is not current (go test ./config -run Docs -update): %v", err)
	}
}

// TestDocsSettingsExample holds the page's file against the loader.
func TestDocsSettingsExample(t *testing.T) {
	_, rest, _ := strings.Cut(settingsTail, "```yaml weft.yaml\n")
	text, _, found := strings.Cut(rest, "```")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Source{Dir: dir})
	if err != nil || !found || c.Pools["redshift"] != 5 || c.Vars["bucket"] != "acme-data" || len(c.Secrets) != 1 || len(c.HTTP.Refuse) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

const settingsHead = `# Settings

<!-- Generated: go test ./config -run Docs -update -->

What holds for all DAGs stands in ` + "`weft.yaml`" + ` of the working directory, or in the file that ` + "`--config` or `WEFT_CONFIG`" + ` names.
Nothing needs to be set. A variable is stronger than the file, ` + "`--home`" + ` stronger than both; a key that there is not is an error.

| key | variable | default | |
|---|---|---|---|
`

const settingsTail = `
Paths are relative to the folder of ` + "`weft.yaml`" + `. Whole, it may look like this:

` + "```yaml weft.yaml" + `
pools: {default: 16, redshift: 5}
vars: {bucket: acme-data}
handoff: s3://acme-weft/handoff
http: {refuse: [private]}
secrets: {DB_PASSWORD: "secretsmanager:prod/db#password"}
diagnostics: {R503: off, R501: error}
` + "```" + `
`
