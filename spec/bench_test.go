package spec

import (
	"fmt"
	"strings"
	"testing"
)

// nightly is a DAG of about 90 lines with a bit of everything that costs: scripts, plugin inputs,
// params, mapped tasks, sensors, triggers.
func nightly(i int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `id: nightly_%d
description: Wait for the export, clean it, check it, publish it.
schedule: {cron: "30 2 * * *", timezone: Europe/Berlin, dst: {gap: next}}
params:
  region: {type: string, default: eu, enum: [eu, us]}
  rows: {type: integer, default: 100, minimum: 1}
env: {REGION: "${{ params.region }}"}
defaults: {retries: 2, retry_delay: 1m, timeout: 1h}
tasks:
  ready:
    uses: file.head
    with: {path: "/exports/${{ run.ds }}/_SUCCESS"}
    sensor: {until: output.exists, poke_interval: 60s, timeout: 4h}
  parts:
    needs: ready
    outputs: {list: array, rows: integer}
    run: |
      set -u
      mkdir -p "$WEFT_TMPDIR/parts"
      for f in a b c; do
        printf '%%s\n' "$f" > "$WEFT_TMPDIR/parts/$f"
      done
      printf '{"list": ["a", "b"], "rows": %%d}\n' "${{ params.rows }}" > "$WEFT_OUTPUT"
  load:
    for_each: ${{ tasks.parts.output.list }}
    max_parallel: 4
    run: ./load.sh "${{ item }}" "$REGION"
`, i)
	for n := range 8 {
		fmt.Fprintf(&b, `  check_%[1]d:
    needs: load
    when: tasks.parts.output.rows > %[1]d
    env: {DAY: "${{ run.ds }}", ROWS: "${{ tasks.parts.output.rows }}"}
    run: |
      echo "checking $DAY"
      test "$ROWS" -gt %[1]d || exit 1
      echo ok > "$WEFT_OUTPUT"
`, n)
	}
	b.WriteString(`  publish:
    needs: [check_0, check_1, check_2, check_3]
    trigger: count(upstream, .state == "success") >= 2
    run: ./publish.sh "${{ run.ds }}" "${{ params.region }}"
  report:
    needs: [publish, check_4, check_5, check_6, check_7]
    trigger: none_failed_min_one_success
    run: [./report, --day, "${{ run.ds }}"]
`)
	return []byte(b.String())
}

func benchOptions() Options {
	o := online()
	o.FileExists = func(string) bool { return true }
	return o
}

// BenchmarkParse is one file.
func BenchmarkParse(b *testing.B) {
	src, o := nightly(1), benchOptions()
	if _, found := Parse("n.yaml", src, o); len(found) > 0 {
		b.Fatal(show(found))
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		Parse("n.yaml", src, o)
	}
}

// BenchmarkValidateFolder is a thousand files one after another, as one core sees them; the goal is
// 0.6 s on two.
func BenchmarkValidateFolder(b *testing.B) {
	files := make([][]byte, 1000)
	for i := range files {
		files[i] = nightly(i)
	}
	o := benchOptions()
	for b.Loop() {
		for i, src := range files {
			Parse(fmt.Sprintf("n%d.yaml", i), src, o)
		}
	}
}
