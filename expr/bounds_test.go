package expr

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"weft/tests/cputime"
)

// adversarial are expressions that want more than their share; params is what they are given.
func adversarial() []string {
	nested := func(open, shut string, n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(shut, n) }
	grown := func(form string, n int) string {
		src := `"0123456789"`
		for range n {
			src = fmt.Sprintf(form, src)
		}
		return src
	}
	return []string{
		`1..1000000000`, `len(1..1000000000)`, `sum(1..10000000)`, `-9223372036854775807..9223372036854775807`, `map(1..10000, 1..10000)`, `count(map(1..10000, half), # == half)`,
		nested("(", ")", 99), nested("[", "]", 99), nested("(", ")", 5000), nested("-", "", 8000), nested("{\"a\": ", "}", 99), nested("len([", "])", 45),
		strings.Repeat("1+", 4000) + "1", strings.Repeat(`"a"+`, 1900) + `"a"`, strings.Repeat("true ? 1 : ", 900) + "1", strings.Repeat("9", 8000), `"` + strings.Repeat("x", 8000) + `"`,
		grown(`replace(%s, "", "0123456789")`, 6), grown(`join(split(%s, ""), "0123456789")`, 6), grown(`join(map(1..100, %s), "")`, 1), grown(`toJSON(%s)`, 40), grown(`toJSON([%s, %[1]s])`, 9),
		`"` + strings.Repeat("a", 30) + `" matches "(a*)*b"`, `half matches "(a|aa)+$"`, `half matches "(.*)*(.*)*(.*)*x"`, `"x" matches "((((a{99}){99}){99}){99})"`, `"x" matches "` + strings.Repeat("(a?){50}", 100) + `"`,
		`half matches half`, `filter(1..10000, long matches "b$")`, `replace(long, "ab", long)`, `split(long, "")`, `join(list, long)`, `upper(long)`, `long + long + long`, `long == long + "x"`,
		`sort(list)`, `unique(list)`, `sort(texts)`, `filter(list, # in list)`, `map(list, [#, #, #, #])`, `list == list`, `max(list)`, `min(texts)`, `toJSON(list)`, `toJSON(deep)`, `fromJSON(toJSON(deep))`, `deep == deep`,
		`fromJSON("` + strings.Repeat("[", 4000) + `")`, `date("` + strings.Repeat("9", 8000) + `")`, `duration("` + strings.Repeat("9h", 4000) + `")`, `strftime(date("2026-01-01"), long)`, `2 ** 2 ** 2 ** 2 ** 2 ** 2`,
		`trim(long, half)`, `contains(long, half + "c")`, `startsWith(long, half)`, `long[0:1000000] + long[1:1000000]`, `list[0:199999]`, `reduce(list, # + #acc)`, `any(list, any(list, # == 1))`,
	}
}

// TestNoExpressionTakesMoreThanItsShare: each is refused or answers; either way little is made and
// little is walked. The promise is 1 MB and 10 ms. What is counted here is every byte allocated, garbage
// and the parser's own included, so the bound is a multiple; and time is only a guard, a hundred times
// as generous: the figures are in the log and in BenchmarkAdversarial.
func TestNoExpressionTakesMoreThanItsShare(t *testing.T) {
	vars := greedy()
	var slowest time.Duration
	var most uint64
	for _, src := range adversarial() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var v any
		var err error
		took := cputime.Of(func() { v, err = Eval(src, vars) })
		runtime.ReadMemStats(&after)
		made := after.TotalAlloc - before.TotalAlloc
		slowest, most = max(slowest, took), max(most, made)
		if took > time.Second || made > 16<<20 {
			t.Errorf("%.60s takes %v and makes %d KB", src, took, made>>10)
		}
		if made > 4<<20 || took > 10*time.Millisecond {
			t.Logf("%8s %6d KB  %.60s: kind %v, %.60v", took.Round(10*time.Microsecond), made>>10, src, kindOf(v), err)
		}
	}
	t.Logf("the slowest took %v, the largest made %d KB", slowest.Round(10*time.Microsecond), most>>10)
}

func BenchmarkAdversarial(b *testing.B) {
	vars := greedy()
	for _, src := range adversarial() {
		b.Run(strings.ReplaceAll(src[:min(len(src), 30)], "/", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Eval(src, vars)
			}
		})
	}
}
