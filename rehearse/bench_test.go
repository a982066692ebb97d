package rehearse_test

import (
	"fmt"
	"strings"
	"testing"
)

// thousand is a DAG of 20 tasks in layers of five, and a thousand cases of it.
func thousand() (dag, cases string) {
	var d, c strings.Builder
	d.WriteString("id: thousand\nparams: {day: {type: string, default: x}}\ntasks:\n")
	for i := range 20 {
		fmt.Fprintf(&d, "  t%d:\n    run: ./work.sh ${{ params.day }}\n    outputs: {n: integer}\n    retries: 1\n    retry_delay: 1m\n", i)
		if i >= 5 {
			a, b := i-5, i-5+(i%5+1)%5-i%5
			fmt.Fprintf(&d, "    needs: [t%d, t%d]\n    trigger: count(upstream, .state == \"success\") >= 1\n    env: {N: \"${{ tasks.t%d.output.n }}\"}\n", a, b, a)
		}
	}
	c.WriteString("given:\n")
	for i := range 20 {
		fmt.Fprintf(&c, "  t%d: {output: {n: %d}, takes: 10s}\n", i, i)
	}
	c.WriteString("cases:\n")
	for i := range 1000 {
		fmt.Fprintf(&c, "  case %d:\n    params: {day: d%d}\n    given: {t%d: [failed, {output: {n: 7}}]}\n    expect: {t19: {state: success, attempts: %d}, t%d: {attempts: 2, sees: {params.day: d%d}}}\n    verdict: success\n",
			i, i, i%19, 1, i%19, i)
	}
	return d.String(), c.String()
}

func BenchmarkAThousandCasesOfTwentyTasks(b *testing.B) {
	dag, cases := thousand()
	for b.Loop() {
		s, ds := suiteOf(b, "thousand.yaml", []byte(dag), "thousand.test.yaml", []byte(cases))
		if len(ds) > 0 {
			b.Fatal(ds[0])
		}
		for _, r := range s.Run() {
			if !r.Passed() {
				b.Fatalf("%s: %v %v", r.Case.Name, r.Err, r.Diagnostics)
			}
		}
	}
}
