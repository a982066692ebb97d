package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weft/expr"
	"weft/handoff"
	"weft/machine"
	"weft/plugins"
)

// jsonText is a JSON text of exactly n bytes.
func jsonText(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }

func TestAnOutputSpillsAboveItsLimit(t *testing.T) {
	for _, c := range []struct {
		what  string
		size  int
		spill bool
		space string // around it: does not count
	}{
		{"just inline", 49152, false, ""},
		{"just inline, with space", 49152, false, "\n  "},
		{"one byte more", 49153, true, " "},
		{"a large one", 3 << 20, true, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			text := jsonText(c.size)
			b := newBench(t, gives(c.space+text+c.space))
			o := order(machine.Task{})
			o.Key.Index, o.Key.Attempt = 3, 2
			out := b.attempt(o)
			if out.State != machine.Success {
				t.Fatal(out.Error)
			}
			if !c.spill {
				if string(out.Output) != text || out.Ref != nil {
					t.Errorf("%d bytes, ref %v", len(out.Output), out.Ref)
				}
				return
			}
			if out.Output != nil || out.Ref == nil || out.Ref.Size != int64(c.size) {
				t.Fatalf("%d bytes inline, ref %+v", len(out.Output), out.Ref)
			}
			if want := "/handoff/d/manual__2026-03-01T12%253A00%253A00%252B00%253A00/count/3/2/output.json"; !strings.HasSuffix(out.Ref.URI, want) {
				t.Errorf("uri %s, want …%s", out.Ref.URI, want)
			}
			place, err := handoff.Known().At(handoff.FileURI(filepath.Join(b.Home, "handoff")))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := handoff.Get(t.Context(), place, *out.Ref, 4<<20); err != nil || string(got) != text {
				t.Errorf("read back %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestTheRunSaysWhereItSpills(t *testing.T) {
	b := newBench(t, gives(jsonText(50_000)))
	dirs := map[string]string{}
	for _, name := range []string{"run", "dag", "handoff"} {
		dirs[name] = filepath.Join(b.Home, name)
	}
	for _, want := range []string{"run", "dag", "handoff"} {
		o := order(machine.Task{})
		switch want {
		case "run":
			o.Run.Handoff = handoff.FileURI(dirs["run"])
			fallthrough
		case "dag":
			o.Plan.Handoff = handoff.FileURI(dirs["dag"])
		}
		if out := b.attempt(o); out.Ref == nil || !strings.HasPrefix(out.Ref.URI, handoff.FileURI(dirs[want])+"/") {
			t.Errorf("%s: %+v", want, out)
		}
	}
	o := order(machine.Task{})
	o.Run.Handoff = "gs://bucket"
	shows(t, b.attempt(o), machine.Failed, "bad_input",
		`cannot use "gs://bucket" as handoff: this weft does not know the scheme "gs" (it knows: dynamodb, file, s3)`)
	o.Run.Handoff = handoff.FileURI(filepath.Join(b.Home, "log", "below"))
	if out := b.attempt(o); out.Kind != "temporary" || !strings.HasPrefix(out.Error, "cannot put d/manual__") {
		t.Errorf("outcome %+v", out)
	}
}

// Each row is an output that is no JSON which could be kept, and the one line that says so.
func TestAnOutputThatCannotBeKept(t *testing.T) {
	for _, c := range []struct{ what, output, want string }{
		{"NaN", `{"a": NaN}`, "JSON has no NaN (write null or a text)"},
		{"Infinity", `[-Infinity]`, "JSON has no Infinity (write null or a text)"},
		{"not UTF-8", "\"a\xffb\"", "it is not UTF-8: byte 3"},
		{"half a character", `{"a": "\ud800"}`, "it holds half of a surrogate pair, which no UTF-8 can hold: byte 8"},
		{"too deep", strings.Repeat("[", 1001) + strings.Repeat("]", 1001), "it is nested too deeply: at most 1000 levels"},
		{"far too deep", strings.Repeat("[", 1<<20), "it is nested too deeply: at most 1000 levels"},
		{"out of range", `{"a": 1e999}`, "the number 1e999 in it is out of range"},
		{"cut", `{"a": [1`, "it is no JSON: it ends too soon"},
		{"two values", `1 2`, "it is no JSON: something follows the value (byte 3)"},
		{"no JSON", `hello`, "it is no JSON: invalid character 'h' looking for beginning of value (byte 1)"},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBench(t, gives(c.output))
			shows(t, b.attempt(order(machine.Task{})), machine.Failed, "remote", "cannot take the output: "+c.want)
		})
	}
}

func TestADeepOutputIsReadBack(t *testing.T) {
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	b := newBench(t, gives(deep))
	out := b.attempt(order(machine.Task{}))
	if _, err := expr.DecodeJSON(out.Output); string(out.Output) != deep || err != nil {
		t.Errorf("outcome %s %s, %v", out.State, out.Error, err)
	}
}

func outputs(pairs ...string) machine.Task {
	var task machine.Task
	for i := 0; i < len(pairs); i += 2 {
		task.Outputs = append(task.Outputs, machine.Output{Name: pairs[i], Schema: machine.Raw(pairs[i+1])})
	}
	return task
}

// Each row is what came as text, what `outputs` declares, and what the task's output is.
func TestOutputsTypeText(t *testing.T) {
	for _, c := range []struct {
		text string
		task machine.Task
		want string
	}{
		{`{"rows":"12"}`, machine.Task{}, `{"rows":"12"}`},
		{`{"rows":"12"}`, outputs("rows", `{"type":"integer"}`), `{"rows":12}`},
		{`{"rows":"12"}`, outputs("rows", `"integer"`), `{"rows":12}`},
		{`{"rows":"12"}`, outputs("rows", `"string"`), `{"rows":"12"}`},
		{`{"rows":"12"}`, outputs("rows", `"any"`), `{"rows":"12"}`},
		{`{"rows":"12"}`, outputs("rows", `{}`), `{"rows":"12"}`},
		{`{"rows":"12"}`, outputs("rows", `{"type":["string","integer"]}`), `{"rows":"12"}`},
		{`{"rows":"2"}`, outputs("rows", `{"enum":[1,2]}`), `{"rows":2}`},
		{`{"ok":"true","r":"1.50"}`, outputs("ok", `"boolean"`, "r", `"number"`), `{"ok":true,"r":1.5}`},
		{`{"l":"[1, 2]","o":"{\"a\":null}"}`, outputs("l", `"array"`, "o", `"object"`), `{"l":[1,2],"o":{"a":null}}`},
		{`{"rows":"1","more":"2"}`, outputs("rows", `"integer"`), `{"more":"2","rows":1}`},
	} {
		b := newBench(t, givesText(c.text))
		out := b.attempt(order(c.task))
		if out.State != machine.Success || string(out.Output) != c.want {
			t.Errorf("%s as %s: %s %s %s, want %s", c.text, c.task.Outputs, out.State, out.Output, out.Error, c.want)
		}
	}
}

// Each row is an output that is not what was declared.
func TestOutputsAreChecked(t *testing.T) {
	integer := outputs("rows", `"integer"`)
	for _, c := range []struct {
		text   bool
		output string
		task   machine.Task
		want   string
	}{
		{true, `{"rows":"many"}`, integer, "rows must be"},
		{true, `{"rows":"1.5"}`, integer, "rows must be"},
		{true, `{"rows":""}`, integer, "rows must be"},
		{false, `{"rows":"12"}`, integer, "rows must be"}, // JSON's text is meant as text
		{false, `{"rows":[1,"a"]}`, outputs("rows", `{"type":"array","items":{"type":"integer"}}`), "rows.1 must be"},
		{false, `{}`, outputs("rows", `"integer"`, "x", `"any"`), "rows is declared in outputs, but missing; x is declared in outputs, but missing"},
		{true, `"12 rows"`, integer, `outputs declares rows, but the task gave the text "12 rows"`},
		{false, `[1]`, outputs("a", `"any"`, "b", `"any"`), "outputs declares a, b, but the task gave a list"},
		{false, `null`, integer, "outputs declares rows, but the task gave no output"},
		{false, `true`, integer, "outputs declares rows, but the task gave true"},
		{false, `1`, integer, "outputs declares rows, but the task gave a number"},
	} {
		b := newBench(t, func(context.Context, *plugins.Call) (plugins.Result, error) {
			return plugins.Result{Output: json.RawMessage(c.output), Text: c.text}, nil
		})
		out := b.attempt(order(c.task))
		if out.State != machine.Failed || out.Kind != "remote" || !strings.HasPrefix(out.Error, "cannot take the output: "+c.want) {
			t.Errorf("%s: %s, kind %q: %s\nwant %s…", c.output, out.State, out.Kind, out.Error, c.want)
		}
	}
}

// fromFile makes a plugin that leaves its output in a file.
func fromFile(t *testing.T, text bool, write func(f *os.File)) func(context.Context, *plugins.Call) (plugins.Result, error) {
	return func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		f, err := os.Create(c.Output)
		if err != nil {
			t.Fatal(err)
		}
		write(f)
		return plugins.Result{OutputFile: c.Output, Text: text}, f.Close()
	}
}

func TestAnOutputInAFile(t *testing.T) {
	for _, c := range []struct {
		text       bool
		file, want string
	}{
		{false, ` {"a": 1} `, `{"a":1}`},
		{false, "", ""},
		{false, "null", ""},
		{true, "a \"line\"", `"a \"line\""`},
		{true, "", `""`},
	} {
		b := newBench(t, fromFile(t, c.text, func(f *os.File) { _, _ = f.WriteString(c.file) }))
		if out := b.attempt(order(machine.Task{})); out.State != machine.Success || string(out.Output) != c.want {
			t.Errorf("%q: %s %s %s", c.file, out.State, out.Output, out.Error)
		}
	}
	b := newBench(t, fromFile(t, true, func(f *os.File) { _, _ = f.WriteString("a\xc3") }))
	shows(t, b.attempt(order(machine.Task{})), machine.Failed, "remote", "cannot take the output: it is not UTF-8: byte 2")
}

func TestAnOutputThatIsNoFile(t *testing.T) {
	b := newBench(t, func(_ context.Context, c *plugins.Call) (plugins.Result, error) {
		return plugins.Result{OutputFile: c.Output}, os.Mkdir(c.Output, 0o700)
	})
	if out := b.attempt(order(machine.Task{})); out.Kind != "remote" || !strings.HasSuffix(out.Error, ".weft_output is no file") {
		t.Errorf("outcome %+v", out)
	}
}

// Above 64 MiB an output is checked and put where it belongs, and never held in memory.
func TestAnOutputOfMoreThan64MiB(t *testing.T) {
	chunk := []byte(`"` + strings.Repeat("x", 1<<20-1) + `é",`)
	b := newBench(t, fromFile(t, false, func(f *os.File) {
		_, _ = f.WriteString("[")
		for range 65 {
			_, _ = f.Write(chunk)
		}
		_, _ = f.WriteString("1]")
	}))
	out := b.attempt(order(machine.Task{}))
	if size := int64(1 + 65*len(chunk) + 2); out.State != machine.Success || out.Ref == nil || out.Ref.Size != size {
		t.Fatalf("%s %s, ref %+v", out.State, out.Error, out.Ref)
	}
	sparse := func(begin string) func(f *os.File) {
		return func(f *os.File) {
			_, _ = f.WriteString(begin)
			_ = f.Truncate(64<<20 + 1)
		}
	}
	b.fake.run = fromFile(t, false, sparse("[\"\xff\"]"))
	shows(t, b.attempt(order(machine.Task{})), machine.Failed, "remote", "cannot take the output: it is not UTF-8: byte 3")
	b.fake.run = fromFile(t, true, sparse("text"))
	if out := b.attempt(order(machine.Task{})); !strings.Contains(out.Error, "it is a text of 67108865 bytes, at most 67108864 are taken") {
		t.Error(out.Error)
	}
	shows(t, b.attempt(order(outputs("rows", `"any"`))), machine.Failed, "remote",
		"cannot take the output: it has 67108865 bytes, and outputs can be checked in 67108864 at most")
}

// Whatever a plugin gives: no panic, and what is kept can be read back and means the same.
func FuzzOutput(f *testing.F) {
	for _, s := range []string{`{"a": 1}`, "null", `[1e5, -0, "\u0000"]`, "\"\xff\"", "NaN", "[[[", `"\ud800"`, `{"a":1,"a":2}`, "1 2", ""} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, text bool) {
		b := newBench(t, func(context.Context, *plugins.Call) (plugins.Result, error) {
			return plugins.Result{Output: json.RawMessage(s), Text: text}, nil
		})
		b.OpenLog = nil
		o := order(machine.Task{Uses: "light"})
		out := b.outcome(t.Context(), o)
		if out.State != machine.Success {
			shows(t, out, machine.Failed, "remote", out.Error)
			return
		}
		if out.Output == nil {
			return
		}
		got, err := expr.DecodeJSON(out.Output)
		if err != nil {
			t.Fatalf("%q was kept as %q, which cannot be read: %v", s, out.Output, err)
		}
		want, err := expr.DecodeJSON([]byte(s))
		if err != nil {
			t.Fatalf("%q was kept, and is wrong: %v", s, err)
		}
		g, _ := expr.EncodeJSON(got)
		w, _ := expr.EncodeJSON(want)
		if !bytes.Equal(g, w) {
			t.Errorf("%q was kept as %q", s, out.Output)
		}
	})
}
