package tests

import (
	"strings"
	"testing"
)

// TestInputsThatFailEachTime: what is written down and would be refused whenever the task runs is refused when the
// file is validated; what only looks like it is not.
func TestInputsThatFailEachTime(t *testing.T) {
	const object = "must be the URI of an object, s3://bucket/key (a bucket has 3 to 63 of a-z 0-9 . -)"
	w := newWorld(t)
	for _, row := range []struct{ task, want string }{
		{`{uses: s3.head, with: {uri: "s3://bucket"}}`, "`uri` " + object},
		{`{uses: s3.get, with: {uri: "s3://bucket/"}}`, "`uri` " + object},
		{`{uses: s3.put, with: {uri: "s3://My_Bucket/key", body: x}}`, "`uri` " + object},
		{`{uses: s3.delete, with: {prefix: "s3://bucket/"}}`, "`prefix` must be s3://bucket/ and how the keys begin: a whole bucket is never deleted (a bucket has 3 to 63 of a-z 0-9 . -)"},
		{`{uses: s3.copy, with: {from: "s3://bucket", to: "s3://-/x"}}`, "`to` must be s3://bucket/key, or s3://bucket/prefix/ (a bucket has 3 to 63 of a-z 0-9 . -)"},
		{`{uses: s3.head, with: {uri: "bucket/x"}}`, "`uri` must begin with \"s3://\""},
		{`{uses: dag.run, with: {id: x, logical_date: yesterday}}`, "`logical_date` must be a date, as 2026-01-02 or 2026-01-02T03:04:05Z"},
		{`{uses: dag.wait, with: {id: x, states: [skipped]}, sensor: {timeout: 1h}}`, "`states[0]` is no state of a run: it ends as success, failed or cancelled; for a task's name it by `task`"},
		{`{uses: dag.wait, with: {id: x, task: a, states: [success, cancelled]}, sensor: {timeout: 1h}}`, "`states[1]` is no state of a task: it ends as success, failed, skipped or upstream_failed"},
		{`{uses: file.head, with: {path: x}, outputs: {sizee: integer}}`, `the output of file.head has no "sizee"`},
		{`{uses: file.head, with: {path: x}, outputs: {size: string}}`, `file.head gives "size" as a whole number or null, and never as text`},
		{`{uses: glue.job, with: {name: null}}`, "`name` is text, and so this is the text \"null\""},

		{`{uses: s3.head, with: {uri: "s3://acme-data/a b"}}`, ""},
		{`{uses: s3.head, with: {uri: "s3://${{ run.id }}"}}`, ""},
		{`{uses: s3.head, with: {uri: "s3://{{ params.bucket }}/x"}}`, "this is a template of another tool"},
		{`{uses: s3.list, with: {uri: "s3://acme-data"}}`, ""},
		{`{uses: s3.copy, with: {from: "s3://acme-data", to: "s3://acme-copy"}}`, ""},
		{`{uses: dag.run, with: {id: x, logical_date: 2026-01-02 03:04}}`, ""},
		{`{uses: dag.run, with: {id: x, logical_date: "${{ run.logical_date }}"}}`, ""},
		{`{uses: dag.wait, with: {id: x, task: a, states: [success, skipped]}, sensor: {timeout: 1h}}`, ""},
		{`{uses: dag.wait, with: {id: x, states: [success, cancelled]}, sensor: {timeout: 1h}}`, ""},
		{`{uses: file.head, with: {path: x}, outputs: {size: integer, exists: boolean}}`, ""},
		{`{uses: wait, with: {for: 1s}}`, ""},
	} {
		res := w.run("validate", "--format", "oneline", w.write("inputs.yaml", "id: inputs\nverdict: strict\ntasks:\n  a: "+row.task+"\n"))
		got, _, _ := strings.Cut(res.out, "\n")
		if row.want == "" && !strings.HasSuffix(got, "no problems") && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s\n got %s\nwant %s\n%s", row.task, res.out, row.want, res.stderr)
		}
	}
}
