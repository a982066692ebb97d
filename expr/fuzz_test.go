package expr

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"weft/tests/cputime"
)

var seeds = []string{
	`params.name == full && params.name in [small, "x"]`, `run.ds >= 2026-01-02`, `params.name == “full”`, `a.success || a.state == "success"`, `params.name | upper`,
	`${{ params.n }} > 2`, `{{ params.n }} > 2`, `count(upstream, state == "failed") > 1`, `run.dag_id`, `>= 2`,
	`1 + 2 * 3`, `params.n > 2 && "a" in ["a"]`, `${{ tasks.a.output.files[0].name }}`, `filter(params.list, # > 1) | map(# * 2)`,
	`contains("abc", 'b') ? upper("x") : null`, `{"a": [1, 2.5e3, {b: true}]}`, `success(a) && count(upstream, .state == "success") >= 2`,
	`${{ '}}' }} and ${{ "\"" }}`, "`a``b`", `let x = 1; x`, `{{ ds }}`, `${x}`, `a ?? b ?. c`, `not x not in y`, `"\u00e9" matches "^(a|b)*$"`,
	`strftime(run.logical_date, "%Y")`, `duration("1d2h")`, `date("2026-01-02")`, `1..5`, `x[1:]`, `any(tasks.part.instances, .index == 1)`, `b"x"`, `#`, `.x`, "a\n+\nb",
}

func FuzzEval(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var v any
		var err error
		took := cputime.Of(func() { v, err = Eval(src, world()) })
		if e, ok := err.(*Error); err != nil && (!ok || e.Msg == "" || e.Offset < 0 || e.Offset > runes(src)) {
			t.Fatalf("%q: error %#v", src, err)
		}
		if err == nil {
			if kindOf(v) == KindAny {
				t.Fatalf("%q gives %T", src, v)
			}
			if again, err := Eval(src, world()); err != nil || mustJSON(again) != mustJSON(v) {
				t.Fatalf("%q gives %s, then %s, %v", src, mustJSON(v), mustJSON(again), err)
			}
		}
		noGo(t, src, err)
		if took > 2*time.Second { // far above what is promised: the fuzzer's own counting is in it
			t.Fatalf("%q takes %v", src, took)
		}
	})
}

func mustJSON(v any) string {
	b, err := EncodeJSON(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// noGo holds a message to the user's words.
func noGo(t *testing.T, src string, err error) {
	if err == nil {
		return
	}
	for _, word := range []string{"interface", "map[", "[]", "reflect", "runtime", "nil pointer", "goroutine", "float64", "*ast", "expr.", "<nil>"} {
		if strings.Contains(err.Error(), word) && !strings.Contains(src, word) {
			t.Fatalf("%q: the message says %q: %v", src, word, err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
		f.Add("x " + s + " ${{ y }}")
	}
	f.Fuzz(func(t *testing.T, tmpl string) {
		parts, p := Split(tmpl)
		var b strings.Builder
		at := 0
		for _, part := range parts {
			if part.Expr {
				b.WriteString("${{")
				at += 3
			}
			if part.Offset != at {
				t.Fatalf("%q: %+v stands at %d", tmpl, part, at)
			}
			b.WriteString(part.Text)
			at += runes(part.Text)
			if part.Expr {
				b.WriteString("}}")
				at += 2
			}
		}
		if p == nil && b.String() != tmpl || p != nil && (!strings.HasPrefix(tmpl, b.String()) || p.Offset != at) {
			t.Fatalf("%q is split into %q, %v", tmpl, b.String(), p)
		}
		if !HasExpr(tmpl) && (len(parts) > 1 || p != nil) {
			t.Fatalf("%q holds no expression, but is split into %v, %v", tmpl, parts, p)
		}
	})
}

func FuzzCheck(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		sc := place()
		var values, template, trigger []Problem
		took := cputime.Of(func() {
			_, values = Check(src, sc)
			_, template = CheckTemplate(src, sc)
			_, trigger = CheckTrigger(src, sc)
		})
		for _, p := range append(append(values, template...), trigger...) {
			if p.Code == "" || p.Msg == "" || p.Offset < 0 || p.Len < 1 || p.Offset+p.Len > max(1, runes(src))+1 {
				t.Fatalf("%q: problem %+v", src, p)
			}
			if !utf8.ValidString(p.Msg) && utf8.ValidString(src) {
				t.Fatalf("%q: the message is torn: %q", src, p.Msg)
			}
		}
		if took > 2*time.Second {
			t.Fatalf("%q takes %v", src, took)
		}
		// What the check of a trigger lets pass, Judge can read.
		if len(trigger) == 0 {
			if _, err := readTrigger(src); err != nil {
				t.Fatalf("%q passes the check, but %v", src, err)
			}
		}
		// What Eval cannot even read, the check finds.
		if _, err := compile(src); err != nil && len(values) == 0 {
			t.Fatalf("%q passes the check, but %v", src, err)
		}
	})
}
