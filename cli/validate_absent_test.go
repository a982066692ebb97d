package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestWhatIsNotThereHidesNothing: of several paths those that are there are checked, and the exit code says that some
// were not.
func TestWhatIsNotThereHidesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, os.Mkdir("empty", 0o755))
	must(t, os.WriteFile("bad.yaml", []byte("tasks: {a: {run: echo, needs: b}}\n"), 0o640))
	const absent = "error: cannot read no.yaml: there is no such file\n"
	for _, row := range []struct {
		args, out, said string
		code            int
	}{
		{"bad.yaml no.yaml", `error[G201]: task "a" needs "b"`, absent, exitCannot},
		{"--format json bad.yaml no.yaml", `"code": "G201"`, absent, exitCannot},
		{"--diff bad.yaml no.yaml", "", "nothing would be fixed; left: 1 error in 1 file\n" + absent, exitCannot},
		{"bad.yaml empty", `error[G201]: task "a" needs "b"`, "", exitProblems},
		{"no.yaml", "", absent, exitCannot},
		{"no.yaml no2.yaml", "", "error: cannot read no2.yaml: there is no such file\n" + absent, exitCannot},
		{"empty", "", "error: cannot find any DAGs in empty\nhint: they are files NAME.yaml or NAME.yml; weft init makes a first one\n", exitCannot},
	} {
		var out, said bytes.Buffer
		code := Main(append([]string{"validate"}, strings.Fields(row.args)...), strings.NewReader(""), &out, &said)
		if code != row.code || said.String() != row.said || (row.out == "") != (out.Len() == 0) || !strings.Contains(out.String(), row.out) {
			t.Errorf("weft validate %s: exit %d\n%s%s", row.args, code, out.String(), said.String())
		}
	}
}

// TestCodesOfCasesAreExplained: what weft test prints in brackets has its page as well.
func TestCodesOfCasesAreExplained(t *testing.T) {
	for _, p := range casePages {
		var out bytes.Buffer
		if code := Main([]string{"explain", strings.ToLower(p.Code)}, strings.NewReader(""), &out, &out); code != exitOK || !strings.HasPrefix(out.String(), p.Code+" (error, of weft test): "+p.Title+"\n") {
			t.Errorf("%s: exit %d\n%s", p.Code, code, out.String())
		}
	}
	if len(casePages) != 4 {
		t.Errorf("%d pages: docs/testing.md lists 4 codes", len(casePages))
	}
}
