package tests

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"weft/tests/editor"
)

// dagPlaces are where a value may stand; %s is the value.
var dagPlaces = []string{
	"id: %s", "weft: %s", "description: %s", "owner: %s", "tags: [%s]", "tags: %s", "schedule: %s", "paused: %s", "max_active_runs: %s",
	"timeout: %s", "deadline: %s", "handoff: %s", "verdict: %s", "env: {A: %s}", "params: {p: %s}", "x-a: %s", "on_failure: %s",
	"schedule: {cron: %s}", "schedule: {at: [%s]}", `schedule: {cron: "@daily", timezone: %s}`, `schedule: {cron: "@daily", start: %s}`,
	`schedule: {cron: "@daily", catchup: %s}`, `schedule: {cron: "@daily", interval: %s}`, `schedule: {cron: "@daily", jitter: %s}`,
	"defaults: {retries: %s}", "defaults: {shell: %s}", "defaults: {pool: %s}",
}

// taskPlaces are those of a task that runs a script, or with a plugin and an input.
var taskPlaces = []string{
	"needs: %s", "needs: [%s]", "trigger: %s", "when: %s", "for_each: %s", "for_each: [%s]", "max_parallel: %s", "retries: %s",
	"retry_delay: %s", "retry_backoff: %s", "retry_jitter: %s", "max_retry_delay: %s", "retry_if: %s", "timeout: %s", "env: {A: %s}",
	"workdir: %s", "outputs: {o: %s}", "artifacts: {a: %s}", "inputs: {i: %s}", "pool: %s", "pool_slots: %s", "priority: %s",
	"queue: %s", "depends_on_past: %s", "group: %s", "description: %s", "shell: %s", `shell: [%s, "{0}"]`,
	"sensor: {timeout: 1h, until: %s}", "sensor: {timeout: 1h, fail_when: %s}", "sensor: {timeout: 1h, poke_interval: %s}",
	"sensor: {timeout: 1h, soft_fail: %s}", "sensor: {timeout: 1h, on_error: %s}", "sensor: {timeout: 1h, max_wait: %s}",
	"run: %s", "run: [echo, %s]",
	"uses: http, with: {url: %s}", `uses: http, with: {url: "http://x", method: %s}`, `uses: http, with: {url: "http://x", headers: %s}`,
	`uses: http, with: {url: "http://x", headers: {A: %s}}`, `uses: http, with: {url: "http://x", headers: {A: [%s]}}`,
	`uses: http, with: {url: "http://x", json: %s}`, `uses: http, with: {url: "http://x", body: %s}`,
	`uses: http, with: {url: "http://x", expect: {status: %s}}`, `uses: http, with: {url: "http://x", expect: {status: [%s]}}`,
	`uses: http, with: {url: "http://x", expect: {when: %s}}`, `uses: http, with: {url: "http://x", auth: {bearer: %s}}`,
	"uses: wait, with: {for: %s}", "uses: wait, with: {until: %s}", "uses: noop, with: {output: %s}", "uses: fail, with: {message: %s}",
	"uses: file.head, with: {path: %s}", `uses: s3.put, with: {uri: "s3://acme/k", body: %s}`, "uses: s3.put, with: {uri: %s, body: x}",
	`uses: s3.put, with: {uri: "s3://acme/k", body: x, if_none_match: %s}`, `uses: s3.get, with: {uri: "s3://acme/k", as: %s}`,
	`uses: s3.list, with: {uri: "s3://acme/k", max: %s}`, "uses: python, with: {code: %s}", "uses: python, with: {code: x, python: %s}",
	"uses: python, with: {code: x, args: %s}", "uses: python, with: {code: x, requirements: %s}",
	"uses: python, with: {code: x, requirements: [%s]}", "uses: python, with: {code: x, system_site_packages: %s}",
	"uses: python, with: {callable: %s}", "uses: shell, with: {run: %s}", "uses: shell, with: {run: [%s]}",
}

// looks are values as people write them, by how they look.
var looks = []string{
	"x", "5", "0", "-1", "3.10", "010", "true", "no", "2026-01-02", `"5"`, `""`, "[b]", "[5]", "{A: b}", "{A: {run: echo}}", "{type: integer}",
	`"${{ params.s }}"`, `"${{ params.l }}"`, `"@daily"`, `"s3://acme/k"`, "5m", "integer", "GET", "bash",
}

// TestTheEditorTakesWhatWeftTakes tries each look at each place: where weft has no error, the schema
// must have none, or an editor would underline what is right.
func TestTheEditorTakesWhatWeftTakes(t *testing.T) {
	const params = "params: {s: {type: string, default: x}, l: {type: array, default: []}}\n"
	const others = "  b: {run: 'echo ${{ params.s }} ${{ toJSON(params.l) }}'}\n"
	w := newWorld(t)
	var values []editor.Value
	texts := map[string]string{}
	add := func(text string) {
		name := fmt.Sprintf("f%04d", len(values))
		w.write("dags/"+name+".yaml", text)
		texts[name] = text
		values = append(values, editor.Value{Name: name, Value: asEditor(t, text)})
	}
	for _, look := range looks {
		for _, place := range dagPlaces {
			text := strings.Replace(place, "%s", look, 1) + "\ntasks:\n  a: {run: echo}\n"
			if !strings.HasPrefix(place, "params:") {
				text = params + text + others
			}
			add(text)
		}
		for _, place := range taskPlaces {
			body := strings.Replace(place, "%s", look, 1)
			if !strings.HasPrefix(body, "run:") && !strings.HasPrefix(body, "uses:") {
				body = "run: echo, " + body
			}
			add(params + "tasks:\n" + others + "  a: {" + body + "}\n")
		}
	}
	wrong := w.wrongFiles()
	told := editor.Validators(t)[0].Judge(t, json.RawMessage(w.run("schema").out), values)
	taken, agree := 0, 0
	for _, v := range values {
		switch {
		case !wrong[v.Name] && len(told[v.Name]) > 0:
			t.Errorf("an editor would underline, at %s, %s:\n%s", told[v.Name][0].Path, told[v.Name][0].Message, texts[v.Name])
		case !wrong[v.Name]:
			taken++
		case len(told[v.Name]) > 0:
			agree++
		}
	}
	t.Logf("%d files: %d right in both, of %d wrong ones the schema sees %d", len(values), taken, len(values)-taken, agree)
	if taken < 400 || agree < 1000 {
		t.Errorf("of %d files %d are right and %d wrong in both: the table is not what it was", len(values), taken, agree)
	}
}

// wrongFiles validates the world's DAGs, and names those with an error.
func (w *world) wrongFiles() map[string]bool {
	w.t.Helper()
	res := w.run("validate", "--format", "json", "dags")
	var answer struct{ Diagnostics []said }
	if err := json.Unmarshal([]byte(res.out), &answer); err != nil {
		w.t.Fatalf("weft validate --format json: %v\n%s%s", err, res.out, res.stderr)
	}
	wrong := map[string]bool{}
	for _, d := range answer.Diagnostics {
		if d.Severity == "error" {
			wrong[strings.TrimSuffix(filepath.Base(d.File), ".yaml")] = true
		}
	}
	return wrong
}
