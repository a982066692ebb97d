package expr

import (
	"fmt"
	"strings"
	"testing"
)

// place is the scope of these tests: a task's `with` after tasks clean, part (mapped) and load-it.
func place() *Scope {
	return &Scope{
		Roots: map[string]Type{
			"dag": DAGType(), "run": RunType(false), "index": Of(KindInt), "item": {},
			"params": MapOf(map[string]Type{
				"n": Of(KindInt), "name": Of(KindString), "rate": Of(KindNumber), "flag": Of(KindBool),
				"list": ListOf(Of(KindInt)), "rows": ListOf(MapOf(map[string]Type{"size": Of(KindInt)}, false)), "any": {},
				"start-date": Of(KindString),
			}, false),
			"vars": Of(KindObject), "env": MapOf(map[string]Type{"HOME": Of(KindString)}, false), "secrets": Of(KindObject),
		},
		Elsewhere: map[string]string{"poke": "poke is the number of a sensor's poke, in until and fail_when"},
		Tasks: map[string]*TaskScope{
			"clean":   {Output: MapOf(map[string]Type{"exists": Of(KindBool), "job_run_id": Of(KindString)}, false)},
			"part":    {Output: Of(KindInt), Mapped: true, Artifacts: []string{"piece"}},
			"load-it": {Artifacts: []string{"model"}},
		},
	}
}

func say(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %d+%d %s", p.Code, p.Offset, p.Len, p.Msg)
		if len(p.Suggest) > 0 {
			fmt.Fprintf(&b, " → %s", strings.Join(p.Suggest, ", "))
		}
		if p.Guess {
			b.WriteByte('?')
		}
		if p.Fix != "" {
			fmt.Fprintf(&b, " ⇒ %s", p.Fix)
		}
		if p.Help != "" {
			fmt.Fprintf(&b, " (%s)", p.Help)
		}
		if p.Whole != "" {
			fmt.Fprintf(&b, " ⇔ %s", p.Whole)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestCheckIsSilentAndKnowsTheType(t *testing.T) {
	for src, want := range map[string]string{
		`params.n + 1`: "an integer", `params.n / 2`: "a number", `params.n * params.rate`: "a number", `-params.n`: "an integer",
		`params.name + "x"`: "a text", `params.flag && params.n > 2`: "a boolean", `params.any`: "anything", `params.any + 1`: "anything",
		`run.logical_date + duration("1d")`: "a time", `run.logical_date - run.started_at > duration("1h")`: "a boolean",
		`tasks.clean.output.exists`: "a boolean", `tasks.part.output`: "a list", `tasks.part.output[0]`: "an integer", `sum(tasks.part.output)`: "an integer",
		`tasks["load-it"].output.x.y`: "anything", `tasks["load-it"].artifacts.model`: "a map", `tasks["load-it"].artifacts.model.files`: "an integer",
		`tasks.part.artifacts.piece`: "a list", `tasks.part.artifacts.piece[0].uri`: "a text", `tasks.part.instances[0].artifacts.piece.size`: "an integer",
		`tasks.clean.artifacts.any`: "anything", `tasks.part.instances[0].state`: "a text",
		`default(tasks.clean.output.job_run_id, "none")`: "a text", `params.n == null`: "a boolean", `item.key`: "anything",
		`map(params.rows, .size)`: "a list", `filter(params.rows, .size > 3)[0].size`: "an integer", `count(params.list, # > 1)`: "an integer",
		`sum(params.rows, .size)`: "an integer", `map(params.list, #index + #)`: "a list", `fromJSON("1").x`: "anything", `vars.whatever.it`: "anything",
		`params.flag ? 1 : 2.5`: "a number", `params.flag ? 1 : "x"`: "anything", `contains(params.list, 3)`: "a boolean", `"a" in {"a": 1}`: "a boolean",
		`params.name matches "^a"`: "a boolean", `strftime(run.logical_date, "%Y")`: "a text", `max(1, 2.5)`: "a number", `first(params.list)`: "an integer",
		`1 in params.list`: "a boolean", `params["n"]`: "an integer", `{"a": params.n}.a`: "an integer", `params.list[1:]`: "a list", `params.name[0:1]`: "a text",
		`not contains(params.name, "x")`: "a boolean", `contains(params.name, "${{ github.sha }}")`: "a boolean", `${{ '${{ params.n }}' }}`: "a text", `tasks.clean?.output?.exists`: "a boolean",
		`tasks.clean.error`: "a text", `tasks.clean.error != null`: "a boolean", `contains(tasks["load-it"].error ?? "", "timeout")`: "a boolean",
		`tasks.part.error ?? "none"`: "a text", `params.n-index`: "an integer", `params.any-1`: "anything", `params["start-date"]`: "a text",
		`params.any.a-params.n-index`: "anything", `len(params.list)-len(params.list)`: "an integer", `params.n -index`: "an integer", `secrets.TOKEN`: "a text",
	} {
		info, problems := Check(src, place())
		if len(problems) > 0 || info.Type.Kind.String() != want {
			t.Errorf("%s\n got %s, %s\nwant %s", src, info.Type.Kind, say(problems), want)
		}
	}
}

func TestCheckFinds(t *testing.T) {
	for _, c := range [][2]string{
		// syntax
		{`1 +`, `E301 2+1 the expression ends too soon`},
		{`(1 + 2`, `E301 5+1 the expression ends too soon`},
		{`1 + ) 2`, `E301 4+1 ")" cannot stand here`},
		{`"abc`, `E301 0+1 this text is never closed (close it with ")`},
		{``, `E301 0+1 the expression is empty`},
		{`12ab`, `E301 2+1 this is no number (a text stands in quotes)`},
		{`let x = 1; x`, `E301 0+3 an expression is one value, without variables of its own (repeat the part, or give it a task of its own)`},
		{`params.name.upper()`, `E301 0+19 values have no methods (call a function: upper(text))`},
		{`a @ b`, `E301 2+1 "@" is no part of an expression`},
		{`${{ params.n }} > 2`, `E301 15+4 the ${{ }} does not hold the whole expression (write one ${{ }} around all of it, or none) ⇔ params.n > 2`},
		{`1 /* x */`, `E301 2+2 an expression holds no comments (write the comment after # in the YAML)`},
		{strings.Repeat("(", 200) + "1", `E301 100+1 the brackets are nested too deeply`},
		{`${{ params.n`, `E302 0+3 this ${{ is never closed (close it with }}; a literal ${{ is ${{ '${{' }})`},
		// names
		{`parms.n`, `E303 0+5 "parms" is not known here → params`},
		{`params.nme`, `E303 7+3 params has no member "nme" → name`},
		{`params["nme"]`, `E303 8+3 params has no member "nme" → name`},
		{`run.logical_dat`, `E303 4+11 run has no member "logical_dat" → logical_date`},
		{`tasks.clean.outputs`, `E303 12+7 tasks.clean has no member "outputs" → output`},
		{`tasks.clean.output.exits`, `E303 19+5 tasks.clean.output has no member "exits" → exists`},
		{`tasks.cleen.output`, `G201 6+5 there is no task "cleen" → clean`},
		{`tasks.load-it.output`, `G201 6+4 there is no task "load" (a name with "-" is written tasks["load-it"])`},
		{`tasks`, `E303 0+5 tasks must be followed by a task's name (write tasks.X.output; X is a task)`},
		{`tasks[params.name].output`, `E303 6+11 a task must be named outright, so that what depends on what is known before the run (write tasks.X or tasks["X"])`},
		{`poke > 2`, `E303 0+4 "poke" is not known here (poke is the number of a sensor's poke, in until and fail_when)`},
		{`clean.output`, `E303 0+5 "clean" is not known here → tasks.clean`},
		{`ds`, `E303 0+2 "ds" is not known here → run.ds`},
		{`repalce("a", "b", "c")`, `E303 0+7 there is no function "repalce" → replace`},
		{`length(params.list)`, `E303 0+6 there is no function "length" (the function is len)`},
		{`ToJson(1)`, `E303 0+6 there is no function "ToJson" → toJSON`},
		{`upper`, `E303 0+5 "upper" is not known here (it is a function: upper(text))`},
		{`success(clean)`, `E303 0+7 success(…) belongs into a trigger (write tasks.X.state == "success")`},
		// arguments
		{`len()`, `E304 0+5 len takes 1 argument, not 0 (write len(x))`},
		{`trim("a", "b", "c")`, `E304 0+19 trim takes 1 or 2 arguments, not 3 (write trim(text) or trim(text, "characters"))`},
		{`upper(params.n)`, `E304 6+8 upper does not take an integer here (write upper(text))`},
		{`strftime(run.ds, "%Y")`, `E304 9+6 strftime does not take a text here (write strftime(time, "%Y-%m-%d"))`},
		{`strftime(run.logical_date, "%Q")`, `E304 27+4 cannot format: %Q is no verb of strftime`},
		{`duration("1x")`, `E304 9+4 cannot read "1x" as a duration: write it like 1d2h30m, each number with its unit`},
		{`date("soon")`, `E304 5+6 cannot read "soon" as a date: write it like 2026-01-31 or 2026-01-31T12:00:00Z`},
		{`params.name matches "("`, `E304 20+3 cannot read "(" as a regular expression`},
		{`filter(params.n, # > 1)`, `E304 7+8 filter does not take an integer here (write filter(list, .x == 1))`},
		{`sum(tasks.part.instances, .state)`, `E304 26+6 sum adds numbers or durations, and this is a text`},
		{`max(1, "a")`, `E304 7+3 max cannot compare an integer and a text (write the number without quotes, or make one of the text: fromJSON(…))`},
		// types
		{`params.n + params.name`, `E305 0+22 an integer + a text has no meaning (put values into text as in: a-${{ x }})`},
		{`params.n == "3"`, `E305 0+15 an integer never equals a text (write the number without quotes, or make one of the text: fromJSON(…))`},
		{`params.n && params.flag`, `E305 0+8 this is an integer, but truth is asked here (compare it: … > 0)`},
		{`!params.list`, `E305 1+11 this is a list, but truth is asked here (ask for its size: len(…) > 0)`},
		{`run.logical_date > "2026-01-01"`, `E305 0+31 a time > a text has no meaning (make a time of the text: date("2026-01-31"))`},
		{`filter(params.rows, .size)`, `E305 20+5 this is an integer, but truth is asked here (compare it: … > 0)`},
		{`params.list.size`, `E305 12+4 a list has no members (name an element: params.list[0], or each of them: map(params.list, .size))`},
		{`params.list["a"]`, `E305 13+1 a list has no members (name an element: params.list[0], or each of them: map(params.list, .a))`},
		{`"a" in params.name`, `E305 0+18 a text in a text has no meaning (write contains(text, part))`},
		{`1 / 0`, `E305 0+5 this divides by zero`},
		// other languages
		{`params.n = 3`, `E307 9+1 "=" assigns, and an expression assigns nothing (compare with ==)`},
		{`params.n === 3`, `E307 9+3 "===" is JavaScript's (compare with ==)`},
		{`params.n <> 3`, `E307 9+2 "<>" is SQL's (compare with !=)`},
		{`params.flag AND true`, `E307 12+3 "AND" is another language's (write &&)`},
		{`params.n is null`, `E307 9+2 "is" is another language's ⇒ ==`},
		{`params.n is defined`, `E307 9+2 "is" is another language's (what is not there is null: x != null)`},
		{`params.n is not null`, `E307 9+2 "is" is another language's (compare with ==, as in x == null)`},
		{`clean`, `E303 0+5 "clean" is not known here → tasks.clean.output?`},
		{`len(clean) > 2`, `E303 4+5 "clean" is not known here → tasks.clean.output?`},
		{`clean["output"]`, `E303 0+5 "clean" is not known here → tasks.clean`},
		{`tasks.clean.state == "succeeded"`, `E305 22+9 tasks.clean.state is never "succeeded" → success`},
		{`1 if params.flag else 2`, `E307 2+2 "if" is another language's (a choice is written condition ? a : b)`},
		{`params.flag == True`, `E307 15+4 "True" is another language's → true`},
		{`{{ params.n }}`, `E307 0+2 "{{ }}" is Jinja's (names stand alone in an expression; in a value write ${{ … }}) ⇔ params.n`},
		{`${params.n}`, `E307 0+2 "${x}" is the shell's (names stand alone in an expression; in a value write ${{ … }})`},
		{`$HOME`, `E307 0+5 "$HOME" is the shell's (names stand without $; the environment is env.HOME)`},
		{`params.name | upper`, `E307 12+7 "|" without parentheses is Jinja's filter ⇒ | upper()`},
		{`params.name | length`, `E307 12+8 "|" without parentheses is Jinja's filter ⇒ | len()`},
		{`"A" == params.name | upper`, `E307 19+7 "|" without parentheses is Jinja's filter (call the function: upper(text))`},
		{`contains("A" + "B", params.name | upper)`, `E307 32+7 "|" without parentheses is Jinja's filter ⇒ | upper()`},
		{`params.flag == clean.success`, `E303 15+13 "clean.success" is not known here; a task has one state (write tasks.clean.state == "success")`},
		{`contains(tasks.clean.failed ?? "", "x")`, `E303 9+18 "tasks.clean.failed" is not known here; a task has one state (write tasks.clean.state == "failed")`},
		{`clean.error != null`, `E303 0+5 "clean" is not known here → tasks.clean`},
		{`(params.flag ? clean.success : true)`, `E303 15+13 "clean.success" is not known here; a task has one state ⇒ tasks.clean.state == "success"`},
		{`'${{ params.name }}' == "full"`, `E307 0+20 a text in an expression is no template: this ${{ }} stays as it is (write params.name without quotes)`},
		{`${{ params.flag || false }} && params.flag`, `E301 27+15 the ${{ }} does not hold the whole expression (write one ${{ }} around all of it, or none) ⇔ (params.flag || false) && params.flag`},
		{`${{ params.name }} == '${{ params.name }}'`, `E301 18+5 the ${{ }} does not hold the whole expression (write one ${{ }} around all of it, or none)`},
		{`params.n | int`, `E307 9+5 "|" without parentheses is Jinja's filter (values keep their type; fromJSON(text) makes a number of a text)`},
		{`params.name | replace`, `E307 12+9 "|" without parentheses is Jinja's filter (call the function: replace(text, "old", "new"))`},
		{`params.name | slugify`, `E307 12+9 "|" without parentheses is Jinja's filter, and there is no function "slugify" (known here: all, any, contains, count, date, default, duration, endsWith, filter, first, …)`},
		// texts and dates without quotes
		{`params.name == full`, `E303 15+4 "full" is not known here; a text stands in quotes ⇒ "full"`},
		{`full != params.name`, `E303 0+4 "full" is not known here; a text stands in quotes ⇒ "full"`},
		{`params.name in [full, "delta", nulls]`, `E303 16+4 "full" is not known here; a text stands in quotes ⇒ "full"` + "\n" + `E303 31+5 "nulls" is not known here; a text stands in quotes ⇒ "nulls"`},
		{`params.name == clean`, `E303 15+5 "clean" is not known here → tasks.clean.output, "clean"?`},
		{`run.type == manual`, `E303 12+6 "manual" is not known here; a text stands in quotes ⇒ "manual"`},
		{`run.type == manaul`, `E303 12+6 "manaul" is not known here; a text stands in quotes ⇒ "manual"`},
		{`run.type == weekly`, `E303 12+6 "weekly" is not known here; a text stands in quotes (run.type is "scheduled", "backfill" or "manual")`},
		{`params.name == parms.name`, `E303 15+5 "parms" is not known here → params`},
		{`params.name == indx`, `E303 15+4 "indx" is not known here → index`},
		{`params.name == ds`, `E303 15+2 "ds" is not known here → run.ds`},
		{`params.name == None`, `E307 15+4 "None" is another language's → null?`},
		{`params.n == nul`, `E303 12+3 "nul" is not known here → null?`},
		{`params.name == 2026-01-02`, `E305 15+10 this is 2026 minus 1 minus 2; a date is text in quotes ⇒ "2026-01-02"`},
		{`run.ds >= 2026-10-08`, `E305 10+10 this is 2026 minus 10 minus 8; a date is text in quotes ⇒ "2026-10-08"`},
		{`run.logical_date > 2026-01-02`, `E305 19+10 this is 2026 minus 1 minus 2; a date is made of a text ⇒ date("2026-01-02")`},
		{`run.logical_date > date(2026-01-02)`, `E305 24+10 this is 2026 minus 1 minus 2; a date is text in quotes ⇒ "2026-01-02"`},
		{`params.name == “full”`, `E301 15+6 “ is a curly quote, and no part of an expression ⇒ "full"`},
		{`params.name == “full`, `E301 15+1 “ is a curly quote, and no part of an expression (write straight quotes: "…")`},
		{`run.ds - 1`, `E305 0+10 a text - an integer has no meaning (a day before is strftime(run.logical_date - duration("1d"), "%Y-%m-%d"))`},
		{`run.ds_nodash + 1`, `E305 0+17 a text + an integer has no meaning (a day later is strftime(run.logical_date + duration("1d"), "%Y%m%d"))`},
		{`run.logical_date - 1`, `E305 0+20 a time - an integer has no meaning (say of what: run.logical_date - duration("1d"))`},
		{`params.name * 2`, `E305 0+15 a text * an integer has no meaning (a text is no number; one that holds a number is made one by fromJSON(…))`},
		// other tools' words
		{`run.dag_id`, `E303 0+10 run has no member "dag_id" ⇒ dag.id`},
		{`run.execution_date`, `E303 4+14 run has no member "execution_date" → logical_date?`},
		{`run.run_id`, `E303 4+6 run has no member "run_id" → id?`},
		{`run.next_ds`, `E303 4+7 run has no member "next_ds" (it is strftime(run.data_interval_end, "%Y-%m-%d"))`},
		{`tasks.clean.status == "success"`, `E303 12+6 tasks.clean has no member "status" → state`},
		{`tasks.part.result`, `E303 11+6 tasks.part has no member "result" → output?`},
		{`name == "x"`, `E303 0+4 "name" is not known here → params.name`},
		{`params.name == name`, `E303 15+4 "name" is not known here → params.name`},
		{`id == "x"`, `E303 0+2 "id" is not known here → dag.id, run.id`},
		{`clean.success && params.flag`, `E303 0+13 "clean.success" is not known here; a task has one state ⇒ tasks.clean.state == "success"`},
		{`params.start-date`, `E303 0+17 a name with "-" is read as a difference ⇒ params["start-date"]`},
		{`params.start-date == "x" && params.n-params.n == 0`, `E303 0+17 a name with "-" is read as a difference ⇒ params["start-date"]`},
		{`params.n - 1 - params.x-y`, `E303 15+10 params has no member "x-y" (known here: any, flag, list, n, name, rate, rows, start-date)`},
		{`params.strat-date + "x"`, `E303 0+17 params has no member "strat-date" (did you mean params["start-date"]?)`},
		{`tasks["load-it"].output.headers.content-type`, `E303 0+44 a name with "-" is read as a difference ⇒ tasks["load-it"].output.headers["content-type"]`},
		{`secrets.tok-en`, `E303 8+6 no secret can have the name "tok-en" (a name has letters, digits and _, no digit first)`},
		{`tasks.part[0].output`, `E305 0+13 a task is no list (write tasks.part.output[0])`},
		{`tasks.part[index].state`, `E305 0+17 a task is no list (write tasks.part.instances[index].state)`},
		{`tasks["clean"][0]`, `E305 0+17 a task is no list (its instances are tasks.X.instances, with ` + "`for_each`" + `)`},
		{`!tasks.clean.failure`, `E303 1+19 "tasks.clean.failure" is not known here; a task has one state ⇒ (tasks.clean.state == "failed")`},
		{`tasks.part.status`, `E303 11+6 tasks.part has no member "status" → state`},
		{`today()`, `E303 0+5 there is no function "today" (an expression has no clock; run.started_at is the run's start, run.ds its day)`},
		{`range(3)`, `E303 0+5 there is no function "range" (a list of integers is written 1..3, both ends in it)`},
		{`filter(params.rows, size > 3)`, `E303 20+4 "size" is not known here; a member of the element begins with a dot ⇒ .size`},
		{`params.name.startswith("a")`, `E301 0+27 values have no methods (call a function: startsWith(text, "part"))`},
		{`7 // 2`, `E307 2+2 "//" is no operator here, and an expression holds no comments (divide with /)`},
		// predicates
		{`any(params.rows, any(params.list, # > 1))`, `E308 17+23 a predicate cannot stand inside another predicate (give the inner one a task of its own, or name the value outside)`},
		// everything in one go
		{`params.nme + upper(1) + foo`, `E303 7+3 params has no member "nme" → name` + "\n" + `E304 19+1 upper does not take an integer here (write upper(text))` + "\n" + `E303 24+3 "foo" is not known here (known here: dag, env, false, index, item, null, params, run, secrets, tasks, …)`},
		// places under ${{ }} and after wide characters
		{`  ${{ "é" + foo }}`, `E303 12+3 "foo" is not known here (known here: dag, env, false, index, item, null, params, run, secrets, tasks, …)`},
	} {
		_, problems := Check(c[0], place())
		if got := say(problems); got != strings.TrimSuffix(c[1], "\n") {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestCheckAsksForWhatThePlaceWants(t *testing.T) {
	sc := place()
	sc.Want = KindBool
	for src, want := range map[string]string{
		`params.n > 1`: "", `params.any`: "", `tasks.clean.output.exists`: "",
		`params.n`:           `E305 0+8 this is an integer, but a boolean is asked for (compare it: … > 0)`,
		`tasks.clean.output`: `E305 0+18 this is a map, but a boolean is asked for (name what is asked: tasks.clean.output.exists)`,
		`params.name`:        `E305 0+11 this is a text, but a boolean is asked for (compare it: … == "text")`,
	} {
		if _, problems := Check(src, sc); say(problems) != want {
			t.Errorf("%s\n got %s\nwant %s", src, say(problems), want)
		}
	}
	sc.Want, sc.Wants = KindAny, []Kind{KindArray, KindObject}
	if _, problems := Check(`params.n`, sc); say(problems) != "E305 0+8 this is an integer, but a list or a map is asked for" {
		t.Errorf("got %s", say(problems))
	}
}

func TestCheckTemplate(t *testing.T) {
	for tmpl, want := range map[string]string{
		`plain`: "", `n=${{ params.n }}`: "", `${{ params.list }}`: "", `x ${{ vars.a }}`: "", `echo ${HOME} {{.Names}} {{ var("x") }} ${x.y}`: "",
		`a ${{ params.list }}`:               `E306 6+11 a list cannot stand inside text (write join(params.list, ",") or toJSON(params.list))`,
		`a ${{ params.rows }}`:               `E306 6+11 a list cannot stand inside text (write toJSON(params.rows))`,
		`a ${{ tasks.clean }}`:               `E306 6+11 a map cannot stand inside text (name what of the task: tasks.clean.output)`,
		`a ${{ run }}`:                       `E306 6+3 a map cannot stand inside text (name one member: run.data_interval_end, run.data_interval_start, run.ds, run.ds_nodash, …)`,
		`a ${{ {"a": 1} }}`:                  `E306 6+8 a map cannot stand inside text (write toJSON({"a": 1}), or name one of its members)`,
		`a ${{ tasks.clean.output }}`:        `E306 6+18 a map cannot stand inside text (name one member: tasks.clean.output.exists, tasks.clean.output.job_run_id)`,
		`é ${{ foo }} ${{ params.m }} ${{ x`: `E303 6+3 "foo" is not known here (known here: dag, env, false, index, item, null, params, run, secrets, tasks, …)` + "\n" + `E303 24+1 params has no member "m" (known here: any, flag, list, n, name, rate, rows, start-date)` + "\n" + `E302 29+3 this ${{ is never closed (close it with }}; a literal ${{ is ${{ '${{' }})`,
		`--day {{ ds }}`:                     `E307 6+8 "{{ ds }}" is Jinja's and stays as it is (write ${{ run.ds }})`,
		`x {{ params.n }} {{ var.value.k }}`: `E307 2+14 "{{ params.n }}" is Jinja's and stays as it is (write ${{ params.n }})` + "\n" + `E307 17+17 "{{ var.value.k }}" is Jinja's and stays as it is (write ${{ vars.k }})`,
		`x ${params.n}`:                      `E307 2+11 "${params.n}" is no expression and stays as it is (write ${{ params.n }})`,
	} {
		if _, problems := CheckTemplate(tmpl, place()); say(problems) != want {
			t.Errorf("%s\n got %s\nwant %s", tmpl, say(problems), want)
		}
	}
}

func TestInfo(t *testing.T) {
	info, problems := CheckTemplate(`é ${{ tasks.clean.output.exists }} ${{ tasks["load-it"]["ref"].uri + secrets.X }}`, place())
	if len(problems) > 0 {
		t.Fatal(say(problems))
	}
	if got := fmt.Sprint(info.Refs); got != "[{clean output 12 5} {load-it ref 46 7}]" {
		t.Errorf("refs %s", got)
	}
	if got := fmt.Sprint(info.Names); got != "map[secrets:true tasks:true]" {
		t.Errorf("names %s", got)
	}
	if info.Whole || info.Type.Kind != KindString {
		t.Errorf("whole %v, %v", info.Whole, info.Type.Kind)
	}
	if info, _ := CheckTemplate(`${{ params.list }}`, place()); !info.Whole || info.Type.Kind != KindArray {
		t.Errorf("whole %v, %v", info.Whole, info.Type.Kind)
	}
}

func TestTypeOfSchema(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"string"}`: "a text", `{"type":"integer"}`: "an integer", `{"type":["integer","number","null"]}`: "a number", `{"type":["string","integer"]}`: "anything",
		`{"enum":["a","b"]}`: "a text", `{"enum":[1,"b"]}`: "anything", `{"const":true}`: "a boolean", `{"$ref":"#/x"}`: "anything", `true`: "anything", `nonsense`: "anything", ``: "anything",
		`{"type":"array","items":{"type":"integer"}}`: "a list", `{"type":"object"}`: "a map", `{"type":"null"}`: "null",
	} {
		if got := TypeOfSchema([]byte(schema)).Kind.String(); got != want {
			t.Errorf("%s: got %s, want %s", schema, got, want)
		}
	}
	closed := TypeOfSchema([]byte(`{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}},"additionalProperties":false}`))
	if closed.Open || closed.Fields["a"].elem().Kind != KindInt {
		t.Errorf("got %+v", closed)
	}
}
