package runner

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// However a text is cut into reads, its first wrong byte is found, and a right one passes whole.
func TestUTF8AcrossReads(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"aé€😀z":                "",
		"a\xffb":               "it is not UTF-8: byte 2",
		"é\xc3":                "it is not UTF-8: byte 3",
		"\xf0\x9f\x98":         "it is not UTF-8: byte 1",
		"€\xe2\x82a":           "it is not UTF-8: byte 4",
		"\x80":                 "it is not UTF-8: byte 1",
		"ok \xed\xa0\x80 half": "it is not UTF-8: byte 4",
	} {
		for name, cut := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "data with the end": iotest.DataErrReader,
		} {
			got, err := io.ReadAll(&utf8Reader{r: cut(strings.NewReader(text))})
			switch {
			case want == "" && (err != nil || string(got) != text):
				t.Errorf("%q in %s: %q, %v", text, name, got, err)
			case want != "" && (err == nil || err.Error() != want):
				t.Errorf("%q in %s: %v, want %s", text, name, err, want)
			}
		}
		err := checkUTF8([]byte(text))
		if got := errText(err); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWhichOutputsASourceReads(t *testing.T) {
	for src, reads := range map[string]bool{
		"tasks.a.output":                   true,
		"${{ tasks.a.output.rows }}":       true,
		"tasks?.a?.output":                 true,
		"tasks . a . output":               true,
		`tasks["a"].output`:                true,
		`tasks['a']["output"]`:             true,
		"toJSON(tasks.a)":                  true,
		"toJSON(tasks)":                    true,
		"tasks[item].ref":                  true, // any task
		`tasks[\"a\"].ref`:                 true, // inside JSON: not looked into
		"tasks.a.ref":                      false,
		"tasks.a?.ref.uri":                 false,
		`tasks["a"].state == "success"`:    false,
		"tasks.a.instances":                true, // each has its output
		"tasks.a.instances[0].output.rows": true,
		`count(tasks.a.instances, .state == "success") > 1`: false,
		"tasks.b.output":                    false,
		"tasks.ab.output":                   false,
		"mytasks.a":                         true, // another name: read for nothing, but nothing is missed
		`line\ntasks.a.output`:              true, // inside JSON
		"0..tasks.a.output":                 true,
		"x.tasks.a.output":                  false,
		"a_tasks.a.output":                  false,
		"params.a":                          false,
		"":                                  false,
		"tasks.b.ref + tasks.a.error":       false,
		"tasks.b.output == tasks.a.outputs": true,
	} {
		if got := readsOutput(src, "a"); got != reads {
			t.Errorf("%q reads the output of a: %v, want %v", src, got, reads)
		}
	}
	if !readsOutput("tasks.load-all.output", "load-all") || readsOutput("tasks['load-all'].ref", "load-all") {
		t.Error("an id with a hyphen")
	}
}
