package rehearse_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestLargeOutputsSpill: what does not fit into a journal is handed on all the same, and decides.
func TestLargeOutputsSpill(t *testing.T) {
	dag := `tasks:
  big: {run: ./big.sh, outputs: {list: array}}
  size: {uses: noop, with: {output: "${{ len(tasks.big.output.list) }}"}, when: len(tasks.big.output.list) > 1000}
  each: {for_each: "${{ tasks.big.output.list }}", run: "./one.sh ${{ item }}"}
  ref: {uses: noop, with: {output: "${{ tasks.big.ref.size > 49152 }}"}}
`
	var list strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&list, "element number %d, ", i)
	}
	cases := "cases:\n  large:\n    given: {big: {output: {list: [" + strings.ReplaceAll(list.String(), " n", "_n") + "]}}}\n" +
		"    expect:\n      size: {output: 5000}\n      ref: {output: true}\n      each: {size: 5000, instances: {4999: {sees: {item: element_number 4999}}}}\n"
	cases = strings.ReplaceAll(cases, "element_number ", "element")
	s, ds := suiteOf(t, "big.yaml", []byte(dag), "big.test.yaml", []byte(cases))
	if len(ds) > 0 {
		t.Fatal(ds[0].Message)
	}
	for _, r := range s.Run() {
		if !r.Passed() {
			t.Errorf("%v %v", r.Err, r.Diagnostics)
		}
	}
}

// FuzzCases: whatever a test file says, it is read and played, or refused with a place; nothing panics.
func FuzzCases(f *testing.F) {
	const dag = `params: {n: {type: integer, default: 1}}
tasks:
  a: {run: ./a.sh, retries: 1, retry_delay: 1s, timeout: 10s, on_failure: {m: {run: "true"}}}
  b: {run: "./b.sh ${{ tasks.a.output }}", for_each: [1, 2], depends_on_past: true}
  c: {uses: file.head, with: {path: /x}, sensor: {until: output.exists, poke_interval: 1m, timeout: 1h}}
  d: {needs: [b, c], trigger: all_done, run: [x, "${{ params.n }}"]}
`
	for _, seed := range []string{
		"cases: {a: {verdict: success}}",
		"cases: {a: {given: {a: [failed, {exit: 99}]}, expect: {d: {run: [x, 1], sees: {params.n: 1}}}}}",
		"run: {type: backfill}\npast: {b: failed}\ncases: {a: {expect: {b: scheduled}}}",
		"cases: {a: {given: {c: {pokes: [{exit: 1}, {output: {exists: true}}]}}, cancel: 5s, expect: {c: {pokes: 1, instances: {0: none}}}}}",
		"cases: {a: {given: {b: {takes: 1m, instances: {1: {error: x, kind: remote}}}}, expect: {b: {size: 2, instances: {1: failed}}}}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s, ds := suiteOf(t, "f.yaml", []byte(dag), "f.test.yaml", []byte(src))
		for _, d := range ds {
			if d.Line < 1 || d.Message == "" {
				t.Errorf("no place: %+v", d)
			}
		}
		if len(s.Cases) > 20 {
			s.Cases = s.Cases[:20]
		}
		for _, r := range s.Run() {
			if r.Err != nil {
				t.Errorf("%s: %v", r.Case.Name, r.Err)
			}
			_ = told(t, r.Diagnostics)
		}
	})
}
