package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// section5 is the table of the language, word for word, over upstream tasks that have all finished:
// N all, S success, K skipped, F failed, U upstream_failed, D = N.
var section5 = map[string]struct{ miss, skip, run func(N, S, K, F, U int) bool }{
	"all_success": {
		func(N, S, K, F, U int) bool { return U > 0 || F > 0 },
		func(N, S, K, F, U int) bool { return K > 0 && U+F == 0 },
		func(N, S, K, F, U int) bool { return S == N },
	},
	"all_failed":  {no, func(N, S, K, F, U int) bool { return S > 0 || K > 0 }, func(N, S, K, F, U int) bool { return F+U == N }},
	"all_done":    {no, no, yes},
	"all_skipped": {no, func(N, S, K, F, U int) bool { return S+F+U > 0 }, func(N, S, K, F, U int) bool { return K == N }},
	"one_success": {
		func(N, S, K, F, U int) bool { return S == 0 && K < N },
		func(N, S, K, F, U int) bool { return K == N },
		func(N, S, K, F, U int) bool { return S >= 1 },
	},
	"one_failed":  {no, func(N, S, K, F, U int) bool { return F == 0 && U == 0 }, func(N, S, K, F, U int) bool { return F+U >= 1 }},
	"one_done":    {no, func(N, S, K, F, U int) bool { return F == 0 && S == 0 }, func(N, S, K, F, U int) bool { return F+S >= 1 }},
	"none_failed": {func(N, S, K, F, U int) bool { return U > 0 || F > 0 }, no, func(N, S, K, F, U int) bool { return S+K == N }},
	"none_failed_min_one_success": {
		func(N, S, K, F, U int) bool { return U > 0 || F > 0 },
		func(N, S, K, F, U int) bool { return K == N },
		func(N, S, K, F, U int) bool { return S+K == N && S >= 1 },
	},
	"none_skipped": {no, func(N, S, K, F, U int) bool { return K > 0 }, func(N, S, K, F, U int) bool { return K == 0 }},
	"always":       {no, no, yes},
	"all_done_min_one_success": {
		func(N, S, K, F, U int) bool { return K == 0 && S == 0 },
		func(N, S, K, F, U int) bool { return K > 0 },
		func(N, S, K, F, U int) bool { return K == 0 && S >= 1 },
	},
}

func yes(_, _, _, _, _ int) bool { return true }
func no(_, _, _, _, _ int) bool  { return false }

// TestPossibleIsTheTable: what a rule is said to be able to do is what the table gives in some world,
// for one to three upstream tasks and every set of outcomes that each may have.
func TestPossibleIsTheTable(t *testing.T) {
	for _, rule := range triggerRules {
		asked := 0
		var sets func(u upstreamOutcomes)
		sets = func(u upstreamOutcomes) {
			if len(u) > 0 {
				asked++
				if got, want := byRule(rule, u), inSomeWorld(t, rule, u); got != want {
					t.Fatalf("%s over %v: %+v, in the worlds there are %+v", rule, u, got, want)
				}
			}
			if len(u) == 3 {
				return
			}
			for o := outcomes(1); o <= mayEvery; o++ {
				sets(append(slices.Clone(u), o))
			}
		}
		sets(nil)
		if asked != 15+15*15+15*15*15 {
			t.Errorf("%s was asked %d times", rule, asked)
		}
	}
}

// inSomeWorld tries every end of the upstream tasks.
func inSomeWorld(t *testing.T, rule string, u upstreamOutcomes) triggered {
	var got triggered
	row := section5[rule]
	var ends func(at, S, K, F, U int)
	ends = func(at, S, K, F, U int) {
		if at == len(u) {
			run, miss, skip := row.run(at, S, K, F, U), row.miss(at, S, K, F, U), row.skip(at, S, K, F, U)
			if run && (miss || skip) || miss && skip || !run && !miss && !skip {
				t.Fatalf("%s with S=%d K=%d F=%d U=%d does not say one thing", rule, S, K, F, U)
			}
			got.run = got.run || run
			if miss {
				got.unless |= mayMiss
			}
			if skip {
				got.unless |= maySkip
			}
			return
		}
		for _, s := range states {
			switch o := u[at] & s.of; o {
			case maySucceed:
				ends(at+1, S+1, K, F, U)
			case maySkip:
				ends(at+1, S, K+1, F, U)
			case mayFail:
				ends(at+1, S, K, F+1, U)
			case mayMiss:
				ends(at+1, S, K, F, U+1)
			}
		}
	}
	ends(0, 0, 0, 0, 0)
	return got
}

// TestManyUpstreamIsQuick: a trigger over many tasks is not tried in every world.
func TestManyUpstreamIsQuick(t *testing.T) {
	var b strings.Builder
	b.WriteString("verdict: strict\ntasks:\n  off: {run: echo, when: false}\n")
	names := []string{"off"}
	for _, r := range "abcdefghijklmnopqrstuvwxyz" {
		b.WriteString("  " + string(r) + ": {run: echo}\n")
		names = append(names, string(r))
	}
	b.WriteString("  all: {needs: [" + strings.Join(names, ", ") + "], trigger: 'count(upstream, .state == \"success\") >= 27', run: echo}\n")
	b.WriteString("  but_one: {needs: [" + strings.Join(names, ", ") + "], trigger: 'count(upstream, .state == \"success\") >= 26', run: echo}\n")
	_, found := Parse("m.yaml", []byte(b.String()), online())
	if len(found) != 1 || found[0].Code != gNever || !strings.Contains(found[0].Message, `"all"`) {
		t.Errorf("found\n%s", show(found))
	}
}

// TestManyTriggersAreQuick: a file of triggers that never hold does not try all their worlds.
func TestManyTriggersAreQuick(t *testing.T) {
	var b strings.Builder
	b.WriteString("verdict: strict\ntasks:\n  a: {run: echo}\n  b: {run: echo}\n  c: {run: echo}\n  d: {run: echo}\n  e: {run: echo}\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "  t%d: {needs: [a, b, c, d, e], trigger: success(a) && failed(a) && %d > 0, run: echo}\n", i, i)
	}
	d, found := Parse("m.yaml", []byte(b.String()), online())
	told := 0
	for _, f := range found {
		if f.Code == gNever {
			told++
		}
	}
	if least := maxTries / 243; d == nil || told < least || told > least+1 {
		t.Errorf("%d of them are told, want %d", told, least)
	}
}
