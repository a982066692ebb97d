package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAirflowsOperatorsAreKnown: whoever writes an operator or a sensor that the page for people from Airflow names is
// told what to write for it, and a plugin that is named then is there.
func TestAirflowsOperatorsAreKnown(t *testing.T) {
	page, err := os.ReadFile("../docs/airflow.md")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, line := range strings.Split(string(page), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range regexp.MustCompile("`([A-Z][A-Za-z0-9]*(?:Operator|Sensor))`").FindAllStringSubmatch(cells[1], -1) {
				words = append(words, m[1])
			}
		}
	}
	if len(words) < 20 {
		t.Fatalf("only %d operators found in the page's table: %v", len(words), words)
	}
	w := newWorld(t)
	var plugins []string
	for _, line := range strings.Split(w.run("plugins").out, "\n") {
		name, _, _ := strings.Cut(line, " ")
		plugins = append(plugins, name)
	}
	src := "id: words\nverdict: strict\ntasks:\n"
	for i, word := range words {
		src += fmt.Sprintf("  t%d: {uses: %s}\n", i, word)
	}
	var told struct {
		Diagnostics []struct {
			Code, Message string
			Notes         []struct{ Text string }
		}
	}
	res := w.run("validate", "--format", "json", w.write("words.yaml", src))
	if err := json.Unmarshal([]byte(res.out), &told); err != nil || len(told.Diagnostics) != len(words) {
		t.Fatalf("%d diagnostics of %d operators (%v)\n%s", len(told.Diagnostics), len(words), err, res.out)
	}
	named := regexp.MustCompile(`(?:uses: |use )([a-z0-9_]+(?:\.[a-z0-9_]+)?)`)
	for i, d := range told.Diagnostics {
		text := ""
		for _, n := range d.Notes {
			text += n.Text + "\n"
		}
		if d.Code != "S105" || text == "" || strings.Contains(text, "lists them") || strings.Contains(text, "no plugin") {
			t.Errorf("%s: %s\n%s", words[i], d.Message, text)
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(plugins, m[1]) {
				t.Errorf("%s: it says to use %q, which is no plugin\n%s", words[i], m[1], text)
			}
		}
	}
}
