package python

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"weft/plugins"
)

var hash = regexp.MustCompile(`sha256 [0-9a-f]{64}`)

func TestRequirementsOfAList(t *testing.T) {
	for _, c := range []struct {
		list       []string
		want, fail string
	}{
		{nil, "", ""},
		{[]string{"b>=2,<3", " a ", "b>=2,<3"}, "a\nb>=2,<3\n", ""},
		{[]string{"./lib", "../x.whl", "a @ https://example.com/a.whl"}, "/dags/lib\n/x.whl\na @ https://example.com/a.whl\n", ""},
		{[]string{"-e ."}, "", `cannot take the option "-e ." as a requirement (there are index_url and find_links; a requirements file may hold options)`},
		{[]string{"--index-url=http://evil"}, "", `cannot take the option "--index-url=http://evil" as a requirement (there are index_url and find_links; a requirements file may hold options)`},
		{[]string{"a\n--index-url http://evil"}, "", `cannot read the requirement "a\n--index-url http://evil": write it like "requests>=2,<3"`},
		{[]string{`a \`}, "", `cannot read the requirement "a \\": write it like "requests>=2,<3"`},
		{[]string{"# a"}, "", `cannot read the requirement "# a": write it like "requests>=2,<3"`},
	} {
		got, err := readRequirements(texts{list: c.list}, "/dags")
		if got != c.want || (err == nil) != (c.fail == "") || err != nil && err.Error() != c.fail {
			t.Errorf("%q: %q, error %v", c.list, got, err)
		}
	}
}

func TestRequirementsOfAFile(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"all.txt":        "\ufeff# all of them\r\na==1.0 \\\r\n    --hash=sha256:00  # pinned\r\n\r\n-r sub/more.txt\r\n--extra-index-url https://example.com/#x\r\n",
		"sub/more.txt":   "./local\n-f wheels\n--find-links=https://example.com/w\n-rdeep.txt\n-c c.txt",
		"sub/deep.txt":   "deep",
		"sub/c.txt":      "deep<2\n",
		"again.txt":      "-r again.txt",
		"lost.txt":       "--requirement nowhere.txt",
		"editable.txt":   "-e .",
		"nothing.txt":    "  # nothing\n\\\n",
		"mid/comment.in": "a \\\n# not a part of it\nb",
	})
	for name, want := range map[string]string{
		"all.txt": "a==1.0     --hash=sha256:00\nDIR/sub/local\n-f DIR/sub/wheels\n--find-links https://example.com/w\ndeep\n-c DIR/sub/c.txt\n" +
			"# sha256 7d158ed6a5a8fd9b9ee8d5e0d6cd63bbcde9bb9e5e2dd8bb56a5cc5fc1ee4ca4\n--extra-index-url https://example.com/#x\n",
		"nothing.txt":    "",
		"mid/comment.in": "a\nb\n",
		"again.txt":      "cannot read the requirements in again.txt: files name each other more than 10 deep",
		"lost.txt":       "cannot read the requirements in nowhere.txt: no such file or directory",
		"editable.txt":   `cannot take "-e ." from editable.txt: environments are shared and never change (leave out -e)`,
		"no.txt":         "cannot read the requirements in no.txt: no such file or directory",
	} {
		got, err := readRequirements(texts{list: []string{name}, isText: true}, dir)
		if err != nil {
			got = err.Error()
		}
		got = hash.ReplaceAllString(got, "sha256 HASH")
		if want = hash.ReplaceAllString(strings.ReplaceAll(want, "DIR", dir), "sha256 HASH"); got != want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
	}
}

// FuzzLogicalLines: nothing in a line can begin another, and no words are lost.
func FuzzLogicalLines(f *testing.F) {
	f.Add("a \\\n b # c\n-r d")
	f.Add("\\\\\n#\r\n\\")
	f.Fuzz(func(t *testing.T, text string) {
		lines := logicalLines(text)
		for _, line := range lines {
			if strings.Contains(line, "\n") || strings.TrimSpace(line) != line || line == "" || line[0] == '#' {
				t.Errorf("%q gives the line %q", text, line)
			}
		}
		if plain := strings.Fields(text); !strings.ContainsAny(text, "#\\\ufeff") && !slices.Equal(plain, strings.Fields(strings.Join(lines, "\n"))) {
			t.Errorf("%q gives %q", text, lines)
		}
	})
}

// FuzzRequirement: an entry of a list stays one line and is no option.
func FuzzRequirement(f *testing.F) {
	f.Add("a>=1")
	f.Add("a\r-e x")
	f.Fuzz(func(t *testing.T, entry string) {
		text, err := readRequirements(texts{list: []string{entry}}, "/dags")
		if err == nil && (len(strings.Split(text, "\n")) != 2 || text[0] == '-' || strings.ContainsAny(text, "\r\v\f")) {
			t.Errorf("%q gives %q", entry, text)
		}
	})
}

func FuzzParseLines(f *testing.F) {
	f.Add("a=1\nb<<END\nx\nEND\n")
	f.Add("a<<\n=\n<<<")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := plugins.ParseOutputLines(text)
		if (err == nil) != (len(out) > 0 && out[0] == '{') {
			t.Errorf("%q gives %s, error %v", text, out, err)
		}
	})
}
