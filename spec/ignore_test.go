package spec

import (
	"strings"
	"testing"
)

// Each row is a file, what is left of its findings ("" = none), and what fixes make of it ("" = nothing).
func TestCommentsSilence(t *testing.T) {
	const late = "  a:\n    uses: file.head\n    with: {path: x}\n"
	const sensor = "    sensor: {until: output.exists}"
	for _, c := range []struct{ what, src, left, fixed string }{
		{"the line it stands in", "tasks:\n" + late + sensor + " # weft: ignore[R501] the export is late\n", "", ""},
		{"the line below it", "tasks:\n" + late + "    # weft: ignore[R501] the export is late\n" + sensor + "\n", "", ""},
		{"the line below other comments", "tasks:\n" + late + "    # weft: ignore[R501] the export is late\n    # and later in December\n" + sensor + "\n", "", ""},
		{"two comments above a line", "tasks:\n" + late + "    # weft: ignore[R501] the export is late\n    # weft: ignore[R502] so is the poke\n    sensor: {until: output.exists, poke_interval: 8d}\n", "", ""},
		{"several codes", "tasks:\n" + late + "    sensor: {until: output.exists, poke_interval: 8d} #weft:ignore[R501,R502]: the export is late\n", "", ""},
		{"behind another comment", "tasks:\n" + late + sensor + " # slow # weft: ignore[R501] the export is late\n", "", ""},
		{"the whole file", "# weft: ignore-file[R501] exports are late\ntasks:\n" + late + sensor + "\n" + strings.Replace(late, "a:", "b:", 1) + sensor + "\n", "", ""},
		{"with CRLF and a BOM", "\ufefftasks:\r\n" + strings.ReplaceAll(late, "\n", "\r\n") + sensor + " # weft: ignore[R501] the export is late\r\n", "", ""},
		{"in a script, the line", "tasks:\n  a:\n    run: |\n      date\n      echo x > /dev/stderr # weft: ignore[R507] a log of one line\n", "", ""},
		{"in a script, the line below", "tasks:\n  a:\n    run: |\n      # weft: ignore[R507] a log of one line\n      echo x > /dev/stderr\n", "", ""},
		{"where a script begins", "tasks:\n  a:\n    run: | # weft: ignore[R507] a log of one line\n      date\n      echo x > /dev/stderr\n", "", ""},
		{"above where a script begins", "tasks:\n  a:\n    # weft: ignore[R507] a log of one line\n    run: |\n      date\n      echo x > /dev/stderr\n", "", ""},
		{"above a quoted script of several lines", "tasks:\n  a:\n    # weft: ignore[R507] a log of one line\n    run: \"date;\n      echo x > /dev/stderr\"\n", "", ""},

		{"not the line below one that is blank", "tasks:\n" + late + "    # weft: ignore[R501] the export is late\n\n" + sensor + "\n", "L001 R501", ""},
		{"not the next key of a block", "tasks:\n  a:\n    run: | # weft: ignore[R501] the export is late\n      date\n    sensor: {until: \"true\"}\n", "L001 R501", ""},
		{"not another code", "tasks:\n" + late + sensor + " # weft: ignore[R502] the export is late\n", "R501 L001", "tasks:\n" + late + sensor + "\n"},
		{"not an error", "tasks:\n  a: {run: echo, needs: [b]} # weft: ignore[G201] b comes later\n", "G201", ""},
		{"not an error that is not there", "tasks:\n  a: {run: echo} # weft: ignore[G201] b comes later\n", "L001", ""},
		{"a text is no comment", "description: \"x # weft: ignore[R501] y\"\ntasks:\n  a: {run: echo}\n", "", ""},
		{"nor is a block of text", "description: |\n  Write # weft: ignore[R501] why\ntasks:\n  a: {run: echo}\n", "", ""},
		{"nor is prose", "# weft: ignores exit 3; and weft: ignore the rest\ntasks:\n  a: {run: echo}\n", "", ""},

		{"idle, alone on its line", "# weft: ignore[R501] the export is late\ntasks:\n  a: {run: echo}\n", "L001", "tasks:\n  a: {run: echo}\n"},
		{"idle, at the end of a line", "tasks:\n  a: {run: echo}   # weft: ignore[R501, R502] the export is late\n", "L001", "tasks:\n  a: {run: echo}\n"},
		{"idle, on the last line", "tasks:\n  a: {run: echo}\n# weft: ignore[R501] the export is late", "L001", "tasks:\n  a: {run: echo}\n"},
		{"idle for one of two", "tasks:\n" + late + sensor + " # weft: ignore[R501, R502] the export is late\n", "L001", ""},
		{"idle in a script", "tasks:\n  a:\n    run: |\n      date # weft: ignore[R507] a log of one line\n", "L001", ""},
		{"idle while there are errors: nobody knows", "tasks:\n  a: {run: echo, needs: [b]}\n# weft: ignore[R501] the export is late\n", "G201", ""},
		{"idle for what depends on the folder", "tasks:\n  a: {run: echo} # weft: ignore[S110] the script is built\n", "", ""},
		{"without a reason", "tasks:\n" + late + sensor + " # weft: ignore[R501]\n", "L002", ""},
		{"without a reason but a colon", "tasks:\n" + late + sensor + " # weft: ignore[R501]: \n", "L002", ""},
		{"a code that there is not", "tasks:\n" + late + sensor + " # weft: ignore[R551, R501] the export is late\n", "L003", ""},
		{"a code in small letters", "tasks:\n" + late + sensor + " # weft: ignore[r501] the export is late\n", "R501 L003", "tasks:\n" + late + sensor + " # weft: ignore[R501] the export is late\n"},
		{"a comment cannot silence what is said of comments", "tasks:\n  a: {run: echo} # weft: ignore[R501, L001] whatever\n", "L001", "tasks:\n  a: {run: echo}\n"},
		{"without brackets", "tasks:\n  a: {run: echo} # weft: ignore R501 the export is late\n", "L004", ""},
		{"without anything", "tasks:\n  a: {run: echo} # weft: ignore\n", "L004", ""},
		{"without a code", "tasks:\n  a: {run: echo} # weft: ignore[] why\n", "L004", ""},
		{"never closed", "tasks:\n  a: {run: echo} # weft: ignore[R501 why\n", "L004", ""},
		{"in a file that is no YAML", "# weft: ignore[R501] the export is late\ntasks: [\n", "Y009", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, found := Parse("f.yaml", []byte(c.src), online())
			var codes []string
			for _, d := range found {
				codes = append(codes, d.Code)
			}
			if got := strings.Join(codes, " "); got != c.left {
				t.Errorf("left %q, want %q in\n%s\n%s", got, c.left, c.src, show(found))
			}
			if c.fixed == "" {
				c.fixed = c.src
			}
			if got, left := fixAll(t, "f.yaml", []byte(c.src)); string(got) != c.fixed {
				t.Errorf("fixes make\n%s\nwant\n%s\n%s", got, c.fixed, show(left))
			}
		})
	}
}

// TestSettingsWeigh holds what a setting makes of a warning, and that it makes nothing of an error.
func TestSettingsWeigh(t *testing.T) {
	const src = "tasks:\n  a: {uses: file.head, with: {path: x}, sensor: {until: output.exists}}\n"
	for _, c := range []struct {
		set  Severity
		want string
		runs bool
	}{
		{"", "warning", true},
		{Warning, "warning", true},
		{Info, "info", true},
		{Off, "", true},
		{Error, "error", false},
	} {
		o := online()
		if c.set != "" {
			o.Severities = map[string]Severity{rSensor: c.set, gUnknown: Off}
		}
		d, found := Parse("f.yaml", []byte(src), o)
		got := ""
		for _, f := range found {
			got += string(f.Severity)
		}
		if got != c.want {
			t.Errorf("%q gives %q, want %q", c.set, got, c.want)
		}
		if _, err := d.Plan(); (err == nil) != c.runs {
			t.Errorf("%q: a plan is made of it: %v", c.set, err)
		}
		if _, broken := Parse("f.yaml", []byte("tasks:\n  a: {run: echo, needs: b}\n"), o); len(broken) != 1 || broken[0].Severity != Error {
			t.Errorf("an error cannot be set to anything: %s", show(broken))
		}
	}
}

// TestPagesCanBeRead holds the form of the pages, and their severities to what is
// reported; what their examples give is held in tests/.
func TestPagesCanBeRead(t *testing.T) {
	if n := len(Codes()); n < 60 {
		t.Fatalf("only %d pages", n)
	}
	for _, code := range Codes() {
		p, ok := PageOf(code)
		switch p.Severity {
		case "error", "warning", "error or warning", "info", "warning or info":
		default:
			t.Errorf("%s: its severity is %q", code, p.Severity)
		}
		if !ok || p.Title == "" || strings.HasSuffix(p.Title, ".") || p.Why == "" || len(p.Wrong) == 0 || len(p.Right) == 0 {
			t.Errorf("%s: something is missing: %+v", code, p)
		}
		if s, milder := warnings[code]; milder && string(s) != p.Severity {
			t.Errorf("%s is %s, its page says %s", code, s, p.Severity)
		}
	}
	if _, ok := PageOf("../codes/G201"); ok {
		t.Error("a path is no code")
	}
}

func TestNearCodes(t *testing.T) {
	for word, want := range map[string]string{"g201": "G201", "R5O1": "R501", "R-501": "R501", "hello": "", "": ""} {
		if got := strings.Join(NearCodes(word), " "); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
