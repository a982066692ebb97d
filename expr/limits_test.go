package expr

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"weft/tests/cputime"
)

// greedy are expressions that try to take more than 10 ms or 1 MB.
func greedy() map[string]any {
	long := strings.Repeat("ab", 1<<20)
	list := make([]any, 200_000)
	texts := make([]any, 5_000)
	deep := any(1)
	for i := range list {
		list[i] = len(list) - i
	}
	for i := range texts {
		texts[i] = "some text that is compared"
	}
	for range 5000 {
		deep = []any{deep}
	}
	return map[string]any{"long": long, "half": long[:1<<19], "list": list, "texts": texts, "deep": deep}
}

func TestGreedyExpressionsAreStopped(t *testing.T) {
	vars := greedy()
	doubled := `"0123456789abcdef"`
	for range 12 {
		doubled = "replace(" + doubled + `, "", "0123456789abcdef")`
	}
	for _, src := range []string{
		`long + long`, doubled, `replace(half, "a", half)`, `split(long, "")`, `upper(long)`, `join(map(1..10000, half), "")`,
		`map(1..10000, half + "x")`, `map(list, [#, #, #])`, `sort(list)`, `unique(list)`, `toJSON(list)`, `toJSON(deep)`, `sort([deep, deep])`,
		`count(1..10000, half matches "(a|b)*c")`, `half matches "(a*)*(b*)*(c{0,100}){0,9}d"`, `long matches "x"`,
		`count(1..10000, list == list)`, `count(list, any == 1)`, `filter(texts, contains(half, #))`, `count(1..10000, fromJSON(toJSON(texts)) == null)`,
		`fromJSON(long)`, `count(1..10000, 5 in list)`, `"a" matches "((a{100}){100}){100}"`, `strftime(date("2026-01-01"), half)`,
		`[` + strings.Repeat(`long[0:1000] + "x",`, 700) + `1]`, `trim(half, half)`, `duration(half)`, `count(1..10000, lower(half) == upper(half))`,
		`"x" matches half`, `{"a": 1..10000, "b": 1..10000, "c": 1..10000, "d": map(1..10000, 1..9999)}`, strings.Repeat("!", 15000) + "true",
	} {
		start := time.Now()
		v, err := Eval(src, vars)
		if err == nil {
			t.Errorf("%.80s gives a value of kind %v", src, kindOf(v))
		}
		t.Logf("%8s  %.60s: %.80v", time.Since(start).Round(10*time.Microsecond), src, err)
	}
}

func TestOrdinarySizesPass(t *testing.T) {
	vars := greedy()
	vars["files"] = make([]any, 10_000)
	for i := range vars["files"].([]any) {
		vars["files"].([]any)[i] = map[string]any{"name": "part-0001.csv", "size": i}
	}
	for _, src := range []string{
		`long`, `list`, `list[199999]`, `len(list)`, `len(files)`, `filter(files, .size > 10)`, `map(files, .name)`, `sum(files, .size)`,
		`count(files, .name endsWith ".csv" && .size > 3)`, `filter(files, .name matches "^part-\\d+")`, `sort(texts)`, `unique(texts)`, `join(texts, "\n")`,
		`split(half[0:20000], "a")`, `toJSON(texts)`, `1..10000`,
	} {
		if _, err := Eval(src, vars); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// What the package is built from says what it can do: no clock, no chance, no files, no goroutines.
func TestPurity(t *testing.T) {
	allowed := strings.Fields(`bytes cmp container/list encoding/json errors fmt io maps math math/bits reflect regexp regexp/syntax
		slices strconv strings time unicode unicode/utf16 unicode/utf8`)
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		body, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), body, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if !slices.Contains(allowed, path) && !strings.HasPrefix(path, "github.com/expr-lang/expr") {
				t.Errorf("%s imports %s: this package decides by what it is given alone", e.Name(), path)
			}
		}
		for _, call := range []string{"time.Now", "time.Since", "time.Local", "\tgo func", "\tgo "} {
			if strings.Contains(string(body), call) {
				t.Errorf("%s says %q: this package has no clock and no goroutines", e.Name(), strings.TrimSpace(call))
			}
		}
	}
}

func BenchmarkEval(b *testing.B) {
	var c Cache
	vars := map[string]any{"params": map[string]any{"n": 3}}
	for b.Loop() {
		if _, err := c.Eval(`params.n > 2 && params.n < 5`, vars); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudgeFanIn(b *testing.B) {
	var c Cache
	f := crowd{}
	for b.Loop() {
		if _, err := c.Judge(`count(upstream, .state == "success") >= 8000`, f); err != nil {
			b.Fatal(err)
		}
	}
}

type crowd struct{}

func (crowd) State(string) (string, bool) { return "", false }
func (crowd) Upstream() Population {
	return Population{Counts: map[string]int{"success": 7000, "failed": 100}, Open: 2900}
}
func (crowd) Instances(string) (Population, bool) { return Population{}, false }

// A check is as bounded as a run: what is wrong a thousand times costs no more than a moment.
func TestCheckOfMuchNonsenseIsQuick(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("a.", 4000) + "a", strings.Repeat("a+", 4000) + "a", strings.Repeat("f(", 99) + strings.Repeat("a+", 1000) + "a" + strings.Repeat(")", 99),
		strings.Repeat("a?b:", 1900) + "c", strings.Repeat("tasks.a-", 900) + "1", "[" + strings.Repeat("x,", 1900) + "]", strings.Repeat("(", 99) + strings.Repeat("f()+", 900) + "1" + strings.Repeat(")", 99),
		strings.Repeat("a[", 99) + "1" + strings.Repeat("]", 99), strings.Repeat("success(a-b-c)&&", 450) + "true", strings.Repeat("a**", 1900) + "a", strings.Repeat("not in ", 900), strings.Repeat("-", 8000), strings.Repeat("not ", 1900) + "x",
		strings.Repeat("(a+", 99) + strings.Repeat("f(1)+", 400) + "1" + strings.Repeat(")", 99),
	} {
		var values, trigger []Problem
		took := cputime.Of(func() {
			_, values = Check(src, place())
			_, trigger = CheckTrigger(src, place())
		})
		if len(values) == 0 || len(trigger) == 0 {
			t.Errorf("%.60s is found right", src)
		}
		t.Logf("%8s %d %d %.60s", took.Round(10*time.Microsecond), len(values), len(trigger), src)
		if took > 2*time.Second {
			t.Errorf("%.60s takes %v", src, took)
		}
	}
}
