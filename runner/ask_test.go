package runner_test

import (
	"encoding/json"
	"strings"
	"testing"

	"weft/machine"
	"weft/plugins"
)

// asking is the input of a plugin that can be asked about its output.
const asking = `{"type":"object","properties":{"url":{"type":"string"},"expect":{"type":"object","properties":{
	"when":{"type":"string","x-weft-expr":["output"]}},"additionalProperties":false}},"additionalProperties":false}`

// telling is a plugin that can say what it gave.
type telling struct{ *fake }

func (telling) Tell(input, output json.RawMessage) string {
	return string(input) + " gave " + string(output)
}

func asked(src, input string) machine.Task {
	t := with(input, at("with.expect", 7, 9))
	t.Uses = "asked"
	t.Asks = []machine.Ask{{Path: "expect.when", Expr: *ask(src)}}
	return t
}

// Each row is an expression, what the plugin gives, and what becomes of the attempt: "" = success.
func TestWhatATaskAsksOfItsOutput(t *testing.T) {
	long := strings.Repeat("x", 400)
	for _, c := range []struct{ what, ask, output, kind, want string }{
		{"it holds", "output.n > 2", `{"n": 3}`, "", ""},
		{"it sees what all expressions see", `run.id startsWith "manual" && output == 1`, `1`, "", ""},
		{"null is an output", "output == nil", ``, "", ""},
		{"a text with ${{ in it is no template", "output contains '${{'", `"a ${{ b"`, "", ""},
		{"it does not hold", "output.n > 2", `{"n": 2}`, "remote", `cannot take the output: expect.when is false: output.n > 2 ({"url":"u"} gave {"n":2})`},
		{"nor does null", "output != nil", ``, "remote", `cannot take the output: expect.when is false: output != nil ({"url":"u"} gave )`},
		{"over several lines", "output\n  ==\n  1", `2`, "remote", `cannot take the output: expect.when is false: output == 1 ({"url":"u"} gave 2)`},
		{"a long one", `output == "` + long + `"`, `2`, "remote", `cannot take the output: expect.when is false: output == "` + long[:289] + `… ({"url":"u"} gave 2)`},
		{"no truth", "output.n", `{"n": 2}`, "remote", `dags/d.yaml:9:12: cannot evaluate expect.when: cannot decide by an integer: truth is asked, true or false ({"url":"u"} gave {"n":2})`},
		{"no answer", "output.n + 1 > 2", `{"n": "x"}`, "remote", `dags/d.yaml:9:12: cannot evaluate expect.when: cannot work out a text + an integer; put values into text as in: a-${{ x }} ({"url":"u"} gave {"n":"x"})`},
		{"no output", "true", `NaN`, "remote", "cannot take the output: JSON has no NaN (write null or a text)"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBench(t, nil)
			b.Plugins = plugins.NewRegistry(telling{&fake{name: "asked", input: asking, run: gives(c.output)}})
			o := order(asked(c.ask, `{"url":"u"}`))
			state := machine.Failed
			if c.want == "" {
				state = machine.Success
			}
			shows(t, b.attempt(o), state, c.kind, c.want)

			res := b.Poke(t.Context(), o, 1, noon) // a poke is asked the same
			shows(t, res.Outcome, state, c.kind, c.want)
			b.nothingLeft()
		})
	}
}

// TestAFalseAnswerIsAFailedPoke: on_error says what becomes of it, and until is not asked.
func TestAFalseAnswerIsAFailedPoke(t *testing.T) {
	for onError, want := range map[string]string{"retry": "failed", "wait": "not yet", "skip": "skipped"} {
		b := newBench(t, nil)
		b.Plugins = plugins.NewRegistry(&fake{name: "asked", input: asking, run: gives("3")})
		task := asked("output == 2", `{}`)
		task.Sensor = &machine.Sensor{OnError: onError, Until: ask("output.no.sense + 1 > 2")}
		res := b.Poke(t.Context(), order(task), 1, noon)
		got := "not yet"
		if res.Done {
			got = res.Outcome.State.String()
		}
		if got != want || !strings.Contains(b.log(), "cannot take the output: expect.when is false: output == 2") {
			t.Errorf("on_error %s: %s, want %s; the log:\n%s", onError, got, want, b.log())
		}
		b.nothingLeft()
	}
}

// TestAnExpressionDoesNotComeOfAnother: it would be asked of nobody.
func TestAnExpressionDoesNotComeOfAnother(t *testing.T) {
	b := newBench(t, nil)
	b.Plugins = plugins.NewRegistry(&fake{name: "asked", input: asking, run: gives("3")})
	task := asked("true", `{"expect": "${{ {\"when\": \"output == 2\"} }}"}`)
	shows(t, b.attempt(order(task)), machine.Failed, "bad_input",
		"dags/d.yaml:7:9: cannot use asked: expect.when is an expression and must stand in the file, it cannot come of another one")
}
